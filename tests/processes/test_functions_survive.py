"""Libraries and Python functions are data: they reach replicas, where those that only read run, and are there after a
restart, also from a rewritten journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis

import elixircache
from tests.processes.waiting import until

LIBRARY = """#!lua name=lib
redis.register_function('twice', function(keys, args) redis.call('SET', keys[1], 2 * args[1]) return 2 * args[1] end)
redis.register_function{
  function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}"""
KEYS = ("a", "b", "c", "d")  # on both shards


def raise_by(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
    return db.incrby(keys[0], int(args[0]))


COUNTING = """#!lua name=counting
redis.register_function{function_name='count', callback=function() return redis.call('DBSIZE') end, flags={'no-writes'}}
"""


def total(db: Any, keys: list[bytes], args: list[bytes]) -> int:
    return sum(int(value) for value in db.mget(keys))


def refused(client: redis.Redis, *command: Any) -> str:
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command(*command)
    return str(caught.value)


def test_functions_reach_replicas_and_are_there_after_a_restart(tmp_path: Path) -> None:
    blob = elixircache.pack(raise_by)
    with elixircache.LocalCluster(shards=2, directory=tmp_path, appendonly=True, replicas=1) as cluster:
        client = cluster.client()
        client.function_load(LIBRARY)
        client.function_load(COUNTING)
        client.execute_command("PY.LOAD", "raise_by", blob, "DESCRIPTION", "adds")
        client.execute_command("PY.LOAD", "total", elixircache.pack(total))
        for key in KEYS:
            assert client.execute_command("PY.CALL", "raise_by", 1, key, 5) == 5
        assert client.fcall("twice", 1, "a", 4) == 8
        assert client.execute_command("WAIT", 1, 10_000) == 1
        check_replica(cluster.replicas[0].client())
        check_stale_replica(cluster.replicas[0].client())
        client.execute_command("BGREWRITEAOF")
        until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    with elixircache.LocalCluster(shards=2, directory=tmp_path, appendonly=True) as cluster:
        client = cluster.client()
        assert client.fcall("twice", 1, "a", 21) == 42
        assert client.fcall("count", 1, "b") == 4
        for key in KEYS[1:]:
            assert client.execute_command("PY.CALL", "raise_by", 1, key, 5) == 10
        assert client.execute_command("PY.CALL_RO", "total", 4, *KEYS) == 72
        assert client.execute_command("PY.DUMP", "raise_by") == blob


def check_replica(replica: redis.Redis) -> None:
    """Both kinds are there; what only reads runs, on one shard and over several, and writes are refused."""
    assert len(replica.function_list()) == 2 and len(replica.execute_command("PY.LIST")) == 2
    assert replica.fcall_ro("look", 1, "a") == b"8"
    assert replica.fcall("look", 1, "b") == b"5"
    assert replica.fcall("count", 1, "b") == replica.eval_ro("return #redis.call('KEYS', '*')", 0) == 4
    read = "local sum = 0 for _, key in ipairs(KEYS) do sum = sum + redis.call('GET', key) end return sum"
    assert replica.eval_ro(read, 1, "b") == 5
    assert replica.eval_ro(read, 4, *KEYS) == replica.eval(read, 4, *KEYS) == 23
    assert replica.evalsha_ro(replica.script_load(read), 2, "b", "c") == 10
    assert replica.execute_command("PY.CALL_RO", "total", 1, "c") == 5
    assert replica.execute_command("PY.CALL_RO", "total", 4, *KEYS) == 23
    assert replica.execute_command("PY.CALL", "total", 4, *KEYS) == 23
    assert "You can't write against a read only replica." in refused(replica, "PY.CALL", "raise_by", 1, "a", 1)
    assert "Write commands are not allowed from read-only" in refused(replica, "PY.CALL_RO", "raise_by", 1, "a", 1)
    assert "You can't write against a read only replica." in refused(replica, "FCALL", "twice", 1, "a", 1)
    assert "You can't write against a read only replica." in refused(replica, "FCALL_RO", "twice", 1, "a")
    write = "return redis.call('SET', KEYS[1], 'x')"
    assert "You can't write against a read only replica." in refused(replica, "EVAL", write, 1, "a")
    assert "Write commands are not allowed from read-only scripts" in refused(replica, "EVAL_RO", write, 1, "a")
    assert replica.mget(*KEYS) == [b"8", b"5", b"5", b"5"]


def master_down(replica: redis.Redis) -> bool:
    try:
        replica.get("a")
    except redis.exceptions.MasterDownError:
        return True
    return False


def check_stale_replica(replica: redis.Redis) -> None:
    """Without its master it runs only scripts that say `allow-stale`, and in these what does not look at data; the
    texts are those of redis-server 7.0.15."""
    master = replica.info("replication")
    replica.config_set("replica-serve-stale-data", "no")
    replica.replicaof("127.0.0.1", elixircache.free_port())
    down = "Link with MASTER is down and replica-serve-stale-data is set to 'no'."
    until(lambda: master_down(replica))
    read, ping = "return redis.call('GET', KEYS[1])", "return redis.call('CONFIG', 'HELP')"
    assert down in refused(replica, "EVAL", read, 1, "a")
    assert down in refused(replica, "EVAL", read, 4, *KEYS)
    assert down in refused(replica, "EVAL", f"#!lua flags=no-writes\n{read}", 1, "a")
    assert down in refused(replica, "FCALL", "look", 1, "a")
    assert down in refused(replica, "PY.CALL_RO", "total", 1, "a")
    assert "You can't write against a read only replica." in refused(replica, "EVAL", f"#!lua\n{read}", 1, "a")
    brave = "#!lua flags=no-writes,allow-stale\n"
    assert "Can not execute the command on a stale replica" in refused(replica, "EVAL", brave + read, 1, "a")
    assert "Can not execute the command on a stale replica" in refused(replica, "EVAL", brave + read, 4, *KEYS)
    assert len(replica.eval(brave + ping, 1, "a")) > 5
    replica.replicaof(master["master_host"], master["master_port"])
    until(lambda: replica.eval(read, 1, "a") == b"8")
