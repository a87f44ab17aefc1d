"""Numbers are read and written as Redis does."""

from __future__ import annotations

import math

import pytest

from cluster import errors, numbers
from cluster.errors import CommandError


@pytest.mark.parametrize("raw", [b"", b"-", b"+1", b"01", b"-0", b" 1", b"1 ", b"1.0", b"9223372036854775808", b"1\0"])
def test_what_redis_would_not_have_written_is_no_integer(raw: bytes) -> None:
    assert numbers.try_int(raw) is None
    with pytest.raises(CommandError, match=errors.NOT_INTEGER):
        numbers.parse_int(raw)


def test_integers_are_64_bits_signed() -> None:
    for value in (0, 7, -7, 2**63 - 1, -(2**63)):
        assert numbers.parse_int(b"%d" % value) == value


def test_doubles_may_be_infinite_but_never_nan() -> None:
    assert numbers.try_double(b"-inf") == -math.inf
    assert numbers.try_double(b"1e3") == 1000.0
    for raw in (b"nan", b" 1", b"1 ", b"", b"1e400", b"1x"):
        assert numbers.try_double(raw) is None


def test_long_double_sums_are_written_without_exponent_and_trailing_zeros() -> None:
    assert numbers.add_long_doubles(b"0.1", b"0.2") == b"0.3"
    assert numbers.add_long_doubles(b"5.0e3", b"200") == b"5200"
    assert numbers.add_long_doubles(b"-1", b"1") == b"0"
    with pytest.raises(CommandError, match="NaN or Infinity"):
        numbers.add_long_doubles(b"inf", b"1")
    with pytest.raises(CommandError, match="valid float"):
        numbers.add_long_doubles(b"nan", b"1")


def test_a_timeout_is_rounded_up_to_milliseconds() -> None:
    assert numbers.parse_timeout(b"0.0001") == 1
    assert numbers.parse_timeout(b"2") == 2000
    with pytest.raises(CommandError, match="timeout is negative"):
        numbers.parse_timeout(b"-1")
