"""MIGRATE from a group of shards to a real Redis."""

import pytest
import redis

import elixircache
from tests.processes.real_redis import redis_server


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with elixircache.LocalCluster(shards=3) as cluster, redis_server(tmp_path_factory.mktemp("target")) as target:
        yield cluster.client(), target, str(target.connection_pool.connection_kwargs["port"])


@pytest.fixture
def ends(both):
    source, target, port = both
    source.flushall()
    target.flushall()
    return source, target, port


def test_keys_of_several_shards_move_with_their_types_and_expiry(ends):
    source, target, port = ends
    source.set("text", "value", ex=1000)
    source.rpush("list", *range(300))
    source.hset("hash", mapping={"field": "value"})
    source.zadd("zset", {"a": 1.5})
    names = ["text", "list", "hash", "zset", "nothing"]
    assert source.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 2000, "KEYS", *names) == b"OK"
    assert source.exists(*names) == 0
    assert target.get("text") == b"value" and 990 < target.ttl("text") <= 1000
    assert target.llen("list") == 300 and target.hgetall("hash") == {b"field": b"value"}
    assert target.zrange("zset", 0, -1, withscores=True) == [(b"a", 1.5)]


def test_copy_leaves_the_key_and_a_taken_name_is_an_error(ends):
    source, target, port = ends
    source.set("key", "new")
    target.set("key", "old")
    with pytest.raises(redis.ResponseError, match="Target instance replied with error: BUSYKEY"):
        source.execute_command("MIGRATE", "127.0.0.1", port, "key", 0, 1000)
    assert source.get("key") == b"new" and target.get("key") == b"old"
    assert source.execute_command("MIGRATE", "127.0.0.1", port, "key", 0, 1000, "COPY", "REPLACE") == b"OK"
    assert source.get("key") == target.get("key") == b"new"


def test_what_the_target_took_is_gone_and_the_rest_stays(ends):
    source, target, port = ends
    source.mset({"one": 1, "two": 2, "three": 3})
    target.set("two", "taken")
    with pytest.raises(redis.ResponseError, match="BUSYKEY"):
        source.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 1000, "KEYS", "one", "two", "three")
    assert [source.exists(name) for name in ("one", "two", "three")] == [0, 1, 0]
    assert target.mget("one", "two", "three") == [b"1", b"taken", b"3"]


def test_no_key_no_target_and_bad_words(ends):
    source, _, port = ends
    assert source.execute_command("MIGRATE", "127.0.0.1", port, "nothing", 0, 1000) == b"NOKEY"
    source.set("key", "value")
    with pytest.raises(redis.ResponseError, match="IOERR error or timeout"):
        source.execute_command("MIGRATE", "127.0.0.1", elixircache.free_port(), "key", 0, 500)
    with pytest.raises(redis.ResponseError, match="syntax error"):
        source.execute_command("MIGRATE", "127.0.0.1", port, "key", 0, 500, "SIDEWAYS")
    with pytest.raises(redis.ResponseError, match="must be set to the empty string"):
        source.execute_command("MIGRATE", "127.0.0.1", port, "key", 0, 500, "KEYS", "key")
    assert source.get("key") == b"value"
    assert source.incr("counter") == 1  # the shards are free again
