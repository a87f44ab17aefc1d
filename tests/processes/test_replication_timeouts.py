"""Links on which nothing comes any more and which nobody has closed: each side notices within `repl-timeout`. Who is slow or
busy but alive is not cut off."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import elixircache
from tests.peers import peer
from tests.processes.cut_proxy import CutProxy
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until

TIMEOUT_S = 2  # and not a minute, as without it: `until` gives up before
SETTINGS = {"save": "", "repl-timeout": TIMEOUT_S, "repl-ping-replica-period": 1}
SETTINGS |= {"shard-heartbeat-timeout": 30_000, "router-heartbeat-timeout": 30_000}  # who is stopped is not replaced

Groups = tuple[elixircache.LocalCluster, elixircache.LocalCluster, CutProxy]


@pytest.fixture(scope="module")
def groups() -> Iterator[Groups]:
    """A master, a replica, and what is between them."""
    with (
        elixircache.LocalCluster(shards=1, **SETTINGS) as master,
        elixircache.LocalCluster(shards=2, **SETTINGS) as replica,
        CutProxy(master.port) as way,
    ):
        yield master, replica, way


@pytest.fixture
def linked(groups: Groups) -> Iterator[Groups]:
    """The same, synchronised and with little data."""
    master, replica, way = groups
    way.resume()
    master.client().flushall()
    follow(replica, way.port)
    until(lambda: attached(master) == ["online"])
    yield groups
    replica.client().execute_command("REPLICAOF", "NO", "ONE")
    until(lambda: attached(master) == [])


def follow(replica: elixircache.LocalCluster, port: int) -> None:
    replica.client().execute_command("REPLICAOF", "127.0.0.1", port)
    until(lambda: link_is_up(replica))


def link_is_up(replica: elixircache.LocalCluster) -> bool:
    return bool(replica.client().info("replication")["master_link_status"] == "up")


def attached(master: elixircache.LocalCluster) -> list[str]:
    """The states of a master's replicas."""
    info = master.client().info("replication")
    return [info[f"slave{number}"]["state"] for number in range(info["connected_slaves"])]


def syncs(master: redis.Redis) -> tuple[int, int]:
    """How many full and partial ones there were."""
    stats = master.info("stats")
    return stats["sync_full"], stats["sync_partial_ok"]


def log_of(group: elixircache.LocalCluster) -> str:
    return group.log_path.read_text(errors="replace")


def test_a_master_drops_a_stopped_replica_and_has_it_back_without_a_snapshot(linked: Groups) -> None:
    master, replica, _ = linked
    before = syncs(master.client())
    pid = replica.pids["router"]
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: attached(master) == [])
        assert "its link has ended: replica timeout" in log_of(master)
        master.client().set("meanwhile", 1)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: replica.client().get("meanwhile") == b"1")
    assert replica.pids["router"] == pid
    assert syncs(master.client()) == (before[0], before[1] + 1)


def test_a_replica_drops_a_stopped_master_and_goes_on_with_it_without_a_snapshot(linked: Groups) -> None:
    master, replica, _ = linked
    before = syncs(master.client())
    pid = master.pids["router"]
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: not link_is_up(replica))
        assert "the master has been silent for" in log_of(replica)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: link_is_up(replica))
    master.client().set("after", 1)
    until(lambda: replica.client().get("after") == b"1")
    assert master.pids["router"] == pid
    assert syncs(master.client())[0] == before[0]


def test_both_sides_notice_a_link_that_carries_nothing_any_more(linked: Groups) -> None:
    master, replica, way = linked
    before = syncs(master.client())
    way.hold()
    until(lambda: attached(master) == [] and not link_is_up(replica))
    # A new connection is accepted by what is between them, and nobody answers there either.
    master.client().set("meanwhile", 1)
    time.sleep(TIMEOUT_S + 1)
    assert not link_is_up(replica)
    way.resume()
    until(lambda: replica.client().get("meanwhile") == b"1")
    assert syncs(master.client())[0] == before[0]


def fill(master: elixircache.LocalCluster, megabytes: int) -> None:
    """More than the buffers of two sockets hold."""
    client = master.client()
    for number in range(10 * megabytes):
        client.set(f"large:{number}", os.urandom(100_000))


def test_a_link_that_falls_silent_within_a_snapshot_is_dropped_and_the_files_go(linked: Groups) -> None:
    master, replica, way = linked
    replica.client().execute_command("REPLICAOF", "NO", "ONE")
    until(lambda: attached(master) == [])
    fill(master, 20)
    way.pace = 4 << 20
    replica.client().execute_command("REPLICAOF", "127.0.0.1", way.port)
    until(lambda: replica.client().info("replication").get("master_sync_read_bytes", 0) > 0)
    way.hold()
    assert attached(master) == ["send_bulk"]
    until(lambda: attached(master) == [])
    until(lambda: "its link has ended: replica timeout" in log_of(master).rpartition("its snapshot goes out")[2])
    until(lambda: not glob.glob(f"{master.directory}/**/sync-*.rdb", recursive=True))
    way.resume()
    until(lambda: link_is_up(replica), 30)
    assert replica.client().dbsize() == master.client().dbsize()


def test_a_link_over_which_a_snapshot_takes_long_is_not_dropped(linked: Groups) -> None:
    master, replica, way = linked
    replica.client().execute_command("REPLICAOF", "NO", "ONE")
    fill(master, 12)
    before = syncs(master.client())
    way.pace = 2 << 20
    began = time.monotonic()
    follow(replica, way.port)
    assert time.monotonic() - began > 2 * TIMEOUT_S
    assert syncs(master.client()) == (before[0] + 1, before[1])


@pytest.mark.parametrize("kind", ["ours", pytest.param("redis", marks=pytest.mark.peer)])
def test_a_replica_that_loads_for_long_is_not_dropped(groups: Groups, kind: str, tmp_path: Path) -> None:
    """Its router says so while its shards read."""
    master, replica, _ = groups
    if kind == "ours":
        loads_for_long(master.client(), master.port, replica)
    else:
        with redis_server(tmp_path, "--repl-timeout", str(TIMEOUT_S)) as client:
            loads_for_long(client, int(client.connection_pool.connection_kwargs["port"]), replica)


def loads_for_long(master: redis.Redis, port: int, replica: elixircache.LocalCluster) -> None:
    master.set("loaded", 1)
    replica.client().set("own", 1)  # it has been the master's replica, and might go on where it was
    full, partial = syncs(master)
    pid = replica.pids["shard-1"]
    os.kill(pid, signal.SIGSTOP)
    try:
        replica.client().execute_command("REPLICAOF", "127.0.0.1", port)
        until(lambda: "the shards read it" in log_of(replica).rpartition("the master's snapshot comes in")[2])
        time.sleep(2 * TIMEOUT_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: link_is_up(replica))
    assert replica.client().get("loaded") == b"1"
    assert syncs(master) == (full + 1, partial)
    replica.client().execute_command("REPLICAOF", "NO", "ONE")


@pytest.mark.peer
def test_redis_cli_which_never_confirms_anything_goes_on_hearing_the_stream(groups: Groups) -> None:
    """Who uses SYNC says nothing of how far it is; Redis does not expect it either."""
    master = groups[0]
    until(lambda: attached(master) == [])
    command = [peer("redis-cli"), "-p", str(master.port), "--replica"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: attached(master) == ["online"])
        time.sleep(TIMEOUT_S + 1.5)
        assert attached(master) == ["online"]
    finally:
        process.kill()
        process.wait()
