"""While the shards load, clients are answered as Redis answers them: -LOADING, and INFO says how far it is."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest
import redis

import elixircache
from elixircache import LocalCluster, free_port
from tests.processes.waiting import until


@contextlib.contextmanager
def slow_journal(directory: Path):
    """A journal that gives its second half only after the block: a pipe in place of a file, then the file again."""
    (path,) = directory.glob("*.incr.aof")
    # Only the last file of a manifest is opened for writing, so another one has to come after it.
    (directory / "appendonly.aof.99.incr.aof").touch()
    with (directory / "appendonly.aof.manifest").open("a") as manifest:
        manifest.write("file appendonly.aof.99.incr.aof seq 99 type i\n")
    data = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    may_end = threading.Event()

    def feed() -> None:
        with path.open("wb") as pipe:
            pipe.write(data[: len(data) // 2])
            pipe.flush()
            may_end.wait(20)
            path.unlink()
            path.write_bytes(data)
            pipe.write(data[len(data) // 2 :])

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        may_end.set()
        feeder.join()


def test_clients_hear_loading_until_every_shard_has_its_keys(tmp_path):
    with LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        for number in range(2000):
            client.set(f"k{number}", number)
    port = free_port()
    cluster = LocalCluster(shards=2, directory=tmp_path, port=port)
    with contextlib.ExitStack() as stack:
        with slow_journal(tmp_path / "shard-1" / "appendonlydir"):
            starting = threading.Thread(target=cluster.start)
            starting.start()
            stack.callback(cluster.stop)
            stack.callback(starting.join)
            client = redis.Redis(port=port, retry=None)
            until(lambda: answers(client))
            with pytest.raises(redis.exceptions.BusyLoadingError):
                client.ping()
            with pytest.raises(redis.exceptions.BusyLoadingError):
                client.get("k1")
            with pytest.raises(redis.exceptions.BusyLoadingError):
                client.dbsize()
            assert client.config_get("port")["port"] == str(port)
            until(lambda: client.info("persistence")["loading_total_bytes"] > 0)  # each shard says so once it has begun
            said = client.info("persistence")
            assert said["loading"] == 1
            assert time.time() - 60 < said["loading_start_time"] <= time.time()
            assert 0 <= said["loading_loaded_perc"] <= 100
            assert {"loading_loaded_bytes", "loading_eta_seconds"} <= said.keys()
            assert starting.is_alive()  # READY has not been said
        starting.join(20)
        client.ping()
        assert client.dbsize() == 2000
        said = client.info("persistence")
        assert said["loading"] == 0 and "loading_total_bytes" not in said


def answers(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.ConnectionError):
        return client.info("persistence")["loading"] == 1
    return False


def test_a_group_that_cannot_load_ends_although_its_router_answers(tmp_path):
    with LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        client.mset({f"k{number}": number for number in range(50)})
        client.bgrewriteaof()
        until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    (base,) = (tmp_path / "shard-0" / "appendonlydir").glob("*.base.rdb")
    base.write_bytes(base.read_bytes()[:-9])
    with pytest.raises(elixircache.ClusterError, match=base.name), LocalCluster(shards=2, directory=tmp_path):
        pass
