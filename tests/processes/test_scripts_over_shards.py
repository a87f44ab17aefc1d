"""Scripts on a running group: known everywhere, on keys of any shards, ended when they run too long."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

import elixircache
from cluster.slots import slot_map, slot_of

SHARDS = 4
OWNERS = slot_map(SHARDS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[elixircache.LocalCluster]:
    with elixircache.LocalCluster(shards=SHARDS) as running:
        yield running


@pytest.fixture
def client(cluster: elixircache.LocalCluster) -> Iterator[redis.Redis]:
    with cluster.client(socket_timeout=30) as connection:
        connection.flushall()
        yield connection


def key_on(shard: int, stem: str = "key") -> str:
    """A key that this shard owns."""
    return next(name for i in range(10_000) if OWNERS[slot_of((name := f"{stem}:{i}").encode())] == shard)


def sha(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def test_a_script_that_one_shard_ran_is_known_to_all(client: redis.Redis) -> None:
    text = "return 'everywhere ' .. #KEYS"
    pipeline = client.pipeline(transaction=False)
    pipeline.eval(text, 1, key_on(0))
    for shard in range(SHARDS):  # in the same pipeline: nothing waits for the EVAL
        pipeline.evalsha(sha(text), 1, key_on(shard))
    assert pipeline.execute() == [b"everywhere 1"] * (SHARDS + 1)
    assert client.script_exists(sha(text)) == [True]
    assert client.evalsha(sha(text), 2, key_on(1), key_on(2)) == b"everywhere 2"


def test_a_script_of_a_transaction_is_known_to_all(client: redis.Redis) -> None:
    text = "return 'from multi'"
    with client.pipeline() as pipeline:
        pipeline.eval(text, 1, key_on(1))
        pipeline.execute()
    assert [client.evalsha(sha(text), 1, key_on(shard)) for shard in range(SHARDS)] == [b"from multi"] * SHARDS


def test_script_flush_forgets_everywhere_and_eval_brings_it_back(client: redis.Redis) -> None:
    text = "return 'again'"
    client.eval(text, 1, key_on(0))
    client.script_flush()
    for shard in range(SHARDS):
        with pytest.raises(redis.exceptions.NoScriptError):
            client.evalsha(sha(text), 1, key_on(shard))
    client.eval(text, 1, key_on(2))
    assert client.evalsha(sha(text), 1, key_on(3)) == b"again"


def test_what_does_not_compile_is_known_to_nobody(client: redis.Redis, cluster: elixircache.LocalCluster) -> None:
    for _ in range(2):
        with pytest.raises(redis.ResponseError, match="Error compiling script"):
            client.eval("retrn", 1, key_on(0))
    assert client.script_exists(sha("retrn")) == [False]


def test_scripts_outlive_the_restart_of_a_shard_and_of_the_router(cluster: elixircache.LocalCluster) -> None:
    text = "return 'still here'"
    client = cluster.client(socket_timeout=30)
    client.eval(text, 1, key_on(0))
    cluster.kill_shard(1)
    cluster.wait_until_serving()
    assert client.evalsha(sha(text), 1, key_on(1)) == b"still here"
    cluster.kill_router()
    cluster.wait_until_serving()
    cluster.kill_shard(0)  # the new router has asked the shards, so it can hand the script over
    cluster.wait_until_serving()
    client = cluster.client(socket_timeout=30)
    assert [client.evalsha(sha(text), 1, key_on(shard)) for shard in range(SHARDS)] == [b"still here"] * SHARDS


UNDECLARED = """
local total = 0
for i = 1, tonumber(ARGV[1]) do
  local key = 'undeclared:' .. i
  total = total + tonumber(redis.call('GET', key) or 0)
  redis.call('INCRBY', key, i)
end
redis.call('DEL', 'undeclared:1')
return total
"""


def test_an_undeclared_key_of_another_shard_is_an_error_that_names_it(client: redis.Redis) -> None:
    here, there = key_on(0), key_on(1)
    with pytest.raises(redis.ResponseError, match=f"key '{there}' was not declared and lives on another shard"):
        client.eval("return redis.call('GET', ARGV[1])", 1, here, there)
    far = key_on(2)
    with pytest.raises(redis.ResponseError, match=f"key '{far}' was not declared and lives on another shard"):
        client.eval("return redis.call('GET', ARGV[1])", 2, here, there, far)


def test_allow_undeclared_keys_runs_a_script_on_whatever_keys_it_touches(client: redis.Redis) -> None:
    client.config_set("allow-undeclared-keys", "yes")
    try:
        assert client.eval(UNDECLARED, 0, 40) == 0
        assert client.eval(UNDECLARED, 0, 40) == sum(range(2, 41))
        assert [int(client.get(f"undeclared:{i}") or 0) for i in range(1, 41)] == [0, *(2 * i for i in range(2, 41))]
        client.rpush(key_on(1, "list"), "a", "b")
        moved = "return redis.call('LMOVE', ARGV[1], ARGV[2], 'LEFT', 'RIGHT')"
        assert client.eval(moved, 1, key_on(0), key_on(1, "list"), key_on(2, "list")) == b"a"
        assert client.lrange(key_on(2, "list"), 0, -1) == [b"a"]
        assert client.lrange(key_on(1, "list"), 0, -1) == [b"b"]
        client.set(key_on(3, "brief"), "x", px=1)
        time.sleep(0.01)
        assert client.eval_ro("return redis.call('GET', ARGV[1])", 1, key_on(0), key_on(3, "brief")) is None
        with client.pipeline() as pipeline:
            pipeline.set(key_on(0), 5)
            pipeline.eval("return redis.call('INCR', ARGV[1])", 1, key_on(1), key_on(0))
            pipeline.get(key_on(0))
            assert pipeline.execute() == [True, 6, b"6"]
        with pytest.raises(redis.ResponseError, match="concerns every shard"):
            client.eval("return redis.call('KEYS', '*')", 0)

        def python(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
            return db.incrby(args[0], 10)

        assert elixircache.function(python)(client, [key_on(1)], [key_on(0)]) == 16
    finally:
        client.config_set("allow-undeclared-keys", "no")


def test_undeclared_keys_are_isolated_from_everybody_else(client: redis.Redis, cluster: elixircache.LocalCluster) -> None:
    client.config_set("allow-undeclared-keys", "yes")
    one, two = key_on(1, "left"), key_on(2, "right")
    swap = "redis.call('DECR', ARGV[1]) redis.call('INCR', ARGV[2]) return 1"
    seen: list[list[bytes | None]] = []
    stop = threading.Event()

    def look() -> None:
        with cluster.client() as mine:
            while not stop.is_set():
                seen.append(mine.mget(one, two))

    client.mset({one: 0, two: 0})
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(200):
            client.eval(swap, 1, key_on(0), one, two)
    finally:
        stop.set()
        watcher.join()
        client.config_set("allow-undeclared-keys", "no")
    assert client.mget(one, two) == [b"-200", b"200"]
    assert len(seen) > 5
    assert all(int(left or 0) + int(right or 0) == 0 for left, right in seen)
