"""The compression of long strings."""

import os
import time
import zlib
from collections.abc import Callable

import pytest

from shard.rdb import lzf

RANDOM = os.urandom(100_000)
TEXT = b" ".join(b"user:%d" % (number * number % 7919) for number in range(10_000))


@pytest.mark.parametrize("data", [TEXT, bytes(5000), b"ab" * 300, RANDOM[:200] * 3], ids=["text", "zeros", "pairs", "far"])
def test_what_is_compressed_comes_back(data: bytes) -> None:
    packed = lzf.compress(data)
    assert len(packed) < len(data) - 4
    assert lzf.decompress(packed, len(data)) == data


@pytest.mark.parametrize("data", [b"", b"abc", RANDOM], ids=["nothing", "little", "random"])
def test_what_would_save_nothing_is_left_as_it_is(data: bytes) -> None:
    assert lzf.compress(data) is None


def least_s(work: Callable[[], object]) -> float:
    """CPU time of this thread, of the best of some tries."""
    times = []
    for _ in range(7):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


def test_no_byte_costs_a_python_object() -> None:
    """A third of zlib's fastest level, on the same machine; with a Python integer for each byte it was seven times that."""
    assert least_s(lambda: lzf.compress(RANDOM)) < 2 * least_s(lambda: zlib.compress(RANDOM, 1))
