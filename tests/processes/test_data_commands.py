"""export, import, backup, restore and another number of shards, with real processes and a real Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis

from elixircache import LocalCluster
from tests.peers import peer
from tests.processes.real_redis import redis_server

ROOT = Path(__file__).parents[2]
PASSWORD = "p@ss:word"


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


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A group of three shards and a real Redis with a password."""
    home = tmp_path_factory.mktemp("real")
    with LocalCluster(shards=3) as cluster, redis_server(home, "--requirepass", PASSWORD, password=PASSWORD) as real:
        yield cluster.client(), real


@pytest.fixture
def ours(both: Any) -> Any:
    both[0].flushall()
    return both[0]


@pytest.fixture
def real(both: Any) -> Any:
    both[1].flushall()
    return both[1]


def port_of(client: Any) -> int:
    return int(client.connection_pool.connection_kwargs["port"])


def url_of(client: Any) -> str:
    return f"redis://:{quote(PASSWORD)}@127.0.0.1:{port_of(client)}"


def test_keys_go_to_a_real_redis_and_come_back(tmp_path: Path, ours: Any, real: Any) -> None:
    fill(ours)
    before = shown(ours)
    elixircache("export", tmp_path / "out.rdb", "--port", port_of(ours))
    checked = subprocess.run([peer("redis-check-rdb"), tmp_path / "out.rdb"], capture_output=True, text=True)
    assert checked.returncode == 0 and "checksum disabled" not in checked.stdout
    with redis_server(tmp_path, "--dbfilename", "out.rdb") as loaded:
        assert shown(loaded) == before
    elixircache("import", tmp_path / "out.rdb", "--port", port_of(real), "--password", PASSWORD)
    assert shown(real) == before
    ours.flushall()
    assert f"{before['size']} keys imported" in elixircache("import", url_of(real), "--port", port_of(ours))
    assert shown(ours) == before
    with pytest.raises(AssertionError, match=f"{before['size']} keys were refused; the first: BUSYKEY"):
        elixircache("import", url_of(real), "--port", port_of(ours))
    elixircache("import", url_of(real), "--port", port_of(ours), "--replace")


def test_a_live_redis_is_followed_until_the_cut_over_and_no_write_of_it_is_lost(ours: Any, real: Any) -> None:
    fill(real)
    ours.set("own", 1)
    words = [sys.executable, "-m", "cli", "import", url_of(real), "--port", str(port_of(ours)), "--follow"]
    refused = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert refused.returncode == 1 and "holds 1 keys, which following would drop" in refused.stderr
    assert ours.role()[0] == b"master"
    following = subprocess.Popen([*words, "--replace"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        said = following.stderr.readline()
        assert "in step with the source" in said, said + following.stderr.read()
        written = 0
        with pytest.raises(redis.ReadOnlyError):
            ours.set("own", 2)
        for written in range(1, 2001):
            real.set(f"live{written}", written)
            if written % 100 == 0:
                real.rename(f"live{written}", f"moved{written}")
        following.send_signal(signal.SIGINT)
        out, _ = following.communicate(timeout=30)
    finally:
        following.kill()
    assert following.returncode == 0 and f"has taken over with {real.dbsize()} keys" in out
    assert ours.role()[0] == b"master" and ours.config_get("masterauth") == {"masterauth": ""}
    assert shown(ours) == shown(real)
    assert ours.exists("own") == 0 and ours.get("moved2000") == b"2000"
    assert ours.set("own", 3)


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
