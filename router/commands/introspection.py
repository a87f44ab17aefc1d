"""COMMAND and its subcommands: the command table as Redis tells it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from cluster.command_docs.history import HISTORY
from cluster.command_docs.notes import NOTES, SYSTEM
from cluster.command_docs.syntax import SYNTAX, Argument
from cluster.command_table import TABLE
from cluster.command_table.model import Command, Custom, F, Keyword, NumKeys, Range
from cluster.errors import CommandError, syntax_error
from cluster.replies import MapReply, SetReply, Status
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

SHOWN = [row for row in TABLE.values() if not row.flags & F.INTERNAL]
TOP_LEVEL = [row for row in SHOWN if "|" not in row.name]
INVALID = "ERR Invalid command specified"

# In the order in which Redis prints them.
FLAG_NAMES = [
    (flag, (flag.name or "").lower().encode())
    for flag in (
        F.WRITE, F.READONLY, F.DENYOOM, F.ADMIN, F.PUBSUB, F.NOSCRIPT, F.BLOCKING, F.LOADING, F.STALE,
        F.SKIP_MONITOR, F.SKIP_SLOWLOG, F.ASKING, F.FAST, F.NO_AUTH, F.MAY_REPLICATE, F.NO_MANDATORY_KEYS,
        F.NO_ASYNC_LOADING, F.NO_MULTI, F.MOVABLEKEYS, F.ALLOW_BUSY,
    )
]  # fmt: skip
CATEGORIES = [
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
    "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
]  # fmt: skip


def children(row: Command) -> list[Command]:
    """The subcommands of a container."""
    prefix = row.name + "|"
    return [sub for sub in SHOWN if sub.name.startswith(prefix)] if row.container else []


def first_last_step(row: Command) -> tuple[int, int, int]:
    """The three numbers of COMMAND INFO: what the first key spec that has a fixed place says."""
    keys = row.keys
    if isinstance(keys, Range):
        return keys.first, keys.last, keys.step
    if isinstance(keys, NumKeys) and keys.also:
        return keys.also[0], keys.also[0], 1
    if isinstance(keys, Custom):
        return keys.first, keys.first, 1
    return 0, 0, 0


def _index(position: int) -> MapReply:
    return MapReply([b"type", b"index", b"spec", MapReply([b"index", position])])


def _word(word: bytes, start: int) -> MapReply:
    return MapReply([b"type", b"keyword", b"spec", MapReply([b"keyword", word, b"startfrom", start])])


def _range(last: int, step: int = 1, limit: int = 0) -> MapReply:
    spec = MapReply([b"lastkey", last, b"keystep", step, b"limit", limit])
    return MapReply([b"type", b"range", b"spec", spec])


def _unknown() -> MapReply:
    return MapReply([b"type", b"unknown", b"spec", MapReply([])])


def _custom_place(place: str) -> tuple[MapReply, MapReply]:
    if place == "?":
        return _unknown(), _unknown()
    word, at, start = place.partition("@")
    if not at:
        return _index(int(place)), _range(0)
    whole = start.endswith("..")
    return _word(word.encode(), int(start.removesuffix(".."))), _range(-1 if whole else 0)


def places(row: Command) -> list[tuple[MapReply, MapReply]]:
    """(begin_search, find_keys) of each key spec, as many as the row's `access` has parts."""
    keys = row.keys
    parts = len(row.access.split(", ")) if row.access else 0
    if isinstance(keys, Range):
        found = [(_index(keys.first + i), _range(0)) for i in range(parts - 1)]
        first = keys.first + parts - 1
        return [*found, (_index(first), _range(keys.last - first if keys.last >= 0 else keys.last, keys.step))]
    if isinstance(keys, NumKeys):
        numbered = MapReply([b"type", b"keynum", b"spec", MapReply([b"keynumidx", 0, b"firstkey", 1, b"keystep", 1])])
        return [*((_index(at), _range(0)) for at in keys.also), (_index(keys.at), numbered)]
    if isinstance(keys, Keyword):
        return [(_word(keys.word, keys.start), _range(-1, 1, 2))]
    if isinstance(keys, Custom):
        return [_custom_place(place) for place in keys.places]
    return []


def access_flags(part: str) -> SetReply:
    """RW, RO, OW, RM in capitals, the others in small letters, as Redis prints them."""
    words = [word if word in ("RW", "RO", "OW", "RM") else word.lower() for word in part.split()]
    return SetReply([Status(word.encode()) for word in words])


def key_specs(row: Command) -> SetReply:
    """The key specs of COMMAND INFO."""
    notes = NOTES.get(row.name, ())
    found = []
    for i, (part, (begin, find)) in enumerate(zip(row.access.split(", "), places(row), strict=False)):
        note = [b"notes", notes[i].encode()] if i < len(notes) and notes[i] else []
        found.append(MapReply([*note, b"flags", access_flags(part), b"begin_search", begin, b"find_keys", find]))
    return SetReply(found)


def description(row: Command) -> list[Any]:
    """One command as COMMAND INFO gives it."""
    first, last, step = first_last_step(row)
    categories = row.categories
    return [
        row.name.lower().encode(),
        row.arity,
        SetReply([Status(name) for flag, name in FLAG_NAMES if row.flags & flag]),
        first,
        last,
        step,
        SetReply([Status(b"@" + name.encode()) for name in CATEGORIES if name in categories]),
        SetReply([tip.encode() for tip in row.tips]),
        key_specs(row),
        [description(sub) for sub in children(row)] or SetReply([]),
    ]


def argument(found: Argument) -> MapReply:
    """One argument of COMMAND DOCS."""
    parts: list[Any] = [b"name", found.name.encode(), b"type", found.type.encode()]
    if not found.parts:
        parts += [b"display_text", found.name.encode()]
    if found.spec >= 0:
        parts += [b"key_spec_index", found.spec]
    if found.token is not None:
        parts += [b"token", found.token.encode()]
    if found.since:
        parts += [b"since", found.since.encode()]
    if found.deprecated:
        parts += [b"deprecated_since", found.deprecated.encode()]
    if found.flags:
        parts += [b"flags", SetReply([Status(flag.encode()) for flag in found.flags])]
    if found.parts:
        parts += [b"arguments", [argument(part) for part in found.parts]]
    return MapReply(parts)


def documentation(row: Command) -> MapReply:
    """One command as COMMAND DOCS gives it."""
    found: list[Any] = [b"summary", row.summary.encode(), b"since", row.since.encode(), b"group", row.group.encode()]
    if row.complexity:
        found += [b"complexity", row.complexity.encode()]
    doc_flags = [Status(b"syscmd")] * (row.name in SYSTEM) + [Status(b"deprecated")] * bool(row.deprecated)
    if doc_flags:
        found += [b"doc_flags", SetReply(doc_flags)]
    if row.deprecated:
        found += [b"deprecated_since", row.deprecated.encode()]
    if row.replaced_by:
        found += [b"replaced_by", row.replaced_by.encode()]
    if row.name in HISTORY:
        found += [b"history", SetReply([[since.encode(), change.encode()] for since, change in HISTORY[row.name]])]
    if row.name in SYNTAX:
        found += [b"arguments", [argument(part) for part in SYNTAX[row.name]]]
    subs = children(row)
    if subs:
        inner = MapReply([part for sub in subs for part in (sub.name.lower().encode(), documentation(sub))])
        found += [b"subcommands", inner]
    return MapReply(found)


def named(raw: bytes) -> Command | None:
    """The row of "get" or "config|get"."""
    row = TABLE.get(raw.decode("utf-8", "replace").upper())
    return None if row is None or row.flags & F.INTERNAL else row


@handles("COMMAND")
def command(router: Router, session: Session, args: list[bytes]) -> Any:
    """COMMAND"""
    return [description(row) for row in TOP_LEVEL]


@handles("COMMAND|COUNT")
def count(router: Router, session: Session, args: list[bytes]) -> Any:
    """COMMAND COUNT"""
    return len(TOP_LEVEL)


@handles("COMMAND|INFO")
def info(router: Router, session: Session, args: list[bytes]) -> Any:
    """COMMAND INFO [name ...]"""
    if len(args) == 2:
        return [description(row) for row in TOP_LEVEL]
    rows = [named(raw) for raw in args[2:]]
    return [None if row is None else description(row) for row in rows]


@handles("COMMAND|DOCS")
def docs(router: Router, session: Session, args: list[bytes]) -> Any:
    """COMMAND DOCS [name ...]; unknown names are left out"""
    rows = TOP_LEVEL if len(args) == 2 else [row for row in map(named, args[2:]) if row is not None]
    return MapReply([part for row in rows for part in (row.name.lower().encode(), documentation(row))])


@handles("COMMAND|LIST")
def list_(router: Router, session: Session, args: list[bytes]) -> Any:
    """COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]"""
    rows = SHOWN
    if len(args) > 2:
        if len(args) != 5 or args[2].upper() != b"FILTERBY":
            raise syntax_error()
        kind, value = args[3].upper(), args[4].decode("utf-8", "replace").lower()
        if kind == b"MODULE":
            rows = []
        elif kind == b"ACLCAT":
            rows = [row for row in SHOWN if value in row.categories]
        elif kind == b"PATTERN":
            pattern = value.replace("[^", "[!")
            rows = [row for row in SHOWN if fnmatchcase(row.name.lower(), pattern)]
        else:
            raise syntax_error()
    return [row.name.lower().encode() for row in rows]


def inner_keys(args: list[bytes]) -> tuple[Command, list[int]]:
    """The row and the key positions of a whole command. CommandError as COMMAND GETKEYS gives it."""
    row = named(args[0])
    if row is not None and row.container and len(args) > 1:
        row = named(args[0] + b"|" + args[1])
    if row is None:
        raise CommandError(INVALID)
    if row.keys is None or row.access == "NOT_KEY":  # a channel, which is sharded as a key is
        raise CommandError("ERR The command has no key arguments")
    if not row.arity_ok(len(args)):
        raise CommandError("ERR Invalid number of arguments specified for command")
    found = row.key_indexes(args)
    lacking = isinstance(row.keys, Range) and len(args) < row.keys.first + len(row.access.split(", "))
    if (not found or lacking) and not row.flags & F.NO_MANDATORY_KEYS:
        raise CommandError("ERR Invalid arguments specified for command")
    return row, found


@handles("COMMAND|GETKEYS")
def getkeys(router: Router, session: Session, args: list[bytes]) -> Any:
    """COMMAND GETKEYS command [argument ...]"""
    _, found = inner_keys(args[2:])
    return [args[2 + at] for at in found]


def variable_access(row: Command, args: list[bytes]) -> str:
    """What a command does to its keys, where that depends on its options (VARIABLE_FLAGS)."""
    words = [word.upper() for word in args]
    if row.name == "SET":
        return "RW ACCESS UPDATE" if b"GET" in words[3:] else "OW UPDATE"
    if row.name == "BITFIELD":
        at = 2
        while at < len(words) and words[at] in (b"GET", b"OVERFLOW"):
            at += 3 if words[at] == b"GET" else 2
        return "RO ACCESS" if at == len(words) else "RW ACCESS UPDATE"
    return row.access


@handles("COMMAND|GETKEYSANDFLAGS")
def getkeysandflags(router: Router, session: Session, args: list[bytes]) -> Any:
    """COMMAND GETKEYSANDFLAGS command [argument ...]"""
    row, found = inner_keys(args[2:])
    parts = variable_access(row, args[2:]).split(", ")
    if isinstance(row.keys, Custom):
        parts = [part for part, place in zip(parts, row.keys.places, strict=True) if place != "?"] + parts[-1:]
    return [[args[2 + at], access_flags(parts[min(i, len(parts) - 1)])] for i, at in enumerate(found)]
