"""Bytes per element of collections, beside a redis-server of the same minute.

    python -m tests.bench.memory [--keys 20000] [--elements 1000000]

Ours is the growth of a process's resident memory, Redis's the growth of used_memory.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

import redis

from shard.engine import Engine

ELEMENT = b"element:%08d"


def commands(kind: str, keys: int, elements: int) -> Iterator[list[bytes]]:
    """What fills `keys` collections with `elements` each."""
    for key in range(keys):
        name = b"key:%08d" % key
        for start in range(0, elements, 100):
            parts = [ELEMENT % i for i in range(start, min(start + 100, elements))]
            if kind == "list":
                yield [b"RPUSH", name, *parts]
            elif kind == "set":
                yield [b"SADD", name, *parts]
            elif kind == "intset":
                yield [b"SADD", name, *(b"%d" % (1000 + i) for i in range(start, min(start + 100, elements)))]
            elif kind == "hash":
                yield [b"HSET", name, *(word for part in parts for word in (part, b"value"))]
            else:
                yield [b"ZADD", name, *(word for i, part in enumerate(parts) for word in (b"%d" % (start + i), part))]


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ours(kind: str, keys: int, elements: int) -> int:
    """Bytes, measured in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        engine = Engine()
        before = resident()
        for args in commands(kind, keys, elements):
            engine.run(args)
            engine.stream.clear()
        os.write(writer, str(resident() - before).encode())
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 64)
    os.close(reader)
    os.waitpid(child, 0)
    return int(answer)


def theirs(client: redis.Redis, kind: str, keys: int, elements: int) -> int:
    client.flushall()
    before = client.info("memory")["used_memory"]
    pipeline = client.pipeline(transaction=False)
    for number, args in enumerate(commands(kind, keys, elements)):
        pipeline.execute_command(*args)
        if number % 200 == 199:
            pipeline.execute()
    pipeline.execute()
    return client.info("memory")["used_memory"] - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=20000, help="small collections, of 20 elements each")
    parser.add_argument("--elements", type=int, default=1_000_000, help="of the large collection")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", "", "--dir", directory], stdout=subprocess.DEVNULL
        )
        try:
            client = redis.Redis(port=port)
            for _ in range(100):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
            print(f"{'':24}{'ours':>10}{'redis':>10}{'ratio':>8}   bytes per element")
            for keys, elements in ((options.keys, 20), (1, options.elements)):
                for kind in ("list", "hash", "set", "intset", "zset"):
                    count = keys * elements
                    mine, other = ours(kind, keys, elements) / count, theirs(client, kind, keys, elements) / count
                    print(f"{kind:8}{keys:>7} x {elements:<7}{mine:>9.1f}{other:>10.1f}{mine / other:>8.2f}")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
