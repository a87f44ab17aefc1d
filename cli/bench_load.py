"""Load on one system: redis-benchmark where it can make it, a client of our own where it cannot.

A workload has either the words of one command for redis-benchmark (`__rand_int__` becomes a random number), or a
function that makes one request: steps of several commands, each of which is sent when the one before is answered.
"""

from __future__ import annotations

import csv
import hashlib
import random
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cli.bench_systems import System
from cli.load_client import run_load
from cluster.reply_parts import whole_replies
from cluster.slots import SLOT_COUNT, slot_of

Step = list[list[bytes]]
Request = Callable[[random.Random, int], list[Step]]
VALUE = "0123456789abcdef"


@dataclass
class Workload:
    """One line of the benchmark. `setup` are commands that are run before the first round."""

    name: str
    command: list[str] | None = None
    request: Request | None = None
    setup: list[list[bytes]] = field(default_factory=list)
    proxied: bool = True  # twemproxy can do it
    python: Callable[..., Any] | None = None  # a function that it calls by name: for ElixirCache alone
    weight: float = 1.0  # cost of one request compared with a SET, for the number of requests


@dataclass
class Sample:
    """One run: requests per second, latencies in ms, CPU microseconds per request by role."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: dict[str, float]


def encode(args: list[bytes]) -> bytes:
    """A command as RESP."""
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%s\r\n" % (len(arg), arg) for arg in args)


def run_commands(port: int, commands: list[list[bytes]]) -> None:
    """Run commands on one connection, pipelined. RuntimeError on an error reply."""
    with socket.create_connection(("127.0.0.1", port), 30) as link:
        for at in range(0, len(commands), 500):
            part = commands[at : at + 500]
            link.sendall(b"".join(map(encode, part)))
            data, left = b"", len(part)
            while left:
                more = link.recv(1 << 20)
                if not more:
                    raise RuntimeError("the server closed the connection")
                data += more
                replies, used = whole_replies(data)
                data = data[used:]
                left -= len(replies)
                for reply in replies:
                    if reply[0] == 45:
                        raise RuntimeError(reply.decode(errors="replace"))


def redis_benchmark(port: int, words: list[str], clients: int, depth: int, requests: int, keyspace: int) -> Sample:
    """One run of redis-benchmark."""
    command = ["redis-benchmark", "-p", str(port), "-c", str(clients), "-P", str(depth), "-n", str(requests)]
    command += ["-r", str(keyspace), "--csv", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    rows = [row for row in csv.reader(done.stdout.splitlines()) if len(row) >= 7 and row[1] != "rps"]
    if not rows:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-500:]} {done.stderr[-500:]}")
    row = rows[-1]
    return Sample(float(row[1]), float(row[4]), float(row[6]), {})


def many_clients(port: int, request: Request, clients: int, requests: int) -> Sample:
    """`clients` connections, each with one request under way (cli/load_client.py)."""
    rng = random.Random(1)

    def prepared(client: int) -> list[tuple[bytes, int]]:
        return [(b"".join(map(encode, step)), len(step)) for step in request(rng, client)]

    seconds, latencies = run_load(port, [[prepared(client) for _ in range(64)] for client in range(clients)], requests)
    latencies.sort()
    ms = [latencies[int(len(latencies) * share)] / 1e6 for share in (0.5, 0.99)]
    return Sample(len(latencies) / seconds, ms[0], ms[1], {})


def run(system: System, work: Workload, clients: int, depth: int, requests: int, keyspace: int) -> Sample:
    """One run of one workload, with the CPU that each role used for it."""
    before = system.cpu()
    if work.command is not None:
        sample = redis_benchmark(system.port, work.command, clients, depth, requests, keyspace)
    else:
        assert work.request is not None
        sample = many_clients(system.port, work.request, clients, requests)
    after = system.cpu()
    sample.cpu_us = {role: (after[role] - before[role]) / requests for role in after}
    return sample


def _key(rng: random.Random) -> bytes:
    return b"key:%012d" % rng.randrange(100_000)


def transaction_one_shard(rng: random.Random, client: int) -> list[Step]:
    """MULTI, four SETs under one hash tag, EXEC."""
    tag = b"{%d}" % rng.randrange(100_000)
    return [[[b"MULTI"], *([b"SET", tag + b"%d" % i, b"x"] for i in range(4)), [b"EXEC"]]]


def transaction_any_shard(rng: random.Random, client: int) -> list[Step]:
    """MULTI, four SETs of any keys, EXEC."""
    return [[[b"MULTI"], *([b"SET", _key(rng), b"x"] for _ in range(4)), [b"EXEC"]]]


def transaction_each_shard(rng: random.Random, client: int) -> list[Step]:
    """MULTI, four SETs of keys in each quarter of the slots, EXEC: on four shards one for each, on two two."""
    keys: dict[int, bytes] = {}
    while len(keys) < 4:
        key = _key(rng)
        keys.setdefault(slot_of(key) * 4 // SLOT_COUNT, key)
    return [[[b"MULTI"], *([b"SET", key, b"x"] for key in keys.values()), [b"EXEC"]]]


def watch_any_shard(rng: random.Random, client: int) -> list[Step]:
    """WATCH of two keys that nobody else writes, then a transaction on them."""
    keys = [b"watched:%d:%d" % (client, i) for i in rng.sample(range(64), 2)]
    return [[[b"WATCH", *keys], [b"MULTI"], *([b"SET", key, b"x"] for key in keys), [b"EXEC"]]]


def watch_then_exec(rng: random.Random, client: int) -> list[Step]:
    """As clients use it: WATCH and look, then a transaction on what was seen."""
    keys = [b"watched:%d:%d" % (client, i) for i in rng.sample(range(64), 2)]
    return [[[b"WATCH", *keys], [b"MGET", *keys]], [[b"MULTI"], *([b"SET", key, b"x"] for key in keys), [b"EXEC"]]]


def rename_any_shard(rng: random.Random, client: int) -> list[Step]:
    """A SET and its RENAME to a key that most often lives elsewhere."""
    source, target = b"from:%d:%d" % (client, rng.randrange(64)), b"to:%d:%d" % (client, rng.randrange(64))
    return [[[b"SET", source, b"x"], [b"RENAME", source, target]]]


def mget_any_shard(rng: random.Random, client: int) -> list[Step]:
    """MGET of ten keys."""
    return [[[b"MGET", *(_key(rng) for _ in range(10))]]]


def mset_any_shard(rng: random.Random, client: int) -> list[Step]:
    """MSET of ten keys."""
    return [[[b"MSET", *(word for _ in range(10) for word in (_key(rng), VALUE.encode()))]]]


def get_set(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
    """The Python function beside the script of the same work."""
    value = db.get(keys[0])
    db.set(keys[0], args[0])
    return value


_R = "key:__rand_int__"
CORE = [
    Workload("SET", ["SET", _R, VALUE]),
    Workload("GET", ["GET", _R]),
    Workload("INCR", ["INCR", "counter:__rand_int__"]),
    Workload("MSET 10", ["MSET", *(word for _ in range(10) for word in (_R, VALUE))], weight=5),
]
TYPES = [
    Workload("LPUSH", ["LPUSH", "list:__rand_int__", VALUE]),
    Workload("RPOP", ["RPOP", "list:__rand_int__"]),
    Workload("SADD", ["SADD", "set:1", "member:__rand_int__"]),
    Workload("HSET", ["HSET", "hash:1", "field:__rand_int__", VALUE]),
    Workload("ZADD", ["ZADD", "zset:1", "__rand_int__", "member:__rand_int__"], weight=2),
    Workload("ZRANGE 10", ["ZRANGE", "zset:1", "0", "9"], weight=2),
    Workload("XADD", ["XADD", "stream:1", "MAXLEN", "~", "100000", "*", "field", VALUE], proxied=False, weight=1.5),
    Workload("XREAD 10", ["XREAD", "COUNT", "10", "STREAMS", "stream:1", "0"], proxied=False, weight=4),
    Workload(
        "LRANGE 100",
        ["LRANGE", "hundred", "0", "99"],
        setup=[[b"DEL", b"hundred"], [b"RPUSH", b"hundred", *(b"element:%d" % i for i in range(100))]],
        weight=10,
    ),
]
GET_SET = "local v = redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], ARGV[1]) return v"
SCRIPTS = [
    Workload(
        "EVALSHA GET + SET",
        ["EVALSHA", hashlib.sha1(GET_SET.encode()).hexdigest(), "1", _R, VALUE],
        setup=[[b"SCRIPT", b"LOAD", GET_SET.encode()]],
        proxied=False,
        weight=2,
    ),
    Workload("EVAL GET + SET", ["EVAL", GET_SET, "1", _R, VALUE], proxied=False, weight=2),
    Workload(
        "PY.CALL get + set",
        ["PY.CALL", "get_set", "1", _R, VALUE],
        python=get_set,
        proxied=False,
        weight=2,
    ),
]
TRANSACTIONS = [
    Workload("MULTI 4 SET, one shard", request=transaction_one_shard, proxied=False, weight=4),
    Workload("MULTI 4 SET, any shard", request=transaction_any_shard, proxied=False, weight=4),
    Workload("MULTI 4 SET, each quarter", request=transaction_each_shard, proxied=False, weight=4),
    Workload("MGET 10 keys", request=mget_any_shard, weight=3),
    Workload("MSET 10 keys", request=mset_any_shard, weight=3),
    Workload("SET + RENAME, any shard", request=rename_any_shard, proxied=False, weight=4),
    Workload("WATCH + EXEC, any shard", request=watch_any_shard, proxied=False, weight=4),
    Workload("WATCH + MGET, then EXEC", request=watch_then_exec, proxied=False, weight=6),
]
