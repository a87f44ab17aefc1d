"""The operations of Lua's `bit` library on signed 32-bit integers.

Arguments are Lua numbers (int or float); they are rounded to the nearest integer (ties to
even) and taken modulo 2**32. Results are signed. Source: the documentation of LuaBitOp 1.0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

Number = int | float
MASK = 0xFFFFFFFF


def _unsigned(x: Number) -> int:
    if isinstance(x, float):
        if x != x or x in (float("inf"), float("-inf")):
            return 0
        x = round(x)
    return x & MASK


def _signed(x: int) -> int:
    return x - 0x100000000 if x & 0x80000000 else x


def tobit(x: Number) -> int:
    return _signed(_unsigned(x))


def bnot(x: Number) -> int:
    return _signed(~_unsigned(x) & MASK)


def band(*xs: Number) -> int:
    return _signed(reduce(lambda a, b: a & b, map(_unsigned, xs)))


def bor(*xs: Number) -> int:
    return _signed(reduce(lambda a, b: a | b, map(_unsigned, xs)))


def bxor(*xs: Number) -> int:
    return _signed(reduce(lambda a, b: a ^ b, map(_unsigned, xs)))


def lshift(x: Number, n: Number) -> int:
    return _signed(_unsigned(x) << (_unsigned(n) & 31) & MASK)


def rshift(x: Number, n: Number) -> int:
    return _signed(_unsigned(x) >> (_unsigned(n) & 31))


def arshift(x: Number, n: Number) -> int:
    return tobit(x) >> (_unsigned(n) & 31)


def rol(x: Number, n: Number) -> int:
    shift, bits = _unsigned(n) & 31, _unsigned(x)
    return _signed((bits << shift | bits >> (32 - shift)) & MASK)


def ror(x: Number, n: Number) -> int:
    return rol(x, 32 - (_unsigned(n) & 31))


def bswap(x: Number) -> int:
    return _signed(int.from_bytes(_unsigned(x).to_bytes(4, "little"), "big"))


def tohex(x: Number, digits: Number = 8) -> bytes:
    """`digits` hex digits from the right, at most 8; upper case when negative."""
    count = tobit(digits)
    text = b"%08x" % _unsigned(x)
    if count < 0:
        count, text = -count, text.upper()
    return text[8 - min(count, 8) :]


OPERATIONS: dict[str, Callable[..., int | bytes]] = {
    f.__name__: f
    for f in (tobit, bnot, band, bor, bxor, lshift, rshift, arshift, rol, ror, bswap, tohex)
}
