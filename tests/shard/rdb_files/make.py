"""Writes redis-7.0.rdb with a real redis-server: one key for each encoding that it knows.

Run by hand when the set of keys changes: python -m tests.shard.rdb_files.make
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis

HERE = Path(__file__).parent
EXPIRY_MS = 4_102_444_800_000  # 2100-01-01


def fill(client: redis.Redis) -> None:
    """One key for each encoding; `expected` in test_rdb_files.py says what they hold."""
    client.set("int8", -100)
    client.set("int16", 30000)
    client.set("int32", -2000000000)
    client.set("int64", 2**62)
    client.set("compressed", "elixir" * 500)
    client.set("plain", b"\x00\xff binary")
    client.set("expiring", "later", pxat=EXPIRY_MS)
    client.rpush("list-listpack", "a", 1, -70000, "x" * 100)
    client.rpush("list-quicklist", *[f"element-{i}" * 10 for i in range(1000)])
    client.rpush("list-huge", "h" * 100_000, "tail")
    client.sadd("set-intset16", 1, 2, 3)
    client.sadd("set-intset32", 1, 70000)
    client.sadd("set-intset64", 1, 2**40)
    client.sadd("set-hashtable", *[f"m{i}" for i in range(1000)])
    client.hset("hash-listpack", mapping={"f": "v", "n": 12345, "e": ""})
    client.hset("hash-hashtable", mapping={f"f{i}": f"v{i}" for i in range(1000)})
    client.zadd("zset-listpack", {"a": 1, "b": 2.5, "c": float("inf"), "d": float("-inf")})
    client.zadd("zset-skiplist", {f"m{i}": i / 7 for i in range(1000)})
    for i in range(1, 251):
        client.xadd("stream", {"n": i, "text": "abc"} if i % 3 else {"other": i}, id=f"{i}-1")
    client.xdel("stream", "2-1", "250-1")
    client.xgroup_create("stream", "group", "0")
    client.xgroup_create("stream", "empty", "$")
    client.xreadgroup("group", "alice", {"stream": ">"}, count=3)
    client.xreadgroup("group", "bob", {"stream": ">"}, count=2)
    client.xack("stream", "group", "1-1")
    client.function_load("#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    client.select(3)
    client.set("other-db", "three")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        socket = f"{directory}/redis.sock"
        server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", directory, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        try:
            client = redis.Redis(unix_socket_path=socket, single_connection_client=True)
            for _ in range(100):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
            fill(client)
            client.save()
            shutil.copy(f"{directory}/dump.rdb", HERE / "redis-7.0.rdb")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
