"""Ranges of sorted sets: by rank, by score, by lexical order; reading, counting, removing, storing. Compiled.

Every range becomes (first rank, count); REV and LIMIT are arithmetic on these two.
"""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.taker import Taker
from cython.cimports.shard.values.zsets import ZSetValue

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int
from shard.commands.zset_arguments import (
    emptied,
    lex_bound,
    lex_span,
    rank_bounds,
    score_bound,
    score_span,
)
from shard.registry import handles
from shard.signals import N_GENERIC, N_ZSET
from shard.values.zsets import get_limits

RANK = 0
SCORE = 1
LEX = 2


@cython.cclass
class Query:
    """A parsed range: `by` RANK, SCORE or LEX, its bounds, direction and limit."""

    by = cython.declare(cython.int)
    reverse = cython.declare(cython.bint)
    scored = cython.declare(cython.bint)
    offset = cython.declare(cython.longlong)
    limit = cython.declare(cython.longlong)
    low = cython.declare(object)
    high = cython.declare(object)

    def __init__(self, args: list, by: int, reverse: bool, options: bool, store: bool = False):
        """`args` are min, max and what follows; `options`: BYSCORE, BYLEX and REV are known."""
        self.by = by
        self.reverse = reverse
        self.scored = False
        self.offset = 0
        self.limit = -1
        limited = False
        at = 2
        while at < len(args):
            name = args[at].upper()
            if not store and name == b"WITHSCORES":
                self.scored = True
            elif name == b"LIMIT" and at + 2 < len(args):
                self.offset = parse_int(args[at + 1])
                self.limit = parse_int(args[at + 2])
                limited = True
                at += 2
            elif options and name == b"REV":
                self.reverse = True
            elif options and name == b"BYLEX":
                self.by = LEX
            elif options and name == b"BYSCORE":
                self.by = SCORE
            else:
                raise errors.syntax_error()
            at += 1
        if limited and self.limit != -1 and self.by == RANK:
            raise CommandError(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
            )
        if self.scored and self.by == LEX:
            raise CommandError("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
        low, high = args[0], args[1]
        if self.by == RANK:
            self.low, self.high = parse_int(low), parse_int(high)
            return
        if self.reverse:
            low, high = high, low
        parse = score_bound if self.by == SCORE else lex_bound
        self.low, self.high = parse(low), parse(high)

    def span(self, zset) -> tuple:
        """(rank to begin with, how many), downwards if `reverse`."""
        size = len(zset)
        if self.by == RANK:
            first, count = rank_bounds(self.low, self.high, size)
            return (size - 1 - first if self.reverse else first), count
        first, count = score_span(zset, self.low, self.high) if self.by == SCORE else lex_span(zset, self.low, self.high)
        if self.offset < 0 or self.offset >= count:
            return 0, 0
        last = first + count - 1
        count -= self.offset
        if 0 <= self.limit < count:
            count = self.limit
        return (last - self.offset if self.reverse else first + self.offset), count


@cython.cfunc
def _read(engine: Engine, key: bytes, query: Query) -> object:
    zset: ZSetValue = engine.typed(key, ZSetValue)
    if zset is None:
        return []
    taker: Taker = engine.taker()
    first, count = query.span(zset)
    zset.give(first, count, query.reverse, query.scored, query.scored and engine.resp >= 3, taker)
    return taker.taken


@handles("ZRANGE")
def zrange(engine: Engine, args: list):
    """ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]"""
    start: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    size: cython.Py_ssize_t
    zset: ZSetValue
    taker: Taker
    if len(args) == 4:
        start = parse_int(args[2])
        stop = parse_int(args[3])
        zset = engine.typed(args[1], ZSetValue)
        if zset is None:
            return []
        size = zset.length()
        if start < 0:
            start = max(start + size, 0)
        if stop < 0:
            stop += size
        if stop >= size:
            stop = size - 1
        taker = engine.taker()
        zset.give(start, stop - start + 1, False, False, False, taker)
        return taker.taken
    return _read(engine, args[1], Query(args[2:], RANK, False, True))


@handles("ZREVRANGE")
def zrevrange(engine: Engine, args: list):
    """ZREVRANGE key start stop [WITHSCORES]"""
    return _read(engine, args[1], Query(args[2:], RANK, True, False))


@handles("ZRANGEBYSCORE", "ZREVRANGEBYSCORE")
def zrangebyscore(engine: Engine, args: list):
    """ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count], ZREVRANGEBYSCORE key max min ..."""
    return _read(engine, args[1], Query(args[2:], SCORE, args[0].upper() == b"ZREVRANGEBYSCORE", False))


@handles("ZRANGEBYLEX", "ZREVRANGEBYLEX")
def zrangebylex(engine: Engine, args: list):
    """ZRANGEBYLEX key min max [LIMIT offset count], ZREVRANGEBYLEX key max min ..."""
    return _read(engine, args[1], Query(args[2:], LEX, args[0].upper() == b"ZREVRANGEBYLEX", False))


@handles("ZRANGESTORE")
def zrangestore(engine: Engine, args: list):
    """ZRANGESTORE destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]"""
    query = Query(args[3:], RANK, False, True, store=True)
    zset = engine.typed(args[2], ZSetValue)
    flat: list = []
    if zset is not None:
        first, count = query.span(zset)
        flat = zset.slice(first, count, query.reverse, True)
    return store(engine, args[1], flat, b"zrangestore")


def store(engine: Engine, key: bytes, flat: list, event: bytes) -> int:
    """Give a key a sorted set of [member, score, ...], or delete it if there is none."""
    zset: ZSetValue
    i: cython.Py_ssize_t
    if not flat:
        if engine.delete(key):
            engine.changed(key, b"del", N_GENERIC)
        return 0
    entries, longest = get_limits()
    # One that ends up large was never packed, where it would have lost its minus zeros.
    zset = ZSetValue(len(flat) > 2 * entries or max(map(len, flat[::2])) > longest)
    for i in range(0, len(flat), 2):
        zset.store(flat[i], flat[i + 1])
    engine.overwrite(key, zset)
    engine.changed(key, event, N_ZSET, 1)
    return zset.length()


@handles("ZCOUNT")
def zcount(engine: Engine, args: list):
    """ZCOUNT key min max"""
    low, high = score_bound(args[2]), score_bound(args[3])
    zset = engine.typed(args[1], ZSetValue)
    return 0 if zset is None else score_span(zset, low, high)[1]


@handles("ZLEXCOUNT")
def zlexcount(engine: Engine, args: list):
    """ZLEXCOUNT key min max"""
    low, high = lex_bound(args[2]), lex_bound(args[3])
    zset = engine.typed(args[1], ZSetValue)
    return 0 if zset is None else lex_span(zset, low, high)[1]


@cython.cfunc
def _remove(engine: Engine, key: bytes, zset: ZSetValue, span: tuple, event: bytes) -> object:
    if span[1] == 0:
        return 0
    zset.delete_slice(span[0], span[1])
    engine.changed(key, event, N_ZSET, span[1])
    emptied(engine, key, zset)
    return span[1]


@handles("ZREMRANGEBYRANK")
def zremrangebyrank(engine: Engine, args: list):
    """ZREMRANGEBYRANK key start stop"""
    start, stop = parse_int(args[2]), parse_int(args[3])
    zset = engine.typed(args[1], ZSetValue)
    if zset is None:
        return 0
    return _remove(engine, args[1], zset, rank_bounds(start, stop, len(zset)), b"zremrangebyrank")


@handles("ZREMRANGEBYSCORE")
def zremrangebyscore(engine: Engine, args: list):
    """ZREMRANGEBYSCORE key min max"""
    low, high = score_bound(args[2]), score_bound(args[3])
    zset = engine.typed(args[1], ZSetValue)
    if zset is None:
        return 0
    return _remove(engine, args[1], zset, score_span(zset, low, high), b"zremrangebyscore")


@handles("ZREMRANGEBYLEX")
def zremrangebylex(engine: Engine, args: list):
    """ZREMRANGEBYLEX key min max"""
    low, high = lex_bound(args[2]), lex_bound(args[3])
    zset = engine.typed(args[1], ZSetValue)
    if zset is None:
        return 0
    return _remove(engine, args[1], zset, lex_span(zset, low, high), b"zremrangebylex")
