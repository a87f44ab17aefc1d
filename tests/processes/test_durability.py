"""What was acknowledged is there after any process, or all of them, were ended by kill -9; and the files are Redis's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import elixircache
from tests.peers import peer
from tests.processes.datasets import fill, state, work
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until


class Writer(threading.Thread):
    """Writes without a pause and remembers what was acknowledged; what failed may or may not be there."""

    def __init__(self, cluster: elixircache.LocalCluster, name: str):
        super().__init__()
        self.cluster, self.prefix = cluster, name
        self.acknowledged: dict[str, bytes] = {}
        self.units: list[list[str]] = []
        self.rounds = 0
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            with contextlib.suppress(redis.RedisError, OSError), self.cluster.client(
                retry=Retry(NoBackoff(), 0), socket_timeout=20
            ) as client:
                while not self.stopping:
                    self.rounds += 1
                    self._one_round(client)
            time.sleep(0.02)

    def _one_round(self, client: redis.Redis) -> None:
        number, data = self.rounds, str(self.rounds).encode()
        client.set(f"{self.prefix}:{number}", data)
        self.acknowledged[f"{self.prefix}:{number}"] = data
        unit = [f"{self.prefix}:{number}:{part}" for part in range(4)]
        self.units.append(unit)
        if number % 2:
            client.mset(dict.fromkeys(unit, data))
        else:
            with client.pipeline() as pipe:
                for key in unit:
                    pipe.set(key, data)
                pipe.execute()
        self.acknowledged.update(dict.fromkeys(unit, data))

    def check(self, client: redis.Redis) -> None:
        """Every acknowledged write is there, and no unit is there in part."""
        keys = list(self.acknowledged)
        assert len(keys) > 20
        for at in range(0, len(keys), 2000):
            some = keys[at : at + 2000]
            assert client.mget(some) == [self.acknowledged[key] for key in some]
        for unit in self.units:
            if unit[0] not in self.acknowledged:
                found = client.mget(unit)
                assert found == [found[0]] * 4, f"a unit is there in part: {dict(zip(unit, found, strict=True))}"


@contextlib.contextmanager
def writers(cluster: elixircache.LocalCluster) -> Any:
    """Three writers at work, which have ended after the block."""
    threads = [Writer(cluster, name) for name in ("red", "green", "blue")]
    for thread in threads:
        thread.start()
    try:
        until(lambda: all(thread.rounds > 10 for thread in threads))
        yield threads
    finally:
        for thread in threads:
            thread.stopping = True
        for thread in threads:
            thread.join()


def kill_everything(cluster: elixircache.LocalCluster) -> None:
    for pid in [cluster.supervisor_pid, *cluster.pids.values()]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cluster.stop()


def journals(directory: Path, shard: int) -> list[Path]:
    """The incremental files of a shard, oldest first."""
    return sorted((directory / f"shard-{shard}" / "appendonlydir").glob("*.incr.aof"))


def key_of(shard: int, start: str) -> str:
    """A key that lives on this one of two shards."""
    from cluster.slots import slot_of  # the client side of the slot map

    return next(key for number in range(1000) if (slot_of((key := f"{start}{number}").encode()) >= 8192) == bool(shard))


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
def test_acknowledged_writes_survive_the_kill_of_a_shard_and_of_the_router(appendfsync):
    with elixircache.LocalCluster(shards=2, appendfsync=appendfsync) as cluster:
        with writers(cluster) as threads:
            for kill in (lambda: cluster.kill_shard(0), cluster.kill_router, lambda: cluster.kill_shard(1)):
                before = [thread.rounds for thread in threads]
                kill()
                cluster.wait_until_serving()
                until(lambda before=before: all(thread.rounds > was + 5 for thread, was in zip(threads, before, strict=True)))
        with cluster.client() as client:
            for thread in threads:
                thread.check(client)


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
def test_acknowledged_writes_survive_the_kill_of_everything(tmp_path, appendfsync):
    histories = []
    for _ in range(2):
        with elixircache.LocalCluster(shards=2, directory=tmp_path, appendfsync=appendfsync) as cluster:
            with cluster.client() as client:
                for thread in histories:
                    thread.check(client)
                client.flushall()
            with writers(cluster) as threads:
                time.sleep(0.3)
                kill_everything(cluster)
                for thread in threads:
                    thread.stopping = True
            histories = threads
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        for thread in histories:
            thread.check(client)


def test_acknowledged_writes_survive_a_kill_during_a_rewrite(tmp_path):
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster:
        with cluster.client() as client:
            fill(client)
            before = state(client)
            with writers(cluster) as threads:
                client.bgrewriteaof()
                time.sleep(0.02)
                kill_everything(cluster)
                for thread in threads:
                    thread.stopping = True
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        for thread in threads:
            thread.check(client)
        after = state(client)
        assert {key: after[key] for key in before} == before


def test_a_clean_stop_and_start_keeps_everything(tmp_path):
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        fill(client)
        work(client, "work")
        before = state(client)
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        assert state(client) == before


@pytest.mark.parametrize(
    "torn",
    [b"*", b"*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$5\r\nhel",
     b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$1\r\n1\r\n"],
    ids=["one byte", "half a command", "half a unit"],
)  # fmt: skip
def test_a_torn_tail_is_cut_back_and_said(tmp_path, torn):
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        client.mset({f"k{number}": number for number in range(50)})
        kill_everything(cluster)
    sizes = []
    for shard in (0, 1):
        path = journals(tmp_path, shard)[-1]
        sizes.append((path, path.stat().st_size))
        with path.open("ab") as file:
            file.write(torn)
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        assert client.mget([f"k{number}" for number in range(50)]) == [str(number).encode() for number in range(50)]
        assert client.dbsize() == 50
        for path, size in sizes:
            text = path.read_bytes()
            assert b"torn" not in text and len(text) >= size
            assert path.name in cluster.log_path.read_text()
        assert client.set("goes on", 1)


def test_a_unit_cut_from_one_journal_is_handed_over_by_the_other_shard(tmp_path):
    left, right = key_of(0, "left"), key_of(1, "right")
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        client.mset({left: "old", right: "old"})
        client.mset({left: "new", right: "new"})
        kill_everything(cluster)
    path = journals(tmp_path, 0)[-1]
    os.truncate(path, path.stat().st_size - 5)
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        assert client.mget(left, right) == [b"new", b"new"]


def test_damage_in_the_middle_is_refused_with_file_and_offset(tmp_path):
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        for number in range(50):
            client.set(f"k{number}", number)
        kill_everything(cluster)
    path = journals(tmp_path, 1)[-1]
    data = bytearray(path.read_bytes())
    at = data.index(b"*3\r\n", len(data) // 2)
    data[at : at + 4] = b"#3\r\n"
    path.write_bytes(data)
    with pytest.raises(elixircache.ClusterError) as refused, elixircache.LocalCluster(shards=2, directory=tmp_path):
        pass
    assert path.name in str(refused.value) and str(at) in str(refused.value)
    assert path.read_bytes() == data


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(directory of two shards' files after a rewrite, snapshots and more writes; what was in them)."""
    directory = tmp_path_factory.mktemp("files")
    with elixircache.LocalCluster(shards=2, directory=directory) as cluster, cluster.client() as client:
        fill(client)
        client.bgrewriteaof()
        until(lambda: all(any(path.stat().st_size > 1000 for path in bases(directory, shard)) for shard in (0, 1)))
        work(client, "after the rewrite")
        client.save()
        return directory, state(client)


def bases(directory: Path, shard: int) -> list[Path]:
    return list((directory / f"shard-{shard}" / "appendonlydir").glob("*.base.rdb"))


@pytest.mark.peer
def test_redis_check_aof_and_redis_check_rdb_accept_our_files(files):
    directory, _ = files
    for shard in (0, 1):
        home = directory / f"shard-{shard}"
        manifest = str(home / "appendonlydir" / "appendonly.aof.manifest")
        checked = subprocess.run([peer("redis-check-aof"), manifest], capture_output=True, text=True, errors="replace")
        assert checked.returncode == 0 and "All AOF files and manifest are valid" in checked.stdout
        for path in [home / "dump.rdb", *bases(directory, shard)]:
            checked = subprocess.run([peer("redis-check-rdb"), str(path)], capture_output=True, text=True, errors="replace")
            assert checked.returncode == 0 and "RDB looks OK" in checked.stdout


@pytest.mark.peer
def test_a_real_redis_server_loads_a_shard_s_files(files, tmp_path):
    directory, before = files
    from_journals: dict[Any, Any] = {}
    from_snapshots: dict[Any, Any] = {}
    for shard in (0, 1):
        with_journal, with_snapshot = tmp_path / f"journal-{shard}", tmp_path / f"snapshot-{shard}"
        shutil.copytree(directory / f"shard-{shard}" / "appendonlydir", with_journal / "appendonlydir")
        with_snapshot.mkdir()
        shutil.copy(directory / f"shard-{shard}" / "dump.rdb", with_snapshot)
        with redis_server(with_journal, "--appendonly", "yes") as server:
            from_journals |= state(server)
        with redis_server(with_snapshot) as server:
            from_snapshots |= state(server)
    assert from_journals == before
    assert from_snapshots == before


def test_a_split_for_another_number_of_shards_survives_a_kill_at_any_moment(tmp_path):
    with elixircache.LocalCluster(shards=2, directory=tmp_path / "data") as cluster, cluster.client() as client:
        fill(client)
        client.mset({f"k{number}": number for number in range(20_000)})
        before = state(client)
    command = [sys.executable, "-m", "cli", "master", "--shards", "3", "--dir", str(tmp_path / "data")]
    command += ["--port", str(elixircache.free_port()), "--ws-port", "0"]
    for wait_s in (0.3, 0.5, 0.7, 0.9, 1.1):
        starting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait_s)
        starting.kill()
        starting.wait()
    with elixircache.LocalCluster(shards=3, directory=tmp_path / "data") as cluster, cluster.client() as client:
        assert state(client) == before
    assert not (tmp_path / "data" / "resplit").exists()
