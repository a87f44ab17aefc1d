"""The flows that applications have with redis-py, on RESP2 and RESP3."""

import threading
import time

import pytest
import redis


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(port, request):
    with redis.Redis(port=port, protocol=request.param, decode_responses=True) as client:
        client.flushall()
        yield client


def test_strings_with_expiry(client):
    assert client.set("a", "1", ex=100, nx=True) is True
    assert client.set("a", "2", nx=True) is None
    assert 95 < client.ttl("a") <= 100
    assert client.incrbyfloat("a", 0.5) == 1.5


def test_a_pipeline_that_is_a_transaction(client):
    with client.pipeline() as pipe:
        pipe.set("a", 1).incr("a").hset("h", mapping={"x": 1}).hgetall("h").zadd("z", {"m": 1.5}).zrange(
            "z", 0, -1, withscores=True
        )
        *first, scores = pipe.execute()
    assert first == [True, 2, 1, {"x": "1"}, 1]
    assert [tuple(pair) for pair in scores] == [("m", 1.5)]


def test_watch_makes_a_transaction_fail_when_another_client_was_faster(client, port):
    client.mset({"from": 10, "to": 0})
    with client.pipeline() as pipe, redis.Redis(port=port) as other:
        pipe.watch("from", "to")
        other.incr("to")
        pipe.multi()
        pipe.decrby("from", 5).incrby("to", 5)
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.mget("from", "to") == ["10", "1"]


def test_transaction_helper_counts_with_many_threads(client, port):
    def count():
        with redis.Redis(port=port) as mine:

            def step(pipe):
                value = int(pipe.get("n") or 0)
                pipe.multi()
                pipe.set("n", value + 1)

            for _ in range(20):
                mine.transaction(step, "n")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert client.get("n") == "80"


def test_publish_and_subscribe(client):
    with client.pubsub() as listener:
        listener.subscribe("news")
        listener.psubscribe("n*")
        seen = []
        deadline = time.monotonic() + 20
        published = False
        while len(seen) < 2 and time.monotonic() < deadline:
            message = listener.get_message(timeout=0.2)
            if message and message["type"].endswith("message"):
                seen.append((message["type"], message["channel"], message["data"]))
            elif message and message["type"] == "psubscribe" and not published:
                published = client.publish("news", "hello") == 2
        assert sorted(seen) == [("message", "news", "hello"), ("pmessage", "news", "hello")]


def test_a_blocking_pop_wakes_up(client, port):
    def push():
        with redis.Redis(port=port) as other:
            while not other.info("clients")["blocked_clients"]:
                time.sleep(0.01)
            other.lpush("jobs:2", "job")

    pusher = threading.Thread(target=push)
    pusher.start()
    assert list(client.blpop(["jobs:1", "jobs:2", "jobs:3"], timeout=60)) == ["jobs:2", "job"]
    pusher.join()
    begun = time.monotonic()
    assert client.blpop("jobs:1", timeout=0.3) is None
    assert 0.25 < time.monotonic() - begun


def test_a_lock_is_held_by_one(client):
    lock = client.lock("lock", timeout=10)
    assert lock.acquire(blocking=False)
    assert not client.lock("lock", timeout=10).acquire(blocking=False)
    lock.extend(10)
    lock.release()
    assert client.exists("lock") == 0


def test_a_registered_script(client):
    double = client.register_script("return redis.call('GET', KEYS[1]) * ARGV[1]")
    client.set("n", 21)
    assert double(keys=["n"], args=[2]) == 42


def test_a_consumer_group(client):
    client.xgroup_create("s", "g", mkstream=True)
    first, second = client.xadd("s", {"a": "1"}), client.xadd("s", {"a": "2"})
    reply = client.xreadgroup("g", "alice", {"s": ">"}, count=10)
    entries = reply["s"][0] if isinstance(reply, dict) else reply[0][1]
    assert [tuple(entry) for entry in entries] == [(first, {"a": "1"}), (second, {"a": "2"})]
    assert client.xack("s", "g", first) == 1
    assert client.xpending("s", "g")["pending"] == 1


def test_scan_iter_finds_every_key(client):
    client.mset({f"k{i}": i for i in range(300)})
    assert sorted(client.scan_iter("k*", count=20)) == sorted(f"k{i}" for i in range(300))


def test_info_client_list_and_config(client):
    assert client.info()["redis_version"]
    client.client_setname("mine")
    assert "mine" in [one["name"] for one in client.client_list()]
    assert "maxmemory" in client.config_get("max*")
    assert client.command_count() > 200


def test_errors_have_their_classes(client):
    client.set("a", "x")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.lpush("a", 1)
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command("NOSUCH")
    with pytest.raises(redis.exceptions.NoScriptError):
        client.evalsha("0" * 40, 0)
