"""Large streams with consumer groups move between shards in pieces: nothing that can be seen of them changes."""

from __future__ import annotations

from typing import Any

import pytest
import redis

import elixircache
from cluster.slots import slot_map, slot_of
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until

SHARDS = 2
ENTRIES = 20_000
TIMES = ("seen-time", "active-time")
IN_MEMORY = ("radix-tree-keys", "radix-tree-nodes")


@pytest.fixture
def cluster():
    with elixircache.LocalCluster(shards=SHARDS, save="") as cluster:
        yield cluster


def key_of(shard: int, name: str) -> str:
    owners = slot_map(SHARDS)
    return next(key for i in range(1000) if owners[slot_of((key := f"{name}:{i}").encode())] == shard)


def value(number: int) -> str:
    return f"value:{number}".ljust(60, ".")


def fill(client: Any, key: str) -> None:
    """A stream of more than 1 MiB: most of it is pending, in two groups, and part of that is gone."""
    with client.pipeline(transaction=False) as pipe:
        for number in range(1, ENTRIES + 1):
            pipe.xadd(key, {"field": value(number)}, id=f"{number}-1")
        pipe.execute()
    for group in ("early", "late"):
        client.xgroup_create(key, group, id="0")
    for consumer in ("one", "other") * 3:
        client.xreadgroup("early", consumer, {key: ">"}, count=3000)
    client.xreadgroup("late", "one", {key: ">"}, count=500)
    client.xgroup_createconsumer(key, "late", "new")
    client.xclaim(key, "early", "third", 0, ["4000-1", "9000-1"])
    client.xack(key, "early", "5000-1", "5001-1")
    client.xdel(key, "9000-1", "9001-1")
    client.xtrim(key, minid="1000-0", approximate=False)


def told(client: Any, key: str, *but: str) -> Any:
    """All that a stream says of itself."""

    def without(said: Any) -> Any:
        if isinstance(said, list):
            return [without(word) for word in said]
        if not isinstance(said, dict):
            return said
        return {name: without(word) for name, word in said.items() if name not in (*but, *IN_MEMORY)}

    return without(client.execute_command("XINFO", "STREAM", key, "FULL", "COUNT", 0))


def connect(cluster: Any) -> Any:
    return cluster.client(protocol=3, decode_responses=True, socket_timeout=60)


def connect_to(client: Any) -> Any:
    """Another client of the same server, whose replies are read as those of a cluster's are."""
    port = client.connection_pool.connection_kwargs["port"]
    return redis.Redis(port=port, protocol=3, decode_responses=True)


@pytest.mark.peer
def test_a_stream_that_moves_is_the_same_on_its_new_shard_after_a_restart_and_on_a_real_redis(cluster, tmp_path):
    source, target, copy = key_of(0, "from"), key_of(1, "to"), key_of(0, "copy")
    with connect(cluster) as client, redis_server(tmp_path, "--replicaof", f"127.0.0.1 {cluster.port}") as replica:
        until(lambda: replica.info("replication")["master_link_status"] == "up")
        fill(client, source)
        assert client.memory_usage(source) > 1 << 20
        before = told(client, source)
        assert before["groups"][0]["pel-count"] > 15_000 and before["groups"][0]["consumers"][0]["active-time"] > 0
        assert client.rename(source, target)
        assert not client.exists(source)
        assert told(client, target) == before
        assert client.copy(target, copy)
        assert told(client, copy) == told(client, target) == before

        client.wait(1, 10_000)
        with connect_to(replica) as following:
            for key in (target, copy):
                assert told(following, key, *TIMES) == told(client, key, *TIMES)
    cluster.kill_shard(1)
    cluster.wait_until_serving()
    with connect(cluster) as client:
        assert told(client, target, *TIMES) == told(client, copy, *TIMES)
        assert client.xreadgroup("late", "new", {target: ">"}, count=1) == {target: [[("1000-1", {"field": value(1000)})]]}


def test_a_group_reads_large_streams_of_two_shards_at_once(cluster):
    keys = key_of(0, "one"), key_of(1, "other")
    with connect(cluster) as client:
        for key in keys:
            fill(client, key)
        before = [told(client, key, *TIMES) for key in keys]
        for first in (1000, 1002):
            found = client.xreadgroup("late", "new", dict.fromkeys(keys, ">"), count=2)
            assert found == {key: [[(f"{i}-1", {"field": value(i)}) for i in (first, first + 1)]] for key in keys}
        for key, was in zip(keys, before, strict=True):
            now = told(client, key, *TIMES)
            assert now["groups"][0] == was["groups"][0] and now["entries"] == was["entries"]
            assert now["groups"][1]["pel-count"] == was["groups"][1]["pel-count"] + 4
            assert client.xpending_range(key, "late", "-", "+", 10, "new")[3]["message_id"] == "1003-1"
