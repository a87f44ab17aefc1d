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
from cluster.command_table import TABLE
from cluster.command_table.model import F
from cluster.slots import slot_map, slot_of
from tests.processes.real_redis import redis_server

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
        assert key_on(0).encode() in client.eval("return redis.call(ARGV[1], '*')", 0, "KEYS")

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


# -- commands on the whole keyspace, and those that the router answers --------------------------------------

WHOLE = [
    "return redis.call('DBSIZE')",
    "redis.call('SET', 'made', 1) redis.call('DEL', 'k:1') redis.call('GET', 'nothing') return redis.call('DBSIZE')",
    "redis.call('SET', 'made', 1) redis.call('DEL', 'k:1') redis.call('APPEND', 'k:2', 'x') return redis.call('KEYS', '*')",
    "local names = redis.call('KEYS', 'k:1?') for _, name in ipairs(names) do redis.call('DEL', name) end return #names",
    "redis.call('SET', 'k:7', 7, 'PX', 90000) redis.call('PEXPIREAT', 'k:8', 1) return redis.call('KEYS', 'k:[78]')",
    "redis.call('DEL', unpack(redis.call('KEYS', 'k:*'))) return {tostring(redis.call('RANDOMKEY')), redis.call('DBSIZE')}",
    "redis.call('SET', 'early', 1) redis.call('FLUSHALL') redis.call('SET', 'late', 2) "
    "return {redis.call('KEYS', '*'), redis.call('DBSIZE'), redis.call('RANDOMKEY'), redis.call('GET', 'k:1')}",
    "redis.call('FLUSHDB') return redis.call('SCAN', 0)",
    "redis.call('SET', 'made', 1) redis.call('SWAPDB', 0, 1) redis.call('SET', 'other', 2) redis.call('SELECT', 1) "
    "return {redis.call('DBSIZE'), redis.call('GET', 'made'), redis.call('GET', 'k:1'), redis.call('EXISTS', 'other')}",
    "redis.call('RPUSH', 'list', 1, 2) redis.call('SWAPDB', 0, 1) redis.call('SWAPDB', 1, 2) redis.call('SELECT', 2) "
    "redis.call('COPY', 'list', 'copy', 'DB', 0) redis.call('FLUSHDB') return redis.call('DBSIZE')",
    """
    redis.call('SET', 'made', 1) redis.call('DEL', 'k:2') redis.call('SADD', 'k:set', 1)
    local found, cursor = {}, '0'
    repeat
      local page = redis.call('SCAN', cursor, 'COUNT', 9)
      cursor = page[1]
      for _, name in ipairs(page[2]) do table.insert(found, name) end
    until cursor == '0'
    return found""",
    """
    redis.call('SADD', 'a set', 1) redis.call('DEL', 'k:3') redis.call('SADD', 'k:3', 1)
    local found, cursor = {}, '0'
    repeat
      local page = redis.call('SCAN', cursor, 'TYPE', 'set', 'MATCH', '*[3t]')
      cursor = page[1]
      for _, name in ipairs(page[2]) do found[name] = true end
    until cursor == '0'
    local names = {} for name in pairs(found) do table.insert(names, name) end
    return names""",
]


def unordered(value: Any) -> Any:
    """A reply whose lists have no order."""
    return sorted(map(unordered, value), key=repr) if isinstance(value, list) else value


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with redis_server(tmp_path_factory.mktemp("redis")) as client:
        yield client


def contents(client: redis.Redis) -> list[Any]:
    """All keys of three databases with what they hold."""
    text = (
        "local all = {} for db = 0, 2 do redis.call('SELECT', db) for _, name in ipairs(redis.call('KEYS', '*')) do "
        "table.insert(all, {db, name, redis.call('TYPE', name).ok, redis.call('PTTL', name) > 0}) end end return all"
    )
    return unordered(client.eval(text, 0))


@pytest.mark.parametrize("script", WHOLE)
def test_commands_on_the_whole_keyspace_do_in_scripts_what_they_do_on_redis(
    client: redis.Redis, oracle: redis.Redis, script: str
) -> None:
    outcomes = []
    for server in (client, oracle):
        server.flushall()
        server.mset({f"k:{i}": i for i in range(40)})
        outcomes.append((unordered(server.eval(script, 0)), contents(server)))
    assert outcomes[0] == outcomes[1]
    assert client.dbsize() == oracle.dbsize()


def test_a_transaction_that_moves_data_may_read_and_swap_whole_databases(client: redis.Redis, oracle: redis.Redis) -> None:
    replies = []
    for server in (client, oracle):
        server.flushall()
        server.mset({f"k:{i}": i for i in range(9)})
        pipeline = server.pipeline()
        pipeline.rename("k:0", "moved").dbsize().keys("*").execute_command("SCAN", 0, "COUNT", 1000)
        pipeline.delete(*[f"k:{i}" for i in range(1, 9)]).randomkey().swapdb(0, 1).get("moved").swapdb(0, 1).get("moved")
        pipeline.flushall().randomkey()
        replies.append([reply for reply in pipeline.execute() if not isinstance(reply, tuple)])
        assert server.dbsize() == 0
    assert unordered(replies[0]) == unordered(replies[1])
    client.mset({f"k:{i}": i for i in range(9)})
    pipeline = client.pipeline()
    pipeline.set("k:9", 9).execute_command("SCAN", 0).execute_command("SET", "k:10", 10).swapdb(0, 1).get("k:9")
    assert pipeline.execute()[-1] is None
    client.swapdb(0, 1)
    assert client.dbsize() == 11


def test_what_a_script_counts_is_one_moment_of_all_shards(client: redis.Redis, cluster: elixircache.LocalCluster) -> None:
    stop = threading.Event()

    def write() -> None:
        with cluster.client() as mine:
            number = 0
            while not stop.is_set():
                number += 1
                names = [f"pair:{number}:{i}" for i in range(2)]
                mine.mset(dict.fromkeys(names, 1))
                if number % 2:
                    mine.delete(*names)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        script = "return {redis.call('DBSIZE'), #redis.call('KEYS', 'pair:*'), redis.call('DBSIZE')}"
        counts = [client.eval(script, 0) for _ in range(60)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert all(size == names == again and size % 2 == 0 for size, names, again in counts)
    assert len({size for size, _, _ in counts}) > 3


LIBRARY = "#!lua name=whole\nredis.register_function('count', function(keys, args) return redis.call('dbsize') end)"


def test_functions_on_the_whole_keyspace_are_known_before_they_run(
    client: redis.Redis, cluster: elixircache.LocalCluster
) -> None:
    def count(db: Any, keys: list[bytes], args: list[bytes]) -> list[int]:
        return [db.dbsize(), len(db.keys("*")), len(list(db.scan_iter())), len(db.execute("KEYS", "*"))]

    def empty(db: Any, keys: list[bytes], args: list[bytes]) -> None:
        db.set("more", 1)
        db.swapdb(0, 1)
        db.flushall()
        db.set("after", 1)
        raise ValueError(db.dbsize())

    ship = elixircache.function(count)
    client.mset({f"k:{i}": i for i in range(20)})
    client.function_load(LIBRARY, replace=True)
    assert ship(client) == [20] * 4
    with pytest.raises(redis.ResponseError, match="PYERR ValueError: 1"):
        elixircache.function(empty)(client)
    assert client.dbsize() == 20
    text = "return redis.call('DBSIZE') + 0"
    assert client.eval(text, 1, key_on(0)) == 20
    cluster.kill_shard(1)
    cluster.wait_until_serving()
    cluster.kill_router()
    cluster.wait_until_serving()
    client = cluster.client(socket_timeout=30)
    assert client.evalsha(sha(text).upper(), 1, key_on(1)) == 20
    assert client.fcall("count", 1, key_on(0)) == 20
    assert ship(client, [key_on(2)]) == [20] * 4
    client.function_delete("whole")
    other = LIBRARY.replace("redis.call('dbsize')", "7")
    client.function_load(other)
    assert client.fcall("count", 1, key_on(0)) == 7


def test_a_name_that_is_made_while_the_script_runs_is_an_error_that_says_so(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="the script's text does not show that it is called"):
        client.eval("return redis.call(ARGV[1])", 1, key_on(0), "DBSIZE")
    with pytest.raises(redis.ResponseError, match="the script's text does not show that it is called"):
        client.eval("return redis.call(ARGV[1])", 2, key_on(0), key_on(1), "FLUSHALL")


def test_a_script_knows_how_many_get_what_it_publishes(client: redis.Redis, cluster: elixircache.LocalCluster) -> None:
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("news")
    listener.psubscribe("n*")
    while not client.execute_command("PUBSUB", "NUMPAT"):
        time.sleep(0.01)
    assert client.eval("return {redis.call('PUBLISH', 'news', 'a'), redis.call('PUBLISH', 'olds', 'b')}", 0) == [2, 0]
    found = [listener.get_message(timeout=5) for _ in range(4)]
    assert {message["data"] for message in found if message} == {b"a"}
    listener.close()


# Replies that tell of the server itself: their texts and figures differ, not whether there is one.
OWN = {
    "COMMAND", "COMMAND|COUNT", "COMMAND|DOCS", "COMMAND|INFO", "COMMAND|LIST", "INFO", "LASTSAVE", "LOLWUT",
    "MEMORY|DOCTOR", "MEMORY|MALLOC-STATS", "MEMORY|STATS", "MEMORY|USAGE", "OBJECT|IDLETIME", "SLOWLOG|GET",
    "SLOWLOG|LEN", "TIME",
}  # fmt: skip
# A shard cannot connect to another server while it is in a script; and CLUSTER answers for clients that want slots.
UNLIKE = {"MIGRATE", "SHUTDOWN"}


def test_scripts_may_call_what_they_may_call_on_redis(client: redis.Redis, oracle: redis.Redis) -> None:
    client.config_set("allow-undeclared-keys", "yes")
    differences = []
    try:
        oracle.flushall()
        for row in TABLE.values():
            if row.flags & F.INTERNAL or row.group in ("python", "cluster") or row.name in UNLIKE:
                continue
            words = row.name.lower().split("|")
            words += ["0"] * (abs(row.arity) - len(words))
            if row.name in ("SCAN", "RANDOMKEY"):  # no key, so that there is one answer
                client.flushall()
                oracle.flushall()
            replies = []
            for server in (oracle, client):
                try:
                    replies.append(unordered(server.eval("return redis.call(unpack(ARGV))", 0, *words)))
                except redis.ResponseError as error:
                    replies.append(str(error))
            if "Unknown Redis command" in str(replies[0]):
                continue  # newer than this redis-server
            if row.name in OWN and not any(isinstance(reply, str) for reply in replies):
                continue
            if row.name == "SCAN" and replies == [[[], b"0"], [[], b"1"]]:  # cursors are a server's own
                continue
            if replies[0] != replies[1]:
                differences.append((row.name, *replies))
    finally:
        client.config_set("allow-undeclared-keys", "no")
    assert not differences
