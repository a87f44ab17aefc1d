"""A full, read-only or broken disk: writes get -MISCONF, reads go on, nothing acknowledged is lost, no restart is needed."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest
import redis

from elixircache import LocalCluster
from tests.processes.faulty_disk import Faults, mounted
from tests.processes.waiting import until


def kill_everything(cluster: LocalCluster) -> None:
    for pid in [cluster.supervisor_pid, *cluster.pids.values()]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cluster.stop()


def write_until_refused(client: redis.Redis, prefix: str, size: int = 10, count: int = 3000) -> tuple[dict, str]:
    """(what was acknowledged, the refusal)."""
    acknowledged = {}
    for number in range(count):
        key, value = f"{prefix}{number}", os.urandom(size // 2).hex().encode()
        try:
            client.set(key, value)
        except redis.ResponseError as refused:
            return acknowledged, str(refused)
        acknowledged[key] = value
    raise AssertionError("no write was refused")


def works_again(client: redis.Redis) -> bool:
    try:
        return bool(client.set("again", 1))
    except redis.ResponseError:
        return False


def found(client: redis.Redis, acknowledged: dict) -> dict:
    keys = list(acknowledged)
    return dict(zip(keys, client.mget(keys), strict=True))


@pytest.mark.parametrize("appendfsync", ["always", "everysec"])
def test_a_full_disk(tmp_path, appendfsync):
    disk = tmp_path / "shard-0"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        (disk / "ballast").write_bytes(bytes(1 << 20))
        with LocalCluster(shards=1, directory=tmp_path, appendfsync=appendfsync) as cluster, cluster.client() as client:
            pid = cluster.pids["shard-0"]
            acknowledged, refusal = write_until_refused(client, "k", 4000)
            assert refusal.startswith("MISCONF") and "No space left" in refusal
            assert len(acknowledged) > 50
            assert found(client, acknowledged) == acknowledged
            assert client.info("persistence")["aof_last_write_status"] == "err"
            with pytest.raises(redis.ResponseError):  # no room for that either
                client.save()
            assert not list(disk.glob("temp-*"))
            (disk / "ballast").unlink()
            until(lambda: works_again(client))
            assert client.info("persistence")["aof_last_write_status"] == "ok"
            assert cluster.pids["shard-0"] == pid
            kill_everything(cluster)
        with LocalCluster(shards=1, directory=tmp_path) as cluster, cluster.client() as client:
            assert found(client, acknowledged) == acknowledged
            assert client.get("again") == b"1"


def test_a_read_only_directory(tmp_path):
    """The open journal goes on where the mount came later, as in Linux; what needs a new file fails and says so."""
    with LocalCluster(shards=1, directory=tmp_path) as cluster, cluster.client() as client:
        client.set("before", 1)
        journal = tmp_path / "shard-0" / "appendonlydir"
        with mounted(journal, "--bind", "-o", "ro", str(journal)):
            with pytest.raises(redis.ResponseError, match="rewriting cannot begin"):
                client.bgrewriteaof()
            said = client.info("persistence")
            assert (said["aof_last_bgrewrite_status"], said["aof_rewrites_consecutive_failures"]) == ("err", 1)
            client.set("meanwhile", 2)
        client.bgrewriteaof()
        until(lambda: client.info("persistence")["aof_last_bgrewrite_status"] == "ok")
        client.set("after", 3)
        kill_everything(cluster)
    with LocalCluster(shards=1, directory=tmp_path) as cluster, cluster.client() as client:
        assert client.mget("before", "meanwhile", "after") == [b"1", b"2", b"3"]


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    return Faults(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize(
    ("appendfsync", "call", "text"),
    [
        ("always", "fsync", "Input/output error"),
        ("everysec", "fsync", "Input/output error"),
        ("everysec", "write", "Read-only"),
    ],
)
def test_a_disk_whose_calls_fail(tmp_path, monkeypatch, faults, appendfsync, call, text):
    monkeypatch.setenv("LD_PRELOAD", str(faults.library))
    with LocalCluster(shards=2, directory=tmp_path, appendfsync=appendfsync) as cluster, cluster.client() as client:
        pids = cluster.pids
        client.mset({f"k{number}": number for number in range(50)})
        with faults.failing(call):
            until(lambda: not works_again(client))  # `everysec` hears of it within a second
            acknowledged, refusal = write_until_refused(client, "meanwhile")
            assert refusal.startswith("MISCONF") and text in refusal
            assert client.mget("k1", "k49") == [b"1", b"49"]
        until(lambda: works_again(client))
        until(lambda: all(client.set(f"more{number}", 1) for number in range(20)))
        assert cluster.pids == pids
        kill_everything(cluster)
    with LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        assert client.mget([f"k{number}" for number in range(50)]) == [str(number).encode() for number in range(50)]
        if acknowledged:
            assert found(client, acknowledged) == acknowledged
        assert client.get("again") == b"1"
