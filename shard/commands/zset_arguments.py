"""What the sorted set commands share: bounds, counts, and the shape of replies. Compiled."""

import cython
from cython.cimports.libc.stdlib import strtod
from cython.cimports.shard.engine import Engine

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_range
from shard.signals import N_GENERIC

LONG_MAX = (1 << 63) - 1


def paired(engine: Engine, flat: list) -> list:
    """[member, score, ...] as RESP2 has it, [[member, score], ...] as RESP3 has it."""
    if engine.resp < 3:
        return flat
    return nested(flat)


def nested(flat: list) -> list:
    """[[member, score], ...] from [member, score, ...]."""
    i: cython.Py_ssize_t
    return [[flat[i], flat[i + 1]] for i in range(0, len(flat), 2)]


def positive_count(raw: bytes) -> int:
    """An integer of 0 or more. CommandError."""
    return parse_range(raw, 0, LONG_MAX, errors.NOT_POSITIVE)


def numkeys(args: list, at: int) -> list:
    """The keys that args[at] counts. CommandError."""
    count = parse_range(args[at], 1, LONG_MAX, "ERR numkeys should be greater than 0")
    if at + count + 1 >= len(args):  # MIN or MAX must follow
        raise errors.syntax_error()
    return args[at + 1 : at + 1 + count]


def score_bound(raw: bytes) -> tuple:
    """(score, exclusive) of `1.5`, `(1.5`, `-inf`. CommandError."""
    exclusive = raw.startswith(b"(")
    # strtod as it is: nothing is 0 and 1e400 is inf, unlike in a score that is stored.
    text: bytes = raw[1:] if exclusive else raw
    end: cython.p_char = cython.NULL
    score: cython.double = strtod(text, cython.address(end))
    if end[0] != 0 or score != score:
        raise CommandError(errors.MIN_MAX_NOT_FLOAT)
    return score, exclusive


def lex_bound(raw: bytes) -> tuple:
    """(member, exclusive) of `[a` and `(a`; (None, False) for `-`, (None, True) for `+`.
    CommandError."""
    if raw == b"-":
        return None, False
    if raw == b"+":
        return None, True
    if raw[:1] == b"(":
        return raw[1:], True
    if raw[:1] == b"[":
        return raw[1:], False
    raise CommandError(errors.MIN_MAX_NOT_STRING)


def rank_bounds(start: int, stop: int, size: int) -> tuple:
    """(first rank, count) of start..stop, which may be negative (from the end)."""
    start = max(start + size if start < 0 else start, 0)
    stop = min(stop + size if stop < 0 else stop, size - 1)
    return start, max(stop - start + 1, 0)


def score_span(zset, low: tuple, high: tuple) -> tuple:
    """(first rank, count) of the members within two bounds of `score_bound`."""
    first = zset.before_score(low[0], low[1])
    return first, max(zset.before_score(high[0], not high[1]) - first, 0)


def lex_span(zset, low: tuple, high: tuple) -> tuple:
    """(first rank, count) of the members within two bounds of `lex_bound`."""
    size = len(zset)
    # Redis looks at both ends before it searches, which shows when scores are not all equal.
    if low[0] is not None and size and zset.slice(size - 1, 1)[0] < low[0]:
        return 0, 0
    if high[0] is not None and size and zset.slice(0, 1)[0] > high[0]:
        return 0, 0
    if low[0] is None:
        first = size if low[1] else 0
    else:
        first = zset.before_member(low[0], low[1])
    if high[0] is None:
        last = size if high[1] else 0
    else:
        last = zset.before_member(high[0], not high[1])
    return first, max(last - first, 0)


def emptied(engine: Engine, key: bytes, zset) -> None:
    """Delete the key if nothing is left in its value."""
    if not len(zset):
        engine.delete(key)
        engine.notify(N_GENERIC, b"del", key)

