"""Generates sequences, runs them on a target and on the oracle, compares, shrinks what fails."""

from __future__ import annotations

import importlib
import pkgutil
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.command_table import TABLE
from cluster.command_table.model import F
from router.registry import HANDLERS as ROUTER_HANDLERS
from shard.registry import HANDLERS

from . import normal
from .draw import ALL_KEYS, JUNK, RULES, Draw
from .resp import Mark

for _module in pkgutil.iter_modules([str(Path(__file__).parent)]):
    if _module.name.startswith("grammar_"):
        importlib.import_module(f"{__package__}.{_module.name}")

importlib.import_module("router.commands")  # registers what the router answers itself
Args = list[bytes]
TYPES = [name for name in RULES if name not in ("generic", "transactions", "connection")]
# A senseless time could be one that passes while the sequence runs.
TIMED = {b"EX", b"PX", b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT", b"SETEX", b"PSETEX", b"RESTORE"}
UNDISTURBED = {b"DEBUG", b"SPOP", b"XADD", b"SRANDMEMBER", b"@EXCHANGE", b"@FUNCTIONS", b"@WAIT", b"MULTI", b"EXEC"}


def served(args: Args, has_router: bool) -> bool:
    """Whether the target has the command at all (what is missing is told by another test)."""
    name = args[0].upper().decode("latin-1")
    if name.startswith("@"):
        return name == "@WAIT" or "DUMP" in HANDLERS
    if name not in TABLE:
        return has_router
    known = [*HANDLERS, *ROUTER_HANDLERS] if has_router else HANDLERS
    return any(handler == name or handler.startswith(name + "|") for handler in known)


def disturb(d: Draw, args: Args) -> Args:
    """Now and then: a letter case, a missing, an additional or a senseless argument."""
    if args[0].upper() in UNDISTURBED:
        return args
    if d.maybe(0.05):
        args = [args[0].lower(), *args[1:]]
    if args[0] == b"LREM" and args[2] == b"-9223372036854775808":
        args = [*args[:2], b"-9223372036854775807", *args[3:]]  # 7.2 refuses what 7.0 does: the states would differ
    if not d.maybe(0.06) or TIMED & {arg.upper() for arg in args}:
        return args
    at = d.rng.randrange(1, len(args)) if len(args) > 1 else 0
    disturbed = d.pick(
        [
            args[:-1] if len(args) > 1 else args,
            [*args, d.pick(JUNK)],
            [*args[:at], d.pick(JUNK), *args[at + 1 :]] if at else args,
        ]
    )
    return args if waits_long(disturbed) else disturbed


def waits_long(args: Args) -> bool:
    """Whether a command may block for ever, or longer than a sequence may take."""
    name = args[0].upper().decode("latin-1")
    if name not in TABLE or not TABLE[name].flags & F.BLOCKING:
        return False
    if name in ("XREAD", "XREADGROUP"):
        places = [at + 1 for at, word in enumerate(args[:-1]) if word.upper() == b"BLOCK"]
        unit_s = 0.001
    else:
        places, unit_s = [1 if name in ("BLMPOP", "BZMPOP") else -1], 1.0
    for at in places:
        try:
            time_s = float(args[at]) * unit_s
        except (ValueError, IndexError):
            continue
        if time_s == 0 or 0.1 < time_s < 1e12:  # what is longer is an error
            return True
    return False


def sequence(rng: random.Random, length: int, kinds: list[str] | None = None, has_router: bool = False) -> list[Args]:
    """A sequence of about `length` commands over one to three types."""
    available = kinds or TYPES
    chosen = [rng.choice(available) for _ in range(rng.choice([1, 1, 2, 3]))]
    commands: list[Args] = pushes_wanted(Draw(rng)) if has_router and rng.random() < 0.3 else []
    open_multi = False
    while len(commands) < length:
        d = Draw(rng, rng.choice(chosen))
        grammar = d.kind if d.maybe(0.8) else "generic"
        if has_router and d.maybe(0.15):
            grammar = "transactions" if d.maybe(0.7) else "connection"
        rules = RULES[grammar]
        made = rng.choices([r for r, _ in rules], [w for _, w in rules])[0](d)
        group = [made] if isinstance(made[0], bytes) else made
        if not all(served(args, has_router) for args in group):
            if rng.random() < 0.02:  # a target with no command of the chosen types must end, too
                break
            continue
        for args in group:
            name = args[0].upper()
            open_multi = name == b"MULTI" or (open_multi and name not in (b"EXEC", b"DISCARD"))
        if open_multi and any(args[0].startswith(b"@") for args in group):
            continue
        # Commands of a group rely on each other.
        commands.extend(group if len(group) > 1 else [disturb(d, args) for args in group])
    if open_multi:
        commands.append([b"EXEC"])
    return commands


def pushes_wanted(d: Draw) -> list[Args]:
    """What makes a server tell this connection of changed keys."""
    commands: list[Args] = []
    if d.maybe(0.7):
        flags = d.pick([b"KEA", b"KEA", b"KEAmn", b"KA", b"EA", b"Kg$lx", b"KEhszted"])
        commands.append([b"CONFIG", b"SET", b"notify-keyspace-events", flags])
    if d.maybe(0.5):
        commands.append([b"HELLO", b"3"])
        mode = d.pick([[], [], [b"BCAST"], [b"BCAST", b"PREFIX", b"s", b"PREFIX", b"h"], [b"OPTIN"], [b"OPTOUT"]])
        commands.append([b"CLIENT", b"TRACKING", b"ON", *mode, *d.some(b"NOLOOP", share=0.2)])
    return commands


def told(pushes: list[Any]) -> dict[Any, list[Any]]:
    """What came, by channel: in order for one key, sorted where several keys share a channel."""
    found: dict[Any, list[Any]] = {}
    for kind, *rest in pushes:
        if kind == b"invalidate":
            keys = rest[0] if isinstance(rest[0], list) else rest
            found.setdefault(kind, []).extend(keys)
        else:
            found.setdefault((kind, *rest[:-1]), []).append(rest[-1])
    for channel, payloads in found.items():
        if channel == b"invalidate":  # BCAST tells once what changed twice in one turn, however long a turn is
            payloads[:] = sorted({repr(key) for key in payloads})
        elif channel[-1].endswith(b":keymiss"):  # however often a command looks
            payloads[:] = sorted(set(payloads))
        elif b"keyevent" in channel[-1]:
            payloads.sort(key=repr)
        else:
            payloads[:] = [name for at, name in enumerate(payloads) if name != b"keymiss" or payloads[at - 1 : at] != [name]]
    return found


@dataclass
class Mismatch:
    """The first place where both sides differ."""

    args: Args
    ours: Any
    theirs: Any
    where: str = "reply"


def run_both(target: Any, oracle: Any, commands: list[Args], resp: int = 2) -> Mismatch | None:
    """Run a sequence on both; compare each reply and then the state that is left."""
    target.reset(resp)
    oracle.reset(resp)
    queued: list[Args] = []
    at = 0
    while at < len(commands):
        end = at
        while end < len(commands) and not commands[end][0].startswith(b"@"):
            end += 1
        part = commands[at:end]
        for args, ours, theirs in zip(part, target.run(part), oracle.run(part), strict=True):
            if theirs == Mark("+", b"QUEUED"):
                queued.append(args)
            elif args[0].upper() in (b"EXEC", b"DISCARD"):
                queue, queued = queued, []
                if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs) == len(queue):
                    for command, mine, other in zip(queue, ours, theirs, strict=True):
                        if not normal.same(command, mine, other):
                            return Mismatch(command, mine, other, "reply inside EXEC")
                    continue
            if not normal.same(args, ours, theirs):
                return Mismatch(args, ours, theirs)
        if end < len(commands):
            found = special(target, oracle, commands[end])
            if found is not None:
                return found
            if commands[end][0] == b"@WAIT":
                # When an expired key goes is each server's own affair until somebody looks at it.
                commands = [*commands[: end + 1], [b"EXISTS", *ALL_KEYS], *commands[end + 1 :]]
        at = end + 1
    if target.has_router:
        for side in (target, oracle):
            side.run([[b"DISCARD"]])  # a disturbed EXEC may have left a transaction open
        ours, theirs = told(target.heard()), told(oracle.heard())
        words = {arg.upper() for args in commands for arg in args[:4] if args[0].upper() in (b"SWAPDB", b"CLIENT", b"RESET")}
        # SWAPDB: Redis leaves caches stale. BCAST: it tells at the end of a turn, unless the client has changed its mind.
        # NOLOOP: what a script writes counts as another client's in Redis.
        scripted = any(args[0].upper() in (b"EVAL", b"EVALSHA", b"FCALL") for args in commands)
        if b"SWAPDB" in words or (scripted and any(b"NOLOOP" in args for args in commands)) or (b"BCAST" in words and words & {b"OFF", b"RESET"}):
            for side in (ours, theirs):
                side.pop(b"invalidate", None)
        if any(args[0].upper() in (b"BITCOUNT", b"BITPOS") for args in commands):  # 7.2 reads their arguments first
            for side in (ours, theirs):
                for channel, payloads in list(side.items()):
                    if isinstance(channel, tuple) and channel[-1].endswith(b":keymiss"):
                        del side[channel]
                    else:
                        payloads[:] = [name for name in payloads if name != b"keymiss"]
                        if not payloads:
                            del side[channel]
        if any(args[0].upper() == b"MULTI" for args in commands):
            # What a transaction writes and then reads over shards is told to its own client too: once too often, not too seldom.
            ours[b"invalidate"] = [key for key in ours.get(b"invalidate", []) if key in theirs.get(b"invalidate", [])]
            theirs.setdefault(b"invalidate", [])
        for channel in sorted({*ours, *theirs}, key=repr):
            if ours.get(channel) != theirs.get(channel):
                return Mismatch([repr(channel).encode()], ours.get(channel), theirs.get(channel), "pushes")
    return compare_states(target, oracle)


def special(target: Any, oracle: Any, args: Args) -> Mismatch | None:
    """The commands of the grammars that no server has."""
    if args[0] == b"@WAIT":
        time.sleep(int(args[1]) / 1000)
        return None
    if args[0] == b"@FUNCTIONS":
        (ours,), (theirs,) = target.run([[b"FUNCTION", b"DUMP"]]), oracle.run([[b"FUNCTION", b"DUMP"]])
        put = [[b"FUNCTION", b"RESTORE", blob, args[1]] for blob in (theirs, ours)]
        (mine,), (other,) = target.run(put[:1]), oracle.run(put[1:])
        return None if mine == other else Mismatch(put[1], mine, other, "exchange of functions")
    (ours,), (theirs,) = target.run([[b"DUMP", args[1]]]), oracle.run([[b"DUMP", args[1]]])
    if isinstance(ours, bytes) != isinstance(theirs, bytes):
        return Mismatch([b"DUMP", args[1]], ours, theirs)
    if not isinstance(ours, bytes):
        return None
    put = [[b"RESTORE", args[1], b"0", blob, b"REPLACE"] for blob in (theirs, ours)]
    (mine,), (other,) = target.run(put[:1]), oracle.run(put[1:])
    return None if mine == other == Mark("+", b"OK") else Mismatch(put[1], mine, other, "exchange of DUMPs")


READERS: dict[bytes, list[list[bytes]]] = {
    b"string": [[b"GET"]],
    b"list": [[b"LRANGE", b"0", b"-1"]],
    b"hash": [[b"HGETALL"]],
    b"set": [[b"SMEMBERS"]],
    b"zset": [[b"ZRANGE", b"0", b"-1", b"WITHSCORES"]],
    b"stream": [[b"XRANGE", b"-", b"+"]],
    b"none": [],
}


def compare_states(target: Any, oracle: Any) -> Mismatch | None:
    """Every key of databases 0 and 1, read as its type, with its expiry and encoding."""
    for db in (b"1", b"0"):
        for side in (target, oracle):
            side.run([[b"SELECT", db]])
        types = [[b"TYPE", key] for key in ALL_KEYS]
        if not served(types[0], target.has_router):
            return None
        theirs = oracle.run(types)
        reads = list(types)
        for (_, key), kind in zip(types, theirs, strict=True):
            if kind.value == b"none":
                continue
            reads += [[name, key, *rest] for name, *rest in READERS[kind.value]]
            reads += [[b"PTTL", key], [b"OBJECT", b"ENCODING", key]]
            if kind.value == b"stream":
                reads.append([b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"])
        reads = [args for args in reads if served(args, target.has_router)]
        for args, ours, other in zip(reads, target.run(reads), oracle.run(reads), strict=True):
            if not normal.same(args, ours, other):
                return Mismatch(args, ours, other, "final state")
    return None


def check(target: Any, oracle: Any, commands: list[Args], resp: int = 2) -> Mismatch | None:
    """`run_both`; then, where the target can, that its effects alone give the same state."""
    try:
        found = run_both(target, oracle, commands, resp)
    except (
        AssertionError,
        ConnectionError,
        TimeoutError,
        TypeError,
        ValueError,
        AttributeError,
        KeyError,
        IndexError,
        NameError,
        OverflowError,
        SystemError,
        UnicodeError,
    ) as error:
        return Mismatch(commands[-1] if commands else [], repr(error), "no crash", "crash")
    if found is None and hasattr(target, "replayed"):
        try:
            copy = target.replayed()
            found = compare_states(copy, oracle)
        except Exception as error:
            return Mismatch([], repr(error), "", "replayed effects")
        if found is not None:
            found.where = "state from replayed effects"
    return found


def shrink(
    target: Any, oracle: Any, commands: list[Args], resp: int, first: Mismatch, budget_s: float = 20
) -> tuple[list[Args], Mismatch]:
    """A shorter sequence that still fails as `first` does, in place and kind; the whole one if it depends on chance."""
    end = time.monotonic() + budget_s
    size = max(1, len(commands) // 2)
    while size and time.monotonic() < end:
        at, cut = 0, False
        while at < len(commands):
            shorter = commands[:at] + commands[at + size :]
            found = check(target, oracle, shorter, resp)
            if found is not None and found.where == first.where and found.args[:1] == first.args[:1]:
                commands, first, cut = shorter, found, True
            else:
                at += size
        if not cut or size > 1:
            size //= 2
    return commands, first


def shown(commands: list[Args]) -> str:
    """Commands as they can be typed into redis-cli."""
    lines = []
    for args in commands:
        words = [repr(arg)[1:] if len(arg) < 100 else f"<{len(arg)} bytes {arg[:10]!r}>" for arg in args[:24]]
        lines.append(
            "  "
            + " ".join(word.strip("'") if word[1:-1].isalnum() else word for word in words)
            + (" ..." if len(args) > 24 else "")
        )
    return "\n".join(lines)
