"""SORT and SORT_RO: the elements of a list, set or sorted set in order, or what they point to."""

from __future__ import annotations

import math
from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int, try_double
from shard.commands.generic import type_name
from shard.registry import handles
from shard.signals import N_GENERIC, N_LIST


class Options:
    """What follows the key. gets: GET patterns; count: -1 for all."""

    def __init__(self, args: list[bytes], may_store: bool) -> None:
        self.by: bytes | None = None
        self.gets: list[bytes] = []
        self.start, self.count = 0, -1
        self.descending = self.alpha = False
        self.store: bytes | None = None
        at = 0
        while at < len(args):
            name, left = args[at].upper(), len(args) - at - 1
            if name in (b"ASC", b"DESC"):
                self.descending = name == b"DESC"
            elif name == b"ALPHA":
                self.alpha = True
            elif name == b"LIMIT" and left >= 2:
                self.start, self.count = parse_int(args[at + 1]), parse_int(args[at + 2])
                at += 2
            elif name == b"STORE" and left >= 1 and may_store:
                self.store = args[at + 1]
                at += 1
            elif name == b"BY" and left >= 1:
                self.by = args[at + 1]
                at += 1
            elif name == b"GET" and left >= 1:
                self.gets.append(args[at + 1])
                at += 1
            else:
                raise errors.syntax_error()
            at += 1


@handles("SORT")
def sort(engine: Any, args: list[bytes]) -> Any:
    """SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]"""
    options = Options(args[2:], may_store=True)
    found = _sorted(engine, args[1], options)
    return found if options.store is None else _stored(engine, options.store, found)


@handles("SORT_RO")
def sort_ro(engine: Any, args: list[bytes]) -> Any:
    """SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]"""
    return _sorted(engine, args[1], Options(args[2:], may_store=False))


def _stored(engine: Any, target: bytes, found: list[bytes | None]) -> int:
    """Keep the result as a list. The effect is the list itself: patterns may read keys that
    a replica sees at another time."""
    from shard.values.lists import ListValue

    values = [b"" if value is None else value for value in found]
    existed = engine.delete(target)
    if not values:
        if existed:
            engine.changed(target, b"del", N_GENERIC)
            engine.effect(b"DEL", target)
        return 0
    stored = ListValue()
    for value in values:
        stored.push_right(value)
    engine.put(target, stored)
    if existed:
        engine.effect(b"DEL", target)
    engine.effect(b"RPUSH", target, *values)
    engine.changed(target, b"sortstore", N_LIST, len(values))
    return len(values)


def _sorted(engine: Any, key: bytes, options: Options) -> list[bytes | None]:
    value = engine.lookup(key)
    kind = b"none" if value is None else type_name(value)
    if kind not in (b"none", b"list", b"set", b"zset"):
        raise errors.wrong_type()
    members = [] if value is None else [item[0] for item in value] if kind == b"zset" else list(value)
    if options.by is not None and b"*" not in options.by:
        # A pattern without a star means the container's own order; a set has none to keep.
        if kind == b"set" and options.store is not None:
            members.sort(reverse=options.descending)
        elif kind in (b"list", b"zset") and options.descending:
            members.reverse()
    else:
        _order(engine, members, options)
    start = max(options.start, 0)
    members = members[start:] if options.count < 0 else members[start : start + options.count]
    if not options.gets:
        return members
    return [_pointed(engine, pattern, member) for member in members for pattern in options.gets]


def _order(engine: Any, members: list[bytes], options: Options) -> None:
    """Sort in place, by the members themselves or by what the BY pattern points to."""
    weights = {member: member if options.by is None else _pointed(engine, options.by, member) for member in members}
    if options.alpha:
        # Without a weight comes first.
        members.sort(
            key=lambda member: (weights[member] is not None, weights[member] or b""), reverse=options.descending
        )
    else:
        scores = {member: _score(weight) for member, weight in weights.items()}
        members.sort(key=lambda member: (scores[member], member), reverse=options.descending)


def _score(weight: bytes | None) -> float:
    text = weight.partition(b"\0")[0] if weight else b""  # strtod reads as far as a C string goes
    if not text:
        return 0.0
    score = try_double(text.lstrip(b" \t\n\v\f\r"))
    if score is None or math.isnan(score):
        raise CommandError(errors.SORT_NOT_DOUBLE)
    return score


def _pointed(engine: Any, pattern: bytes, member: bytes) -> bytes | None:
    """What a pattern gives for a member: itself for `#`, a string's value, a hash's field for `key->field`."""
    if pattern == b"#":
        return member
    before, star, after = pattern.partition(b"*")
    if not star:
        return None
    name, arrow, field = after.partition(b"->")
    if arrow and field:
        value = engine.lookup(before + member + name)
        return value.get(field) if value is not None and type_name(value) == b"hash" else None
    value = engine.lookup(before + member + after)
    return bytes(value) if isinstance(value, (bytes, bytearray)) else None
