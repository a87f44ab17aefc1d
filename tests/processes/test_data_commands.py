"""export, import, backup, restore and another number of shards, with real processes and a real Redis."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from elixircache import LocalCluster, free_port
from tests.peers import peer

ROOT = Path(__file__).parents[2]


def elixircache(*args: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *map(str, args)], capture_output=True, text=True, cwd=ROOT, timeout=60, env=os.environ
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def fill(client: Any) -> None:
    for i in range(200):
        client.set(f"s{i}", i)
    client.set("late", "x", pxat=4_102_444_800_000)
    client.rpush("list", *range(300))
    client.sadd("set", "a", "b")
    client.hset("hash", mapping={"f": "v"})
    client.zadd("zset", {"a": 1.5, "b": 2})
    client.xadd("stream", {"f": "v"}, id="1-1")
    client.xgroup_create("stream", "g", 0)
    client.xreadgroup("g", "alice", {"stream": ">"})


def shown(client: Any) -> dict[Any, Any]:
    found = {key: client.get(key) for key in (f"s{i}" for i in range(200))}
    found["late"] = client.get("late"), client.pexpiretime("late")
    found["list"] = client.lrange("list", 0, -1)
    found["set"] = client.smembers("set")
    found["hash"] = client.hgetall("hash")
    found["zset"] = client.zrange("zset", 0, -1, withscores=True)
    found["stream"] = client.xrange("stream"), client.xpending("stream", "g")["pending"]
    found["size"] = client.dbsize()
    return found


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Any]:
    port = free_port()
    directory = tmp_path / "real"
    directory.mkdir()
    command = [peer("redis-server"), "--port", str(port), "--dir", str(directory), "--save", "", "--repl-diskless-sync-delay", "0"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    for _ in range(100):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    yield client
    server.terminate()
    server.wait()


def port_of(client: Any) -> int:
    return int(client.connection_pool.connection_kwargs["port"])


def test_keys_go_to_a_real_redis_and_come_back(tmp_path: Path, real: Any) -> None:
    with LocalCluster(shards=3, directory=tmp_path / "data", appendonly=True) as cluster:
        client = cluster.client()
        fill(client)
        before = shown(client)
        elixircache("export", tmp_path / "out.rdb", "--port", port_of(client))
        assert subprocess.run([peer("redis-check-rdb"), tmp_path / "out.rdb"], capture_output=True).returncode == 0
        elixircache("import", tmp_path / "out.rdb", "--port", port_of(real))
        assert shown(real) == before
        client.flushall()
        elixircache("import", f"redis://127.0.0.1:{port_of(real)}", "--port", port_of(client))
        assert shown(client) == before


def test_a_backup_is_restored_with_another_number_of_shards(tmp_path: Path) -> None:
    with LocalCluster(shards=2, directory=tmp_path / "data", appendonly=True) as cluster:
        client = cluster.client()
        fill(client)
        before = shown(client)
        elixircache("backup", tmp_path / "backup.rdb", "--port", port_of(client))
    assert "ok" in elixircache("check", tmp_path / "data")
    elixircache("restore", tmp_path / "backup.rdb", tmp_path / "fresh", "--shards", 4)
    with LocalCluster(shards=4, directory=tmp_path / "fresh", appendonly=True) as cluster:
        assert shown(cluster.client()) == before
    # The same directory, another number of shards: split anew at the start.
    with LocalCluster(shards=3, directory=tmp_path / "fresh", appendonly=True) as cluster:
        assert shown(cluster.client()) == before
    elixircache("export", tmp_path / "stopped.rdb", "--dir", tmp_path / "fresh")
    assert subprocess.run([peer("redis-check-rdb"), tmp_path / "stopped.rdb"], capture_output=True).returncode == 0
