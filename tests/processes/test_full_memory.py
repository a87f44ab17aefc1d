"""`maxmemory` without eviction, over several shards: what is refused is refused whole, and as Redis words it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

import elixircache
from cluster.slots import slot_map, slot_of

OWNERS = slot_map(2)
A, B = (next(key for i in range(99) if OWNERS[slot_of((key := f"key:{i}").encode())] == shard) for shard in (0, 1))


@pytest.fixture(scope="module")
def cluster() -> Iterator[elixircache.LocalCluster]:
    with elixircache.LocalCluster(shards=2, save="") as running:
        yield running


@pytest.fixture
def full(cluster: elixircache.LocalCluster) -> Iterator[redis.Redis]:
    """A client of a group that has a list on each shard and no room."""
    with cluster.client() as client:
        client.flushall()
        client.rpush(A, "x")
        client.rpush(B, "x")
        client.config_set("maxmemory", 2)
        yield client
        client.config_set("maxmemory", 0)


@pytest.mark.parametrize("line", [f"MSET {A} 1 {B} 2", f"COPY {A} {B} REPLACE", f"RPOPLPUSH {A} {B}", f"BITOP NOT {A} {B}",
                                  f"SUNIONSTORE {A} {B}", f"SET {A} 1", "FUNCTION LOAD x"])  # fmt: skip
def test_what_needs_memory_is_refused_whole(full: redis.Redis, line: str) -> None:
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        full.execute_command(*line.split())
    assert (full.lrange(A, 0, -1), full.lrange(B, 0, -1)) == ([b"x"], [b"x"])


def test_what_needs_none_is_served(full: redis.Redis) -> None:
    assert full.delete(A, B) == 2
    assert full.dbsize() == 0


def test_a_transaction_is_not_queued(cluster: elixircache.LocalCluster, full: redis.Redis) -> None:
    with redis.Redis(port=cluster.port, single_connection_client=True) as client:
        assert client.execute_command("MULTI")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.execute_command("GET", A)
        with pytest.raises(redis.exceptions.ExecAbortError, match="because of previous errors"):
            client.execute_command("EXEC")


def test_a_transaction_that_was_queued_before_is_given_up(cluster: elixircache.LocalCluster, full: redis.Redis) -> None:
    full.config_set("maxmemory", 0)
    with redis.Redis(port=cluster.port, single_connection_client=True) as client:
        for line in ("MULTI", f"LPUSH {A} y", f"LPUSH {B} y"):
            client.execute_command(*line.split())
        full.config_set("maxmemory", 2)
        with pytest.raises(redis.exceptions.ExecAbortError, match="because of: OOM command not allowed"):
            client.execute_command("EXEC")
        with pytest.raises(redis.ResponseError, match="EXEC without MULTI"):
            client.execute_command("EXEC")
        assert client.llen(A) == client.llen(B) == 1
        for line in ("MULTI", f"LPOP {A}", f"LPOP {B}"):
            full.config_set("maxmemory", 0)
            client.execute_command(*line.split())
        full.config_set("maxmemory", 2)
        assert client.execute_command("EXEC") == [b"x", b"x"]


def test_there_is_room_again(full: redis.Redis) -> None:
    full.delete(A, B)
    full.config_set("maxmemory", 0)
    assert full.mset({A: 1, B: 2})
