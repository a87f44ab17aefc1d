"""Planned failover, roles that survive a restart, what a master without replicas and a replica without master refuse."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis

import elixircache
from tests.processes.cut_proxy import CutProxy
from tests.processes.datasets import fill, state, work
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until

ROOT = Path(__file__).parents[2]


def cli(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def pair():
    """A master group and a replica group; a test that changes the roles changes them back."""
    with elixircache.LocalCluster(shards=2, replicas=1, save="") as master:
        yield master, master.replicas[0]


def roles(*groups: elixircache.LocalCluster) -> list[bytes]:
    return [group.client().role()[0] for group in groups]


def switch(old: elixircache.LocalCluster, new: elixircache.LocalCluster) -> None:
    old.client().execute_command("FAILOVER", "TIMEOUT", 10_000)
    until(lambda: roles(old, new) == [b"slave", b"master"] and old.client().role()[3] == b"connected")


def full_syncs(*groups: elixircache.LocalCluster) -> int:
    return sum(group.client().info("stats")["sync_full"] for group in groups)


def test_a_planned_failover_loses_no_write_and_needs_no_snapshot(pair):
    master, replica = pair
    syncs = full_syncs(*pair)
    written: list[int] = []
    stop = threading.Event()

    def write() -> None:
        """One counter on three shards' worth of keys, written to whoever takes writes."""
        clients = [group.client(retry=None) for group in pair]
        while not stop.is_set():
            for client in clients:
                with contextlib.suppress(redis.RedisError):
                    client.mset({name: len(written) + 1 for name in ("a", "b", "c")})
                    written.append(client.incr("count"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: len(written) > 50)
        done = cli("failover", "--port", str(master.port))
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"127.0.0.1:{replica.port} is the master now; 127.0.0.1:{master.port} follows it\n"
        seen = len(written)
        until(lambda: len(written) > seen + 50)
    finally:
        stop.set()
        writer.join()
    assert roles(*pair) == [b"slave", b"master"]
    assert written == sorted(set(written)) and int(replica.client().get("count")) == written[-1]
    assert replica.client().wait(1, 10_000) == 1
    assert state(master.client()) == state(replica.client())
    assert full_syncs(*pair) == syncs
    switch(replica, master)


def test_a_planned_failover_of_idle_groups_needs_no_snapshot_either(pair):
    """The replica has confirmed everything before it is asked: what asks it is on its way when it takes over."""
    for old, new in (pair, pair[::-1]):
        syncs = full_syncs(*pair)
        assert old.client().wait(1, 10_000) == 1
        until(lambda old=old: old.client().info("replication")["slave0"]["offset"] == old.client().role()[1])
        switch(old, new)
        assert full_syncs(*pair) == syncs
        assert new.client().set("after", new.port)
        until(lambda old=old, new=new: old.client().get("after") == b"%d" % new.port)


def test_failover_says_why_it_cannot_be(pair):
    master, replica = pair
    cases = {
        ("TO", "127.0.0.1", 1): "target HOST and PORT is not a replica",
        ("TIMEOUT", 0): "timeout must be greater than 0",
        ("FORCE",): "force option requires both a timeout and target",
        ("SOON",): "syntax error",
        ("ABORT",): "No failover in progress",
    }
    for words, text in cases.items():
        with pytest.raises(redis.ResponseError, match=text):
            master.client().execute_command("FAILOVER", *words)
    with pytest.raises(redis.ResponseError, match="not valid when server is a replica"):
        replica.client().execute_command("FAILOVER")
    assert cli("failover", "--port", str(replica.port)).returncode == 1


def test_a_failover_that_nobody_can_take_is_given_up_and_writes_go_on(pair):
    """The replica is there but hears nothing, so it cannot catch up."""
    master, _ = pair
    with CutProxy(master.port) as way:
        with elixircache.LocalCluster(shards=1, save="", replicaof=f"127.0.0.1 {way.port}") as deaf:
            until(lambda: deaf.client().role()[3] == b"connected")
            way.hold()
            master.client().set("key", 1)
            to = ["TO", "127.0.0.1", deaf.port]
            master.client().execute_command("FAILOVER", *to, "TIMEOUT", 60_000)
            with pytest.raises(redis.ResponseError, match="already in progress"):
                master.client().execute_command("FAILOVER")
            assert master.client().info("replication")["master_failover_state"] == "waiting-for-sync"
            assert master.client().execute_command("FAILOVER", "ABORT") in (b"OK", True)
            assert master.client().set("key", 2)
            began = time.monotonic()
            master.client().execute_command("FAILOVER", *to, "TIMEOUT", 400)
            assert master.client().set("key", 3)  # waits until it is given up
            assert time.monotonic() - began > 0.3
            assert master.client().info("replication")["master_failover_state"] == "no-failover"


def test_the_role_of_the_moment_survives_a_router_s_death(pair):
    master, replica = pair
    switch(master, replica)
    for group in pair:
        group.kill_router()
    for group in pair:
        group.wait_until_serving()
    assert roles(*pair) == [b"slave", b"master"]
    until(lambda: master.client().role()[3] == b"connected")
    switch(replica, master)


def test_min_replicas_and_stale_data(pair):
    master, replica = pair
    client = master.client()
    client.config_set("min-replicas-to-write", 2)
    with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
        client.set("a", 1)
    with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
        client.eval("return redis.call('set', KEYS[1], 1)", 1, "a")
    assert client.get("nothing") is None
    client.config_set("min-replicas-to-write", 1)
    assert client.set("a", 1) and client.info("replication")["min_slaves_good_slaves"] == 1
    client.config_set("min-replicas-to-write", 0)
    replica.client().config_set("replica-serve-stale-data", "no")
    try:
        assert replica.client().config_get("replica-serve-stale-data")
        replica.client().execute_command("REPLICAOF", "127.0.0.1", elixircache.free_port())
        with pytest.raises(redis.exceptions.MasterDownError):
            replica.client().get("a")
        assert replica.client().info("replication")["master_link_status"] == "down"
    finally:
        replica.client().execute_command("REPLICAOF", "127.0.0.1", master.port)
        replica.client().config_set("replica-serve-stale-data", "yes")
    until(lambda: replica.client().role()[3] == b"connected")


def test_a_client_that_waits_for_a_push_is_let_go_when_its_master_becomes_a_replica(pair):
    master, replica = pair
    problems: list[str] = []

    def wait() -> None:
        try:
            master.client(retry=None).blpop("never", 30)
        except redis.ResponseError as error:
            problems.append(str(error))

    waiter = threading.Thread(target=wait)
    waiter.start()
    until(lambda: master.client().info("clients")["blocked_clients"] == 1)
    switch(master, replica)
    waiter.join(10)
    assert problems and problems[0].startswith("UNBLOCKED")
    replica.client().rpush("never", "x")
    assert replica.client().wait(1, 10_000) == 1 and master.client().llen("never") == 1
    switch(replica, master)


def test_a_message_published_at_the_master_reaches_the_replica_s_listeners(pair):
    master, replica = pair
    listener = replica.client().pubsub(ignore_subscribe_messages=True)
    listener.subscribe("news")
    listener.get_message(timeout=5)
    master.client().publish("news", "hello")
    got = until(lambda: listener.get_message(timeout=1))
    assert got["data"] == b"hello"
    listener.close()
    assert master.client().wait(1, 10_000) == 1


def test_config_rewrite_keeps_the_role_for_the_next_start(tmp_path):
    file = tmp_path / "elixircache.conf"
    file.write_text("# ours\nsave \"\"\n")
    port = elixircache.free_port()
    options = {"config": file, "directory": tmp_path / "data", "port": elixircache.free_port()}
    with elixircache.LocalCluster(shards=1, **options) as group:
        group.client().execute_command("REPLICAOF", "127.0.0.1", port)
        assert group.client().config_rewrite()
    assert f"replicaof 127.0.0.1 {port}\n" in file.read_text()
    with elixircache.LocalCluster(shards=1, **options) as group:
        assert group.client().role()[:3] == [b"slave", b"127.0.0.1", port]
        group.client().execute_command("REPLICAOF", "NO", "ONE")
        assert group.client().config_rewrite()
    assert "replicaof" not in file.read_text()


@pytest.mark.parametrize("replica_is", ["elixircache", pytest.param("redis", marks=pytest.mark.peer)])
def test_a_short_cut_is_bridged_without_a_snapshot(pair, tmp_path, replica_is):
    """The link is cut three times in the middle of what is being written, also within units over several shards."""
    master, _ = pair
    fill(master.client())
    with CutProxy(master.port) as way, contextlib.ExitStack() as stack:
        master.client().config_set("repl-ping-replica-period", 3600)
        stack.callback(master.client().config_set, "repl-ping-replica-period", 10)
        if replica_is == "redis":
            client = stack.enter_context(redis_server(tmp_path, "--replicaof", f"127.0.0.1 {way.port}"))
        else:
            group = elixircache.LocalCluster(shards=3, save="", replicaof=f"127.0.0.1 {way.port}")
            client = stack.enter_context(group).client()
        until(lambda: client.info("replication")["master_link_status"] == "up")
        syncs = full_syncs(master)
        for number in range(3):
            for step in range(200):
                master.client().mset({f"cut:{key}": f"{number}:{step}" for key in range(20)})
                if step == 100:
                    way.cut()
                    way.resume()
            work(master.client(), f"cut {number}")
        # What came in one piece after the cut is applied without waiting for the master's next PING.
        until(lambda: master.client().wait(2, 1000) == 2)
        assert state(client) == state(master.client())
        assert full_syncs(master) == syncs
        assert client.info("replication")["master_link_status"] == "up"


def test_a_slow_replica_slows_nobody_and_synchronises_anew(pair):
    """Its output is bounded: over the limit its link is closed, and the backlog does not have what it lacks."""
    master, _ = pair
    client = master.client()
    client.config_set("client-output-buffer-limit", "replica 2mb 0 0")
    with CutProxy(master.port) as way, elixircache.LocalCluster(shards=1, save="", replicaof=f"127.0.0.1 {way.port}") as slow:
        until(lambda: slow.client().role()[3] == b"connected")
        syncs = full_syncs(master)
        way.pace = 50_000
        way.refuse()  # it may hear at once that its link has been closed
        began = time.monotonic()
        for number in range(300):
            client.set(f"large:{number % 20}", bytes(100_000))
        assert time.monotonic() - began < 60  # at its pace it would be ten minutes
        until(lambda: client.info("replication")["connected_slaves"] == 1)
        assert client.info("memory")["mem_clients_slaves"] < 20 << 20
        way.resume()
        way.cut()
        way.resume()
        until(lambda: client.wait(2, 1000) == 2, 30)
        assert full_syncs(master) > syncs
        assert state(slow.client()) == state(client)
    client.config_set("client-output-buffer-limit", "replica 256mb 64mb 60")


def test_a_half_open_link_is_noticed_and_failover_by_force_does_without_it(pair):
    master, _ = pair
    with CutProxy(master.port) as way:
        options = {"save": "", "repl_timeout": 2, "replicaof": f"127.0.0.1 {way.port}"}
        master.client().config_set("repl-ping-replica-period", 1)
        with elixircache.LocalCluster(shards=1, **options) as group:
            until(lambda: group.client().role()[3] == b"connected")
            way.hold()
            until(lambda: group.client().info("replication")["master_link_status"] == "down")  # and not in a minute
            way.resume()
            until(lambda: group.client().role()[3] == b"connected")
            until(lambda: master.client().wait(2, 1000) == 2)
            way.hold()
            master.client().set("not", "replicated to this one")
            words = ["FAILOVER", "TO", "127.0.0.1", group.port, "FORCE", "TIMEOUT", 300]
            master.client().execute_command(*words)
            until(lambda: roles(master, group) == [b"slave", b"master"])
            until(lambda: master.client().role()[3] == b"connected")
            assert master.client().get("not") is None  # the price of force
            assert group.client().set("written", "to the new master")
            until(lambda: master.client().get("written") == b"to the new master")
            master.client().execute_command("REPLICAOF", "NO", "ONE")
        master.client().config_set("repl-ping-replica-period", 10)
        until(lambda: master.client().wait(1, 1000) == 1)


def test_a_sibling_of_the_replica_that_takes_over_needs_no_snapshot(pair):
    """It stays with its old master, which is a replica now; what asked for confirmations all of them have, or nobody."""
    master, replica = pair
    with elixircache.LocalCluster(shards=1, save="") as sibling:
        sibling.client().execute_command("REPLICAOF", "127.0.0.1", master.port)
        until(lambda: master.client().wait(2, 1000) == 2)
        syncs = full_syncs(master, replica)
        for old, new in ((master, replica), (replica, master)):
            for number in range(200):
                old.client().incrby("siblings", number)
            old.client().execute_command("FAILOVER", "TO", "127.0.0.1", new.port, "TIMEOUT", 10_000)
            until(lambda old=old, new=new: roles(old, new) == [b"slave", b"master"] and old.client().role()[3] == b"connected")
            new.client().set("by", new.port)
            until(lambda new=new: sibling.client().get("by") == b"%d" % new.port)
            assert full_syncs(master, replica) == syncs
        assert state(sibling.client()) == state(master.client())
