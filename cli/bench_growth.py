"""Memory for keys and elements, and what a command costs on a large collection compared with a small one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cli.bench_load import redis_benchmark, run_commands
from cli.bench_systems import System

Start = Callable[[], contextlib.AbstractContextManager[System]]


@dataclass
class Footprint:
    """Bytes per item that a system's resident memory grew by."""

    what: str
    bytes_each: float
    seconds: float


def strings(count: int) -> Iterator[list[bytes]]:
    """MSETs of 16-byte keys with 16-byte values."""
    for at in range(0, count, 100):
        yield [
            b"MSET",
            *(part for i in range(at, min(at + 100, count)) for part in (b"key:%012d" % i, b"val:%012d" % i)),
        ]


def _batched(count: int, size: int, make: Callable[[int], list[bytes]], head: list[bytes]) -> Iterator[list[bytes]]:
    for at in range(0, count, size):
        yield head + [part for i in range(at, min(at + size, count)) for part in make(i)]


def one_collection(kind: str, count: int, key: bytes = b"big") -> Iterator[list[bytes]]:
    """Commands that build a collection of `count` members."""
    if kind == "stream":
        return ([b"XADD", key, b"%d-1" % (i + 1), b"field", b"value:%012d" % i] for i in range(count))
    makers: dict[str, tuple[bytes, Callable[[int], list[bytes]]]] = {
        "list": (b"RPUSH", lambda i: [b"element:%012d" % i]),
        "set": (b"SADD", lambda i: [b"member:%012d" % i]),
        "hash": (b"HSET", lambda i: [b"field:%012d" % i, b"value:%012d" % i]),
        "zset": (b"ZADD", lambda i: [b"%d" % (i * 7919 % 1000003), b"member:%012d" % i]),
    }
    name, make = makers[kind]
    return _batched(count, 100, make, [name, key])


def small_collections(kind: str, count: int) -> Iterator[list[bytes]]:
    """`count` collections of ten members each, the kind that stays packed."""
    for i in range(count):
        yield from one_collection(kind, 10, b"small:%012d" % i)


def footprint(start: Start, what: str, commands: Iterator[list[bytes]], items: int) -> Footprint:
    """Resident growth of a fresh system while it takes `commands`, per item."""
    with start() as system:
        before = system.rss()
        begun = time.perf_counter()
        batch: list[list[bytes]] = []
        for command in commands:
            batch.append(command)
            if len(batch) == 2000:
                run_commands(system.port, batch)
                batch = []
        run_commands(system.port, batch)
        seconds = time.perf_counter() - begun
        time.sleep(0.3)
        return Footprint(what, (system.rss() - before) / items, seconds)


def growth_commands(members: int) -> list[tuple[str, str, list[str]]]:
    """(label, type, redis-benchmark words) on a collection that has `members` members."""
    middle = str(members // 2)
    return [
        ("ZADD", "zset", ["ZADD", "big", "__rand_int__", "member:__rand_int__"]),
        ("ZRANK", "zset", ["ZRANK", "big", f"member:{members // 3:012d}"]),
        ("ZRANGE by rank", "zset", ["ZRANGE", "big", middle, str(members // 2 + 9)]),
        ("HSET", "hash", ["HSET", "big", "field:__rand_int__", "value"]),
        ("SADD", "set", ["SADD", "big", "member:__rand_int__"]),
        ("LINDEX first", "list", ["LINDEX", "big", "0"]),
        ("LINDEX last", "list", ["LINDEX", "big", "-1"]),
        ("XADD", "stream", ["XADD", "big", "*", "field", "value"]),
        ("XRANGE middle", "stream", ["XRANGE", "big", f"{middle}-0", "+", "COUNT", "10"]),
    ]


@dataclass
class Growth:
    """CPU microseconds per command of the process that holds the data, for each size."""

    label: str
    cost_us: dict[int, float]

    @property
    def factor(self) -> float:
        """Cost at the largest size over cost at the smallest."""
        return self.cost_us[max(self.cost_us)] / max(self.cost_us[min(self.cost_us)], 1e-9)


def growth(start: Start, sizes: list[int], requests: int, say: Callable[[str], None]) -> list[Growth]:
    """What each command costs at each size."""
    curves = {label: Growth(label, {}) for label, _, _ in growth_commands(1000)}
    for size in sizes:
        for kind in ("zset", "hash", "set", "list", "stream"):
            with start() as system:
                role = "shard" if "shard" in system.roles else "redis"
                say(f"{system.name}: {kind} of {size}")
                run_commands(system.port, list(one_collection(kind, size)))
                for label, of, words in growth_commands(size):
                    if of != kind:
                        continue
                    before = system.cpu()[role]
                    redis_benchmark(system.port, words, 10, 16, requests, size)
                    curves[label].cost_us[size] = (system.cpu()[role] - before) / requests
    return list(curves.values())
