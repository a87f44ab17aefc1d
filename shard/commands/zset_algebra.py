"""Unions, intersections and differences of sorted sets (and plain sets, of score 1). Compiled."""

import cython
from cython.cimports.shard.engine import Engine

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_double, parse_int, parse_range
from shard.commands.zset_arguments import LONG_MAX, paired
from shard.commands.zset_ranges import store
from shard.registry import handles


class Sources:
    """The parsed inputs: `values` (a container or None for each key), weights, how to add up."""

    def __init__(self, engine: Engine, args: list, at: int, plain: bool, stored: bool, counting: bool = False):
        name = args[0].decode("latin-1").lower()
        count = parse_int(args[at])
        if count < 1:
            raise CommandError(f"ERR at least 1 input key is needed for '{name}' command")
        if count > len(args) - at - 1:
            raise errors.syntax_error()
        keys = args[at + 1 : at + 1 + count]
        self.values = [self._value(engine, key) for key in keys]
        self.weights = [1.0] * count
        self.aggregate = b"SUM"
        self.scored = False
        self.limit = 0
        i = at + 1 + count
        while i < len(args):
            option = args[i].upper()
            left = len(args) - i - 1
            if counting and option == b"LIMIT" and left >= 1:
                self.limit = parse_range(args[i + 1], 0, LONG_MAX, "ERR LIMIT can't be negative")
                i += 2
            elif counting:
                raise errors.syntax_error()
            elif not plain and option == b"WEIGHTS" and left >= count:
                self.weights = [parse_double(raw, "ERR weight value is not a float") for raw in args[i + 1 : i + 1 + count]]
                i += 1 + count
            elif not plain and option == b"AGGREGATE" and left >= 1 and args[i + 1].upper() in (b"SUM", b"MIN", b"MAX"):
                self.aggregate = args[i + 1].upper()
                i += 2
            elif not stored and option == b"WITHSCORES":
                self.scored = True
                i += 1
            else:
                raise errors.syntax_error()

    def _value(self, engine: Engine, key: bytes):
        value = engine.lookup(key)
        if value is not None and getattr(value, "type_name", None) not in (b"zset", b"set"):
            raise errors.wrong_type()
        return value

    def combined(self, one: cython.double, other: cython.double) -> float:
        """Two scores of one member as one; inf - inf is 0."""
        result: cython.double
        if self.aggregate == b"MIN":
            return other if other < one else one
        if self.aggregate == b"MAX":
            return other if other > one else one
        result = one + other
        return 0.0 if result != result else result


def weighted(value, weight: cython.double):
    """(member, score * weight) of a sorted set, or of a set whose scores are 1."""
    score: cython.double
    if value.type_name == b"set":
        for member in value:
            score = weight
            yield member, score
        return
    for member, raw in value:
        score = raw
        score *= weight
        yield member, 0.0 if score != score else score


def score_in(value, member: bytes):
    """The member's score in a sorted set or set, None if it is not there."""
    if value.type_name == b"set":
        return 1.0 if value.has(member) else None
    return value.score(member)


def union(sources: Sources) -> dict:
    """member -> score, from the smallest input up: the order of sums shows in their last digits."""
    found: dict = {}
    inputs = [pair for pair in zip(sources.values, sources.weights) if pair[0] is not None]
    for value, weight in sorted(inputs, key=lambda pair: len(pair[0])):
        for member, score in weighted(value, weight):
            old = found.get(member)
            found[member] = score if old is None else sources.combined(old, score)
    return found


def intersection(sources: Sources) -> dict:
    """member -> score, walking the smallest input."""
    found: dict = {}
    if any(value is None for value in sources.values):
        return found
    inputs = sorted(zip(sources.values, sources.weights), key=lambda one: len(one[0]))
    for member, score in weighted(*inputs[0]):
        for value, weight in inputs[1:]:
            other = score_in(value, member)
            if other is None:
                break
            other *= weight
            score = sources.combined(score, 0.0 if other != other else other)
        else:
            found[member] = score
    return found


def difference(sources: Sources) -> dict:
    """member -> score of the first input's members that no other has."""
    first = sources.values[0]
    if first is None:
        return {}
    others = [value for value in sources.values[1:] if value is not None]
    return {
        member: score
        for member, score in weighted(first, 1.0)
        if all(score_in(value, member) is None for value in others)
    }


OPERATIONS = {b"ZUNION": union, b"ZINTER": intersection, b"ZDIFF": difference}


@handles("ZUNION", "ZINTER", "ZDIFF")
def zunion(engine: Engine, args: list):
    """ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]"""
    name = args[0].upper()
    sources = Sources(engine, args, 1, name == b"ZDIFF", False)
    found = OPERATIONS[name](sources)
    flat: list = []
    for score, member in sorted((score, member) for member, score in found.items()):
        flat.append(member)
        if sources.scored:
            flat.append(score)
    return paired(engine, flat) if sources.scored else flat


@handles("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE")
def zunionstore(engine: Engine, args: list):
    """ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX]"""
    name = args[0].upper()
    sources = Sources(engine, args, 2, name == b"ZDIFFSTORE", True)
    flat: list = []
    for member, score in OPERATIONS[name[:-5]](sources).items():
        flat.append(member)
        flat.append(score)
    return store(engine, args[1], flat, name.lower())


@handles("ZINTERCARD")
def zintercard(engine: Engine, args: list):
    """ZINTERCARD numkeys key [key ...] [LIMIT limit]"""
    sources = Sources(engine, args, 1, True, True, counting=True)
    if any(value is None for value in sources.values):
        return 0
    inputs = sorted(sources.values, key=len)
    count = 0
    for member, _ in weighted(inputs[0], 1.0):
        if all(score_in(value, member) is not None for value in inputs[1:]):
            count += 1
            if count == sources.limit:
                break
    return count
