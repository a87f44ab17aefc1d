"""What was acknowledged is there after any process, or all of them, were ended by kill -9; and the files are Redis's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis

import elixircache
from tests.peers import peer
from tests.processes.datasets import fill, state, work
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until


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


def test_a_clean_stop_and_start_keeps_everything(tmp_path):
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        fill(client)
        work(client, "work")
        before = state(client)
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        assert state(client) == before


LEFT, RIGHT = "left", "right"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The directory of two shards that were killed after 50 keys and two units over both shards."""
    directory = tmp_path_factory.mktemp("killed")
    with elixircache.LocalCluster(shards=2, directory=directory) as cluster, cluster.client() as client:
        for number in range(50):
            client.set(f"k{number}", number)
        left, right = key_of(0, LEFT), key_of(1, RIGHT)
        client.mset({left: "old", right: "old"})
        client.mset({left: "new", right: "new"})
        kill_everything(cluster)
    return directory


@pytest.fixture
def torn_place(killed, tmp_path):
    """A copy of it to damage."""
    return shutil.copytree(killed, tmp_path / "data", ignore=shutil.ignore_patterns("run"))


def everything_is_there(client) -> bool:
    assert client.mget([f"k{number}" for number in range(50)]) == [str(number).encode() for number in range(50)]
    assert client.mget(key_of(0, LEFT), key_of(1, RIGHT)) == [b"new", b"new"]
    return client.dbsize() == 52


HALF_A_COMMAND = b"*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$5\r\nhel"
HALF_A_UNIT = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$1\r\n1\r\n"


@pytest.mark.parametrize("torn", [(b"*", HALF_A_COMMAND), (HALF_A_UNIT, bytes(4096))], ids=["in a command", "in a unit"])
def test_a_torn_tail_is_cut_back_and_said(torn_place, torn):
    sizes = []
    for shard in (0, 1):
        path = journals(torn_place, shard)[-1]
        sizes.append((path, path.stat().st_size))
        with path.open("ab") as file:
            file.write(torn[shard])
    with elixircache.LocalCluster(shards=2, directory=torn_place) as cluster, cluster.client() as client:
        assert everything_is_there(client)
        said = cluster.log_path.read_text()
        for path, size in sizes:
            text = path.read_bytes()
            assert b"torn" not in text and bytes(10) not in text and len(text) >= size
            assert path.name in said
        assert client.set("goes on", 1)


def test_a_unit_cut_from_one_journal_is_handed_over_by_the_other_shard(torn_place):
    path = journals(torn_place, 0)[-1]
    os.truncate(path, path.stat().st_size - 5)
    with elixircache.LocalCluster(shards=2, directory=torn_place) as cluster, cluster.client() as client:
        assert everything_is_there(client)


def test_damage_in_the_middle_is_refused_with_file_and_offset(torn_place):
    path = journals(torn_place, 1)[-1]
    data = bytearray(path.read_bytes())
    at = data.index(b"*3\r\n$3\r\nSET", len(data) // 4)
    data[at] = ord("#")
    path.write_bytes(data)
    with pytest.raises(elixircache.ClusterError) as refused, elixircache.LocalCluster(shards=2, directory=torn_place):
        pass
    assert path.name in str(refused.value) and str(at) in str(refused.value)
    assert "`elixircache check` can tell more" in str(refused.value)
    assert path.read_bytes() == data
    check = subprocess.run([sys.executable, "-m", "cli", "check", torn_place], capture_output=True, text=True)
    assert check.returncode == 1 and f"DAMAGED {path}: offset {at}: this is no command" in check.stdout


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
    many = {f"k{number}": str(number).encode() for number in range(20_000)}
    with elixircache.LocalCluster(shards=2, directory=tmp_path / "data") as cluster, cluster.client() as client:
        fill(client)
        before = state(client)
        client.mset(many)
    command = [sys.executable, "-m", "cli", "master", "--shards", "3", "--dir", str(tmp_path / "data")]
    command += ["--port", str(elixircache.free_port()), "--ws-port", "0"]
    for wait_s in (0.3, 0.5, 0.7, 0.9, 1.1):
        starting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait_s)
        starting.kill()
        starting.wait()
    with elixircache.LocalCluster(shards=3, directory=tmp_path / "data") as cluster, cluster.client() as client:
        assert client.mget(many) == list(many.values())
        client.delete(*many)
        assert state(client) == before
    assert not (tmp_path / "data" / "resplit").exists()


def test_a_journal_that_is_switched_on_and_off_at_run_time(tmp_path):
    with elixircache.LocalCluster(shards=2, directory=tmp_path, appendonly="no", save="") as cluster:
        with cluster.client(retry=None) as client:
            client.mset({f"k{number}": number for number in range(50)})
            assert not (tmp_path / "shard-0" / "appendonlydir").exists()
            (tmp_path / "shard-1" / "appendonlydir").write_text("in the way")
            with pytest.raises(redis.ResponseError, match="related to argument 'appendonly'.*Unable to turn on AOF"):
                client.config_set("appendonly", "yes")  # shard 0 could: all or none
            assert client.config_get("appendonly") == {"appendonly": "no"}
            assert client.info("persistence")["aof_enabled"] == 0
            client.mset({f"k{number}": number for number in range(50)})
            (tmp_path / "shard-1" / "appendonlydir").unlink()
            client.config_set("appendonly", "yes")
            client.mset({f"later{number}": number for number in range(50)})
            assert client.info("persistence")["aof_base_size"] > 0
            for shard in (0, 1):
                cluster.kill_shard(shard)
                cluster.wait_until_serving()
        with cluster.client() as client:
            assert client.dbsize() == 100
            client.save()
            client.config_set("appendonly", "no")
            client.set("of no journal", 1)
            client.config_set("appendonly", "yes")  # the files of before are not what is true now
            client.delete("k1")
        kill_everything(cluster)
    with elixircache.LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        assert client.dbsize() == 100 and client.get("of no journal") == b"1" and client.get("k1") is None


@pytest.mark.parametrize("begun_by", [("BGREWRITEAOF",), ("CONFIG", "SET", "appendonly", "yes")])
def test_what_comes_in_one_batch_with_the_beginning_of_a_base_counts_once(tmp_path, begun_by):
    """Its effects are in the base already, and must not stand in the journal behind it too."""
    config = {"save": "", "appendonly": "yes" if begun_by[0] == "BGREWRITEAOF" else "no"}
    with elixircache.LocalCluster(shards=1, directory=tmp_path, **config) as cluster:
        client = cluster.client()
        for _ in range(10):
            with client.pipeline(transaction=False) as pipe:
                for name in ("before", "behind"):
                    for _ in range(50):
                        pipe.incr(name)
                    if name == "before":
                        pipe.execute_command(*begun_by)
                pipe.execute(raise_on_error=False)
            until(lambda client=client: client.info("persistence")["aof_rewrite_in_progress"] == 0)
            if begun_by[0] == "CONFIG":
                client.config_set("appendonly", "no")
        if begun_by[0] == "CONFIG":
            with client.pipeline(transaction=False) as pipe:
                for _ in range(50):
                    pipe.incr("before")
                pipe.execute_command(*begun_by)
                pipe.execute()
        wanted = client.mget("before", "behind")
        kill_everything(cluster)
    with elixircache.LocalCluster(shards=1, directory=tmp_path, save="") as cluster:
        assert cluster.client().mget("before", "behind") == wanted
