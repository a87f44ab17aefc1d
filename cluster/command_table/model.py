"""The shape of a row of the command table.

A row is the only place where anything about a command is declared: how many arguments it
takes, where its keys stand, who handles it, how it spreads over shards, how the replies of
its parts merge, and how it is journalled and replicated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntFlag, auto


class F(IntFlag):
    """Command flags: Redis's own, as COMMAND INFO prints them."""

    WRITE = auto()
    READONLY = auto()
    DENYOOM = auto()
    ADMIN = auto()
    PUBSUB = auto()
    NOSCRIPT = auto()
    BLOCKING = auto()
    LOADING = auto()
    STALE = auto()
    SKIP_MONITOR = auto()
    SKIP_SLOWLOG = auto()
    ASKING = auto()
    FAST = auto()
    NO_AUTH = auto()
    MAY_REPLICATE = auto()
    NO_MANDATORY_KEYS = auto()
    NO_ASYNC_LOADING = auto()
    NO_MULTI = auto()
    ALLOW_BUSY = auto()
    MOVABLEKEYS = auto()
    INTERNAL = auto()  # router to shard only; a client that sends it gets "unknown command"


class At(Enum):
    """Who handles a command."""

    ROUTER = "router"
    SHARD = "shard"


class Spread(Enum):
    """How a shard command goes to the shards."""

    ONE = "one"  # to the shard of its keys; keys of several shards make it a dataflow
    SPLIT = "split"  # independent parts, one for each shard that owns some of its keys
    ALL = "all"  # the same command to every shard; a command of the router concerns them all


class Merge(Enum):
    """How the replies of the parts of a SPLIT or ALL command become one."""

    NONE = "none"
    SUM = "sum"  # integers are added
    SCATTER = "scatter"  # arrays: each element goes back to the place of its key
    CONCAT = "concat"  # arrays are joined
    ALL_OK = "all_ok"  # the first reply, or the first error
    CUSTOM = "custom"  # router/merges.py has a function of the command's name


class Effect(Enum):
    """What a write puts into the journal and the replication stream."""

    VERBATIM = "verbatim"  # the command as it came, when it changed something
    REWRITTEN = "rewritten"  # its handler names the effects


@dataclass(frozen=True, slots=True)
class Range:
    """Keys at first, first+step, ... last; a negative last counts from the end (-1: last argument)."""

    first: int
    last: int
    step: int = 1

    def find(self, args: Sequence[bytes]) -> list[int]:
        last = self.last if self.last >= 0 else len(args) + self.last
        return list(range(self.first, min(last, len(args) - 1) + 1, self.step))


@dataclass(frozen=True, slots=True)
class NumKeys:
    """`args[at]` says how many keys follow it; `also` are fixed key positions before it."""

    at: int
    also: tuple[int, ...] = ()

    def find(self, args: Sequence[bytes]) -> list[int]:
        try:
            count = int(args[self.at])
        except (ValueError, IndexError):
            return []
        if count <= 0 or self.at + count >= len(args):
            return []
        return [*self.also, *range(self.at + 1, self.at + 1 + count)]


@dataclass(frozen=True, slots=True)
class Keyword:
    """Keys are the first half of what follows a keyword (XREAD's STREAMS)."""

    word: bytes
    start: int

    def find(self, args: Sequence[bytes]) -> list[int]:
        for i in range(self.start, len(args)):
            if args[i].upper() == self.word:
                rest = len(args) - i - 1
                return list(range(i + 1, i + 1 + rest // 2))
        return []


@dataclass(frozen=True, slots=True)
class Custom:
    """Keys that only a function finds (SORT ... STORE, GEORADIUS ... STORE, MIGRATE)."""

    first: int  # what COMMAND INFO says
    function: Callable[[Sequence[bytes]], list[int]]
    places: tuple[str, ...] = ()  # see custom_keys.py
    more: Callable[[Sequence[bytes]], bool] | None = None  # whether it reads keys that no argument names

    def find(self, args: Sequence[bytes]) -> list[int]:
        return self.function(args)


Keys = Range | NumKeys | Keyword | Custom
FIRST = Range(1, 1)
EACH = Range(1, -1)
PAIRS = Range(1, -1, 2)
SECOND = Range(2, 2)  # of a subcommand: OBJECT ENCODING key

# The ACL category that a group's commands belong to, when their row names no other.
GROUP_ACL = {
    "generic": "keyspace",
    "string": "string",
    "bitmap": "bitmap",
    "list": "list",
    "set": "set",
    "sorted-set": "sortedset",
    "hash": "hash",
    "hyperloglog": "hyperloglog",
    "geo": "geo",
    "stream": "stream",
    "pubsub": "pubsub",
    "transactions": "transaction",
    "connection": "connection",
    "scripting": "scripting",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One row. `name` is upper case; a subcommand's is "CONTAINER|SUB".

    arity counts the name itself; negative means "at least". A container row (CONFIG, OBJECT,
    ...) has `container=True` and no handler of its own except for its subcommands.
    """

    name: str
    arity: int
    flags: F = F(0)
    keys: Keys | None = None
    at: At = At.SHARD
    spread: Spread = Spread.ONE
    merge: Merge = Merge.NONE
    effect: Effect = Effect.VERBATIM
    group: str = "generic"
    since: str = "1.0.0"
    summary: str = ""
    complexity: str = "O(1)"
    acl: tuple[str, ...] | None = None  # categories beside those of the flags; None: the group's
    container: bool = False
    access: str = ""  # "RW ACCESS DELETE, OW UPDATE": what is done to the keys, a part for each key spec
    tips: tuple[str, ...] = ()
    deprecated: str = ""  # since which version
    replaced_by: str = ""
    id: int = field(default=-1, compare=False)

    def arity_ok(self, argc: int) -> bool:
        return argc == self.arity if self.arity >= 0 else argc >= -self.arity

    def key_indexes(self, args: Sequence[bytes]) -> list[int]:
        """Positions of the keys in `args` (args[0] is the name; for a subcommand, args[1] is
        the subcommand). Empty when the arguments are malformed: the handler then says how."""
        return self.keys.find(args) if self.keys is not None else []

    @property
    def whole(self) -> bool:
        """Whether it is about the whole keyspace (KEYS, FLUSHALL), not about keys that it names."""
        return self.keys is None and self.spread is Spread.ALL and self.group in ("generic", "server")

    def discovers(self, args: Sequence[bytes]) -> bool:
        """Whether it reads keys that its values name (SORT's patterns): they may be on any shard."""
        return isinstance(self.keys, Custom) and self.keys.more is not None and self.keys.more(args)

    @property
    def categories(self) -> set[str]:
        """The ACL categories: what the flags imply, and the row's own."""
        found = {"fast" if self.flags & F.FAST else "slow"}
        if self.flags & F.WRITE:
            found.add("write")
        if self.flags & F.READONLY and self.group != "scripting":
            found.add("read")
        if self.flags & F.ADMIN:
            found |= {"admin", "dangerous"}
        if self.flags & F.PUBSUB:
            found.add("pubsub")
        if self.flags & F.BLOCKING:
            found.add("blocking")
        if self.acl is not None:
            found.update(self.acl)
        elif self.group in GROUP_ACL:
            found.add(GROUP_ACL[self.group])
        return found
