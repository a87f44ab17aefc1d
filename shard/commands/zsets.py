"""Sorted set commands on single members, popping and scanning. Compiled.

Ranges are in `zset_ranges`, unions and the like in `zset_algebra`.
"""

import cython
from cython.cimports.cluster.glob import match_bytes
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.zsets import ZSetValue

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import format_double, parse_cursor, parse_double, parse_range, parse_timeout
from cluster.replies import NIL_ARRAY
from shard.commands.scan import Options
from shard.commands.zset_arguments import LONG_MAX, emptied, nested, numkeys, paired, positive_count
from shard.registry import handles
from shard.signals import N_ZSET, Block

NAN_SCORE = "ERR resulting score is not a number (NaN)"
ZSET_EVENT = cython.declare(cython.int, N_ZSET)


@handles("ZADD")
def zadd(engine: Engine, args: list):
    """ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]"""
    at: cython.Py_ssize_t = 2
    end: cython.Py_ssize_t = len(args)
    nx: cython.bint = False
    xx: cython.bint = False
    gt: cython.bint = False
    lt: cython.bint = False
    ch: cython.bint = False
    incr: cython.bint = False
    option: bytes
    while at < end:
        option = args[at]
        if not option or option[0] < 65:
            break
        option = option.upper()
        if option == b"NX":
            nx = True
        elif option == b"XX":
            xx = True
        elif option == b"GT":
            gt = True
        elif option == b"LT":
            lt = True
        elif option == b"CH":
            ch = True
        elif option == b"INCR":
            incr = True
        else:
            break
        at += 1
    if at == end or (end - at) % 2:
        raise errors.syntax_error()
    if nx and xx:
        raise CommandError("ERR XX and NX options at the same time are not compatible")
    if (gt and nx) or (lt and nx) or (gt and lt):
        raise CommandError("ERR GT, LT, and/or NX options at the same time are not compatible")
    if incr and end - at > 2:
        raise CommandError("ERR INCR option supports a single increment-element pair")
    scores: list = [parse_double(args[i]) for i in range(at, end, 2)]
    key: bytes = args[1]
    zset: ZSetValue = engine.typed(key, ZSetValue)
    if zset is None:
        if xx:
            return None if incr else 0
        zset = ZSetValue()
        engine.put(key, zset)
    added: cython.Py_ssize_t = 0
    updated: cython.Py_ssize_t = 0
    old: cython.double = 0
    score: cython.double
    i: cython.Py_ssize_t = 0
    done: cython.bint = False
    for value in scores:
        score = value
        if zset.find(args[at + 1 + 2 * i], cython.address(old)):
            done = not nx
            if done and incr:
                score += old
                if score != score:
                    raise CommandError(NAN_SCORE)
            if done and ((gt and score <= old) or (lt and score >= old)):
                done = False
            if done and score != old:
                zset.store(args[at + 1 + 2 * i], score)
                updated += 1
        else:
            done = not xx
            if done:
                zset.store(args[at + 1 + 2 * i], score)
                added += 1
        i += 1
    if added + updated:
        engine.changed(key, b"zincr" if incr else b"zadd", ZSET_EVENT, added + updated)
    if incr:
        return score if done else None
    return added + updated if ch else added


@handles("ZINCRBY")
def zincrby(engine: Engine, args: list):
    """ZINCRBY key increment member"""
    score: cython.double = parse_double(args[2])
    old: cython.double = 0
    zset: ZSetValue = engine.typed(args[1], ZSetValue)
    if zset is None:
        zset = ZSetValue()
        engine.put(args[1], zset)
    elif zset.find(args[3], cython.address(old)):
        score += old
        if score != score:
            raise CommandError(NAN_SCORE)
        if score == old:
            return score
    zset.store(args[3], score)
    engine.changed(args[1], b"zincr", ZSET_EVENT, 1)
    return score


@handles("ZREM")
def zrem(engine: Engine, args: list):
    """ZREM key member [member ...]"""
    zset: ZSetValue = engine.typed(args[1], ZSetValue)
    removed: cython.Py_ssize_t = 0
    i: cython.Py_ssize_t
    if zset is None:
        return 0
    for i in range(2, len(args)):
        removed += zset.discard(args[i])
    if removed:
        engine.changed(args[1], b"zrem", ZSET_EVENT, removed)
        emptied(engine, args[1], zset)
    return removed


@handles("ZCARD")
def zcard(engine: Engine, args: list):
    """ZCARD key"""
    zset: ZSetValue = engine.typed(args[1], ZSetValue)
    return 0 if zset is None else zset.length()


@handles("ZSCORE")
def zscore(engine: Engine, args: list):
    """ZSCORE key member"""
    zset: ZSetValue = engine.typed(args[1], ZSetValue)
    score: cython.double = 0
    if zset is None or not zset.find(args[2], cython.address(score)):
        return None
    return score


@handles("ZMSCORE")
def zmscore(engine: Engine, args: list):
    """ZMSCORE key member [member ...]"""
    zset: ZSetValue = engine.typed(args[1], ZSetValue)
    score: cython.double = 0
    i: cython.Py_ssize_t
    found: list = []
    for i in range(2, len(args)):
        found.append(score if zset is not None and zset.find(args[i], cython.address(score)) else None)
    return found


@handles("ZRANK", "ZREVRANK")
def zrank(engine: Engine, args: list):
    """ZRANK key member [WITHSCORE], ZREVRANK"""
    scored: cython.bint = False
    score: cython.double = 0
    rank: cython.Py_ssize_t = -1
    if len(args) > 4:
        raise errors.wrong_arity(args[0].decode("latin-1"))
    if len(args) == 4:
        if args[3].upper() != b"WITHSCORE":
            raise errors.syntax_error()
        scored = True
    zset: ZSetValue = engine.typed(args[1], ZSetValue)
    if zset is not None:
        rank = zset.rank_of(args[2])
    if rank < 0:
        return NIL_ARRAY if scored else None
    if len(args[0]) == 8:
        rank = zset.length() - 1 - rank
    if not scored:
        return rank
    zset.find(args[2], cython.address(score))
    return [rank, score]


# -- popping ---------------------------------------------------------------------------


@cython.cfunc
def _pop(engine: Engine, key: bytes, zset: ZSetValue, highest: cython.bint, count: cython.Py_ssize_t) -> list:
    """Take `count` members out at one end: [member, score, ...] from that end."""
    size: cython.Py_ssize_t = zset.length()
    if count > size:
        count = size
    flat: list = zset.slice(size - 1 if highest else 0, count, highest, True)
    zset.delete_slice(size - count if highest else 0, count)
    engine.changed(key, b"zpopmax" if highest else b"zpopmin", ZSET_EVENT, count)
    emptied(engine, key, zset)
    return flat


@handles("ZPOPMIN", "ZPOPMAX")
def zpopmin(engine: Engine, args: list):
    """ZPOPMIN key [count], ZPOPMAX"""
    if len(args) > 3:
        raise errors.syntax_error()
    count = positive_count(args[2]) if len(args) == 3 else 1
    zset = engine.typed(args[1], ZSetValue)
    if zset is None or count == 0:
        return []
    flat = _pop(engine, args[1], zset, args[0].upper() == b"ZPOPMAX", count)
    return paired(engine, flat) if len(args) == 3 else flat


@handles("BZPOPMIN", "BZPOPMAX")
def bzpopmin(engine: Engine, args: list):
    """BZPOPMIN key [key ...] timeout, BZPOPMAX"""
    timeout_ms = parse_timeout(args[-1], engine.now)
    highest = args[0].upper() == b"BZPOPMAX"
    for key in args[1:-1]:
        zset = engine.typed(key, ZSetValue)
        if zset is not None:
            engine.effect(b"ZPOPMAX" if highest else b"ZPOPMIN", key)
            return [key, *_pop(engine, key, zset, highest, 1)]
    raise Block(args[1:-1], timeout_ms, NIL_ARRAY, args)


def _mpop(engine: Engine, args: list, at: int, timeout: object = None):
    """What ZMPOP and BZMPOP have in common: (reply or None, keys). Redis reads a timeout last."""
    keys = numkeys(args, at)
    rest = args[at + 1 + len(keys) :]
    where = rest[0].upper() if rest else b""
    if where not in (b"MIN", b"MAX"):
        raise errors.syntax_error()
    count = -1
    i = 1
    while i < len(rest):
        if rest[i].upper() != b"COUNT" or count >= 0 or i + 1 == len(rest):
            raise errors.syntax_error()
        count = parse_range(rest[i + 1], 1, LONG_MAX, "ERR count should be greater than 0")
        i += 2
    if timeout is not None:
        parse_timeout(timeout, engine.now)
    count = max(count, 1)
    highest = where == b"MAX"
    for key in keys:
        zset = engine.typed(key, ZSetValue)
        if zset is not None:
            count = min(count, len(zset))
            engine.effect(b"ZPOPMAX" if highest else b"ZPOPMIN", key, count)
            return [key, nested(_pop(engine, key, zset, highest, count))], keys
    return None, keys


@handles("ZMPOP")
def zmpop(engine: Engine, args: list):
    """ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]"""
    reply, _ = _mpop(engine, args, 1)
    return NIL_ARRAY if reply is None else reply


@handles("BZMPOP")
def bzmpop(engine: Engine, args: list):
    """BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count]"""
    reply, keys = _mpop(engine, args, 2, args[1])
    if reply is None:
        timeout_ms = parse_timeout(args[1], engine.now)
        raise Block(keys, timeout_ms, NIL_ARRAY, args)
    return reply


# -- chance and scanning ---------------------------------------------------------------


@handles("ZRANDMEMBER")
def zrandmember(engine: Engine, args: list):
    """ZRANDMEMBER key [count [WITHSCORES]]"""
    count: cython.longlong = 1
    scored: cython.bint = False
    if len(args) > 2:
        count = parse_range(args[2], -LONG_MAX, LONG_MAX)
        if len(args) > 4 or (len(args) == 4 and args[3].upper() != b"WITHSCORES"):
            raise errors.syntax_error()
        scored = len(args) == 4
        if scored and not -LONG_MAX // 2 <= count <= LONG_MAX // 2:
            raise CommandError("ERR value is out of range")
    zset: ZSetValue = engine.typed(args[1], ZSetValue)
    if zset is None:
        return None if len(args) == 2 else []
    size: cython.Py_ssize_t = zset.length()
    if len(args) == 2:
        return zset.slice(engine.rng.randrange(size), 1)[0]
    if count >= size:
        flat = zset.slice(0, size, False, scored)
    else:
        if count >= 0:
            ranks = engine.rng.sample(range(size), count)
        else:
            ranks = [engine.rng.randrange(size) for _ in range(-count)]
        flat = []
        for rank in ranks:
            flat += zset.slice(rank, 1, False, scored)
    return paired(engine, flat) if scored else flat


@handles("ZSCAN")
def zscan(engine: Engine, args: list):
    """ZSCAN key cursor [MATCH pattern] [COUNT count]"""
    cursor = parse_cursor(args[2])
    zset = engine.typed(args[1], ZSetValue)
    if zset is None:
        return [b"0", []]
    options = Options(args[3:])
    if options.type is not None:
        raise errors.syntax_error()
    cursor, pairs = zset.scan(cursor, options.count)
    flat: list = []
    for member, score in pairs:
        if options.pattern is None or match_bytes(options.pattern, member, False):
            flat.append(member)
            flat.append(score_text(score))
    return [b"%d" % cursor, flat]


def score_text(score: float) -> bytes:
    """A score as text: ZSCAN gives bulk strings also in RESP3."""
    return format_double(score)
