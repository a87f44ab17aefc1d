"""Replication between real processes: our groups among themselves, and with a real redis-server on either side."""

from __future__ import annotations

import threading
import time

import pytest
import redis

import elixircache
from tests.processes.datasets import fill, state, work
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until

READONLY = "You can't write against a read only replica."


@pytest.fixture(scope="module")
def groups():
    """Two groups with different numbers of shards; each test says who follows whom."""
    with elixircache.LocalCluster(shards=2, save="") as first, elixircache.LocalCluster(shards=3, save="") as second:
        yield first, second


@pytest.fixture
def pair(groups):
    """(master, second) clients of two groups that follow nobody and are empty; the groups are `.group`."""
    clients = [group.client() for group in groups]
    for client, group in zip(clients, groups, strict=True):
        client.group = group
        client.execute_command("REPLICAOF", "NO", "ONE")
        client.flushall()
    yield clients
    for client in clients:
        client.close()


def follow(replica: redis.Redis, master: redis.Redis) -> None:
    """REPLICAOF, and wait until the link stands."""
    port = master.connection_pool.connection_kwargs["port"]
    replica.execute_command("REPLICAOF", "127.0.0.1", port)
    until(lambda: replica.execute_command("ROLE")[3] in (b"connected", "connected"))


def test_a_replica_group_of_another_size_gets_everything_and_then_the_stream(pair):
    master, replica = pair
    fill(master)
    replica.set("own", "is replaced by the master's data")
    master.function_load("#!lua name=twice\nredis.register_function{function_name='twice', callback=function(keys, args) "
                         "return 2 * args[1] end, flags={'no-writes'}}", replace=True)  # fmt: skip
    replica.function_load("#!lua name=own\nredis.register_function('own', function() return 1 end)", replace=True)
    follow(replica, master)
    assert replica.get("own") is None
    assert replica.fcall_ro("twice", 0, 21) == 42
    assert [library[1] for library in replica.function_list()] == [b"twice"]
    assert state(replica) == state(master)
    work(master, "stream")
    until(lambda: replica.get("stream:done") == b"stream")
    assert state(replica) == state(master)
    assert master.execute_command("WAIT", 1, 10_000) == 1
    role, offset, replicas = master.execute_command("ROLE")
    assert role == b"master" and len(replicas) == 1 and offset >= int(replicas[0][2]) > 0
    assert replica.execute_command("ROLE")[:4] == [b"slave", b"127.0.0.1", master.group.port, b"connected"]


def test_wait_counts_the_replicas_that_have_it(pair):
    master, replica = pair
    assert master.execute_command("WAIT", 1, 50) == 0
    follow(replica, master)
    for number in range(5):
        master.set("waited", number)
        assert master.execute_command("WAIT", 1, 10_000) == 1
        assert replica.get("waited") == str(number).encode()
    master.set("waited", "more")
    assert master.execute_command("WAIT", 2, 100) == 1


def test_a_replica_refuses_writes_until_it_is_promoted(pair):
    master, replica = pair
    master.set("a", 1)
    follow(replica, master)
    for command in (["SET", "a", 2], ["MSET", "a", 2, "b", 2, "c", 2], ["DEL", "a"], ["FLUSHALL"],
                    ["EVAL", "return redis.call('set', KEYS[1], 2)", 1, "a"]):  # fmt: skip
        with pytest.raises(redis.exceptions.ResponseError, match=READONLY):
            replica.execute_command(*command)
    assert replica.get("a") == b"1"
    assert replica.execute_command("REPLICAOF", "NO", "ONE") in (b"OK", True)
    assert replica.execute_command("ROLE")[0] == b"master"
    assert replica.set("a", 2) and replica.mset({"b": 2, "c": 2})
    until(lambda: master.execute_command("ROLE")[2] == [])
    assert (replica.mget("a", "b", "c"), master.mget("a", "b", "c")) == ([b"2"] * 3, [b"1", None, None])


def test_roles_can_be_exchanged(pair):
    first, second = pair
    fill(first)
    follow(second, first)
    assert first.execute_command("WAIT", 1, 10_000) == 1
    second.execute_command("REPLICAOF", "NO", "ONE")
    work(second, "exchanged")
    follow(first, second)
    until(lambda: first.get("exchanged:done") == b"exchanged")
    assert state(first) == state(second)


def test_writes_go_on_while_a_replica_synchronises(pair):
    master, replica = pair
    fill(master)
    master_port = master.group.port
    replica.execute_command("REPLICAOF", "127.0.0.1", master_port)
    for number in range(500):
        master.mset({"left": number, "middle": number, "right": number})
        seen = replica.mget("left", "middle", "right") if number % 10 == 0 else [None]
        assert len(set(seen)) == 1, f"half of a unit on the replica: {seen}"
    until(lambda: replica.mget("left", "middle", "right") == [b"499"] * 3)
    assert state(replica) == state(master)


def test_a_replica_converges_after_a_shard_of_its_master_is_killed(pair):
    master, replica = pair
    fill(master)
    follow(replica, master)
    for number in range(200):
        master.set(f"before:{number}", number)
    master.group.kill_shard(1)
    master.group.wait_until_serving()
    for number in range(200):
        until(lambda number=number: master.set(f"after:{number}", number))
    until(lambda: replica.get("after:199") == b"199" and replica.dbsize() == master.dbsize())
    until(lambda: state(replica) == state(master))


@pytest.mark.parametrize("killed", ["shard", "router"])
def test_a_replica_goes_on_where_it_was_after_a_process_of_its_own_is_killed(pair, killed):
    master, replica = pair
    fill(master)
    follow(replica, master)
    full = master.info("stats")["sync_full"]
    for number in range(2000):
        master.incr(f"counted:{number % 7}")
        if number == 1000:
            replica.group.kill_shard(0) if killed == "shard" else replica.group.kill_router()
    until(lambda: replica.get("counted:0") == master.get("counted:0") and replica.dbsize() == master.dbsize())
    assert state(replica) == state(master)
    assert master.info("stats")["sync_full"] == full


def test_a_replica_converges_after_its_master_s_router_is_killed(pair):
    master, replica = pair
    fill(master)
    follow(replica, master)
    master.group.kill_router()
    master.group.wait_until_serving()
    until(lambda: master.set("after", "router"))
    until(lambda: replica.get("after") == b"router")
    assert state(replica) == state(master)


@pytest.mark.peer
@pytest.mark.parametrize("diskless", ["disabled", "on-empty-db"])
def test_a_real_redis_server_follows_us(pair, tmp_path, diskless):
    master = pair[0]
    fill(master)
    port = str(master.group.port)
    with redis_server(tmp_path, "--replicaof", f"127.0.0.1 {port}", "--repl-diskless-load", diskless) as replica:
        until(lambda: replica.info("replication")["master_link_status"] == "up")
        assert state(replica) == state(master)
        work(master, "to redis")
        assert master.execute_command("WAIT", 1, 10_000) == 1
        assert state(replica) == state(master)
        with pytest.raises(redis.exceptions.ReadOnlyError):
            replica.set("a", 1)


@pytest.mark.peer
def test_we_follow_a_real_redis_server(pair, tmp_path):
    replica = pair[0]
    with redis_server(tmp_path) as master:
        fill(master)
        replica.set("own", "is replaced")
        follow(replica, master)
        assert state(replica) == state(master)
        work(master, "from redis")
        assert master.execute_command("WAIT", 1, 10_000) == 1
        assert state(replica) == state(master)
        with pytest.raises(redis.exceptions.ResponseError, match=READONLY):
            replica.set("a", 1)
        replica.execute_command("REPLICAOF", "NO", "ONE")
        assert replica.set("a", 1) and replica.dbsize() == master.dbsize() + 1


def test_a_wait_sent_in_one_breath_with_its_writes_covers_them(pair):
    master, replica = pair
    follow(replica, master)
    for number in range(20):
        with master.pipeline(transaction=False) as pipe:
            for key in range(10):
                pipe.set(f"breath:{key}", number)
            pipe.execute_command("WAIT", 1, 10_000)
            assert pipe.execute()[-1] == 1
        assert replica.mget(f"breath:{key}" for key in range(10)) == [str(number).encode()] * 10


def test_siblings_of_a_promoted_replica_go_on_with_it_without_a_snapshot(pair):
    master, replica = pair
    fill(master)
    follow(replica, master)
    with elixircache.LocalCluster(shards=1, save="") as third:
        sibling = third.client()
        follow(sibling, master)
        master.set("last", "of the old master")
        assert master.execute_command("WAIT", 2, 10_000) == 2
        before = replica.info("stats")["sync_full"]
        replica.execute_command("REPLICAOF", "NO", "ONE")
        follow(sibling, replica)
        work(replica, "new master")
        until(lambda: sibling.get("new master:done") == b"new master")
        assert state(sibling) == state(replica)
        assert replica.info("stats")["sync_full"] == before
        sibling.close()


def test_a_killed_shard_of_the_master_forces_no_snapshot_and_tears_nothing(pair):
    master, replica = pair
    fill(master)
    follow(replica, master)
    before = master.info("stats")["sync_full"]
    for round_number in range(4):
        done = threading.Event()

        def write(round_number: int = round_number, done: threading.Event = done) -> None:
            client = master.group.client()
            for number in range(2000):
                try:
                    with client.pipeline(transaction=False) as pipe:
                        pipe.incr("counter")
                        pipe.mset({"left": number, "middle": number, "right": number})
                        pipe.rpush(f"list:{round_number}", number)
                        pipe.execute()
                except redis.RedisError:
                    pass
                if done.is_set():
                    break
            client.close()

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.1)
        master.group.kill_shard(round_number % 2)
        master.group.wait_until_serving()
        done.set()
        writer.join()
    until(lambda: master.execute_command("WAIT", 1, 1000) == 1)
    assert state(replica) == state(master)
    assert master.info("stats")["sync_full"] == before


def test_a_replica_of_a_replica_gets_the_master_s_stream_byte_for_byte(pair):
    master, replica = pair
    fill(master)
    follow(replica, master)
    other = master.group.client(db=5)
    with elixircache.LocalCluster(shards=1, save="") as third:
        last = third.client()
        for number in range(300):  # another database is selected when the last one joins
            other.incr("counter")
            other.mset({"left": number, "right": number})
            if number == 150:
                last.execute_command("REPLICAOF", "127.0.0.1", replica.group.port)
        until(lambda: last.execute_command("ROLE")[3] in (b"connected", "connected"))
        for _ in range(100):
            other.incr("counter")
        work(master, "chain")
        until(lambda: last.get("chain:done") == b"chain")
        assert master.execute_command("WAIT", 1, 10_000) == 1
        assert state(replica) == state(master)
        assert state(last) == state(master)
        assert third.client(db=5).get("counter") == other.get("counter") == b"400"
        until(lambda: len({each.info("replication")["master_repl_offset"] for each in (master, replica, last)}) == 1)
        last.close()
    other.close()


def test_the_end_of_a_burst_is_not_left_lying_until_more_comes(pair):
    master, replica = pair
    follow(replica, master)
    master.config_set("repl-ping-replica-period", 3600)  # more comes only then
    pipe = master.pipeline(transaction=False)
    for number in range(5000):  # by turns on other shards: more runs than a connection may have under way
        pipe.set(f"burst:{number}", number)
    for number in range(30):
        pipe.mset({f"unit:{key}": number for key in range(100)})
    pipe.execute()
    assert master.execute_command("WAIT", 1, 20_000) == 1
    master.config_set("repl-ping-replica-period", 10)
    assert replica.get("burst:4999") == b"4999"
    assert replica.get("unit:99") == b"29"


def test_the_backlog_s_size_can_be_changed_and_disks_are_waited_for(pair):
    master, replica = pair
    follow(replica, master)
    master.set("large", bytes(300_000))
    assert master.execute_command("WAITAOF", 1, 1, 5000) == [1, 1]
    master.config_set("repl-backlog-size", 100_000)
    found = master.info("replication")
    assert found["repl_backlog_size"] == found["repl_backlog_histlen"] == 100_000
    master.config_set("repl-backlog-size", 1 << 20)
    master.set("large", bytes(300_000))
    assert master.info("replication")["repl_backlog_histlen"] > 400_000


@pytest.mark.alone
def test_commands_and_units_of_many_megabytes_come_through(pair):
    master, replica = pair
    follow(replica, master)
    large = b"0123456789abcdef" * (9 << 16)
    master.set("large", large)
    with master.pipeline() as unit:
        for number in range(3):
            unit.set(f"large:{number}", large)
        unit.execute()
    assert master.execute_command("WAIT", 1, 30_000) == 1
    assert [replica.get(key) == large for key in ("large", "large:0", "large:1", "large:2")] == [True] * 4


def syncs(client: redis.Redis) -> tuple[int, int]:
    """How many full and partial synchronisations a master has given."""
    stats = client.info("stats")
    return stats["sync_full"], stats["sync_partial_ok"]


def test_a_master_that_becomes_its_replica_s_replica_needs_no_snapshot_unless_it_wrote_meanwhile(pair):
    master, replica = pair
    master.mset({"a": 1, "b": 2, "c": 3})
    follow(replica, master)
    master.incr("a")
    assert master.execute_command("WAIT", 1, 10_000) == 1
    replica.execute_command("REPLICAOF", "NO", "ONE")
    full, partial = syncs(replica)
    replica.incr("a")
    follow(master, replica)
    until(lambda: master.get("a") == b"3")
    assert syncs(replica) == (full, partial + 1)
    master.execute_command("REPLICAOF", "NO", "ONE")
    master.incr("b")
    replica.incr("c")
    follow(master, replica)
    assert master.mget("a", "b", "c") == [b"3", b"2", b"4"]
    assert syncs(replica) == (full + 1, partial + 1)


@pytest.mark.peer
def test_a_master_goes_on_as_the_replica_of_a_promoted_redis_server_without_a_snapshot(pair, tmp_path):
    master = pair[0]
    master.mset({"a": 1, "b": 2, "c": 3})
    with redis_server(tmp_path) as real:
        follow(real, master)
        master.incr("a")
        assert master.execute_command("WAIT", 1, 10_000) == 1
        real.execute_command("REPLICAOF", "NO", "ONE")
        real.incr("a")
        follow(master, real)
        until(lambda: master.get("a") == b"3")
        assert syncs(real) == (0, 1)
        master.execute_command("REPLICAOF", "NO", "ONE")
