"""Masters whose processes are killed go on with the stream that they have given: replicas need no new snapshot wherever that
can be proved, and nothing of the stream is lost or comes twice."""

from __future__ import annotations

import os
import random
import signal
import threading

import pytest
import redis

import elixircache
from tests.processes.datasets import fill, state
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until

SHARDS = 2


@pytest.fixture(scope="module")
def groups():
    # What is written while a replica has not come back yet has to be kept for it.
    config = {"save": "", "repl-backlog-size": 32 << 20}
    with elixircache.LocalCluster(shards=SHARDS, **config) as first, elixircache.LocalCluster(shards=3, **config) as second:
        yield first, second


def follow(replica: redis.Redis, port: int) -> None:
    """REPLICAOF, and wait until the link stands."""
    replica.execute_command("REPLICAOF", "127.0.0.1", port)
    until(lambda: replica.info("replication")["master_link_status"] == "up")


def syncs(client: redis.Redis) -> tuple[int, int]:
    """How many full and partial synchronisations this life of a router has given."""
    stats = client.info("stats")
    return stats["sync_full"], stats["sync_partial_ok"]


def kill_everything(cluster: elixircache.LocalCluster) -> None:
    for pid in [cluster.supervisor_pid, *cluster.pids.values()]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Writer:
    """Writes of all kinds to a group, over and over, through errors and lost connections."""

    def __init__(self, cluster: elixircache.LocalCluster):
        self.cluster = cluster
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _run(self) -> None:
        client = self.cluster.client()
        number = 0
        while not self.over.is_set():
            number += 1
            try:
                with client.pipeline(transaction=False) as pipe:
                    for key in range(20):
                        pipe.incr(f"counted:{key}")
                    pipe.mset({"left": number, "middle": number, "right": number})
                    pipe.rpush("a list", number)
                    pipe.execute_command("SELECT", number % 2 * 3)
                    pipe.append("appended", "x")
                    pipe.execute_command("SELECT", 0)
                    pipe.rename("right", "moved")
                    pipe.execute()
            except redis.RedisError:
                pass  # what became of it is unknown, and the replica has to agree
        client.close()


def kill_routers(master: redis.Redis, cluster: elixircache.LocalCluster, rng: random.Random) -> None:
    """Again and again, under load; each time a replica goes on without a snapshot."""
    for number in range(5):
        with Writer(cluster):
            until(lambda before=master.info("stats")["total_commands_processed"]:
                  master.info("stats")["total_commands_processed"] > before + rng.randrange(500, 3000))  # fmt: skip
            if number % 2:  # the places are in other files than those before
                until(lambda: master.info("persistence")["aof_rewrite_in_progress"] == 0)
                master.bgrewriteaof()
            if number == 4:
                cluster.kill_shard(1)
            cluster.kill_router()
            cluster.wait_until_serving()
            until(lambda: syncs(master)[1] > 0)
        assert syncs(master) == (0, 1)
        until(lambda: master.execute_command("WAIT", 1, 1000) == 1)


def test_a_replica_goes_on_with_its_master_s_next_router(groups):
    master, replica = (group.client() for group in groups)
    fill(master)
    follow(replica, groups[0].port)
    name = master.info("replication")["master_replid"]
    kill_routers(master, groups[0], random.Random(1))
    assert state(replica) == state(master)
    assert master.info("replication")["master_replid"] == name
    replica.execute_command("REPLICAOF", "NO", "ONE")
    master.close()
    replica.close()


@pytest.mark.peer
def test_a_real_redis_goes_on_with_its_master_s_next_router(groups, tmp_path):
    master = groups[0].client()
    master.flushall()
    fill(master)
    with redis_server(tmp_path, "--replicaof", f"127.0.0.1 {groups[0].port}") as replica:
        until(lambda: replica.info("replication")["master_link_status"] == "up")
        kill_routers(master, groups[0], random.Random(2))
        assert state(replica) == state(master)
    master.close()


@pytest.mark.parametrize("ahead", [False, True])
def test_a_killed_master_that_comes_back_as_a_replica(groups, tmp_path, ahead):
    """Without a snapshot if it has nothing that the new master has not."""
    replica = groups[1].client()
    config = {"save": "", "repl-ping-replica-period": 3600, "repl-backlog-size": 32 << 20}
    with elixircache.LocalCluster(shards=SHARDS, directory=tmp_path, **config) as first:
        master = first.client()
        fill(master)
        follow(replica, first.port)
        with Writer(first):
            until(lambda: master.llen("a list") > 100)
        until(lambda: master.execute_command("WAIT", 1, 1000) == 1)
        before = master.info("replication")
        replica.execute_command("REPLICAOF", "NO", "ONE")
        if ahead:
            master.set("nobody", "has it")
        kill_everything(first)
        master.close()
    replica.set("of the new master", 1)
    with elixircache.LocalCluster(shards=SHARDS, directory=tmp_path, **config) as second:
        master = second.client()
        found = master.info("replication")
        assert found["master_replid2"] == before["master_replid"] != found["master_replid"]
        assert found["second_repl_offset"] == found["master_repl_offset"] + 1
        counts = syncs(replica)
        follow(master, groups[1].port)
        with Writer(groups[1]):
            until(lambda: master.get("of the new master") == b"1")
        until(lambda: replica.execute_command("WAIT", 1, 1000) == 1)
        assert state(master) == state(replica)
        full, partial = syncs(replica)
        assert (full - counts[0], partial - counts[1]) == ((1, 0) if ahead else (0, 1))
        master.close()
    replica.close()


def test_without_a_journal_a_new_router_begins_a_new_history(tmp_path):
    with (
        elixircache.LocalCluster(shards=SHARDS, save="", appendonly="no") as first,
        elixircache.LocalCluster(shards=1, save="") as second,
    ):
        master, replica = first.client(), second.client()
        fill(master)
        follow(replica, first.port)
        first.kill_router()
        first.wait_until_serving()
        until(lambda: master.set("after", 1))
        until(lambda: replica.get("after") == b"1")
        assert syncs(master)[0] == 1
        assert state(replica) == state(master)
        master.close()
        replica.close()
