"""The programs that live on Lua: RQ, redis-py's locks, Redlock, rate limiters. On a cluster of two shards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis

rq = pytest.importorskip("rq", reason="RQ is not installed")


@pytest.fixture
def client(port: int) -> Iterator[redis.Redis]:
    with redis.Redis(port=port, socket_timeout=20) as connection:
        connection.flushall()
        yield connection


def add(one: int, two: int) -> int:
    return one + two


def fail() -> None:
    raise ValueError("on purpose")


def test_rq_runs_jobs_in_order_with_dependencies_retries_and_failures(client: redis.Redis) -> None:
    queue = rq.Queue("work", connection=client)
    first = queue.enqueue(add, 2, 3)
    second = queue.enqueue(add, 10, 20, depends_on=first)
    broken = queue.enqueue(fail)
    many = [queue.enqueue(add, i, i) for i in range(20)]
    worker = rq.SimpleWorker([queue], connection=client)
    worker.work(burst=True, logging_level="ERROR")
    assert first.return_value() == 5
    assert second.return_value() == 30
    assert [job.return_value() for job in many] == [2 * i for i in range(20)]
    assert broken.get_status(refresh=True) == "failed"
    assert queue.failed_job_registry.get_job_ids() == [broken.id]
    assert queue.count == 0


def test_a_lock_keeps_threads_out_of_each_others_way(client: redis.Redis) -> None:
    inside = 0
    most = 0
    entered = 0

    def work() -> None:
        nonlocal inside, most, entered
        for _ in range(20):
            with client.lock("the-lock", timeout=10, sleep=0.002):
                inside += 1
                most = max(most, inside)
                entered += 1
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, entered) == (1, 80)


def test_a_lock_is_extended_reacquired_and_released_by_its_owner_only(client: redis.Redis) -> None:
    lock = client.lock("owned", timeout=5)
    assert lock.acquire(blocking=False)
    assert not client.lock("owned").acquire(blocking=False)
    assert lock.extend(10)
    assert 10_000 < client.pttl("owned") <= 15_000
    assert lock.reacquire()
    assert client.pttl("owned") <= 5_000
    client.set("owned", "somebody else")
    with pytest.raises(redis.exceptions.LockNotOwnedError):
        lock.release()
    assert client.get("owned") == b"somebody else"


RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


def test_redlock_takes_several_resources_at_once(client: redis.Redis) -> None:
    """Redlock as its specification has it: SET NX PX, and a script that deletes what is still one's own."""
    names = [f"resource:{i}" for i in range(8)]
    for name in names:
        assert client.set(name, "mine", nx=True, px=5000)
        assert not client.set(name, "other", nx=True, px=5000)
    release = client.register_script(RELEASE)
    assert [release(keys=[name], args=["other"]) for name in names] == [0] * 8
    assert [release(keys=[name], args=["mine"]) for name in names] == [1] * 8
    assert client.exists(*names) == 0


SLIDING_WINDOW = """
local now, window, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) >= limit then return {0, redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]} end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], window)
return {1, limit - redis.call('ZCARD', KEYS[1])}
"""

TOKEN_BUCKET = """
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local rate, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tokens = math.min(burst, (tonumber(state[1]) or burst) + rate * (now - (tonumber(state[2]) or now)))
local allowed = tokens >= 1
if allowed then tokens = tokens - 1 end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate))
return {allowed and 1 or 0, tostring(tokens)}
"""


def test_rate_limiters(client: redis.Redis) -> None:
    window = client.register_script(SLIDING_WINDOW)
    taken = [window(keys=["user:7"], args=[1000 + i, 100, 3, f"id{i}"]) for i in range(5)]
    assert taken == [[1, 2], [1, 1], [1, 0], [0, b"1000"], [0, b"1000"]]
    assert window(keys=["user:7"], args=[1100, 100, 3, "later"]) == [1, 0]
    bucket = client.register_script(TOKEN_BUCKET)
    assert [bucket(keys=["b"], args=[0.5, 2, now]) for now in (0, 0, 0, 3)] == [
        [1, b"1"],
        [1, b"0"],
        [0, b"0"],
        [1, b"0.5"],
    ]


def test_the_limits_library(port: int, client: redis.Redis) -> None:
    limits = pytest.importorskip("limits", reason="the library `limits` is not installed")
    from limits.storage import RedisStorage
    from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

    storage = RedisStorage(f"redis://127.0.0.1:{port}")
    rate = limits.parse("3/minute")
    for strategy in (FixedWindowRateLimiter(storage), MovingWindowRateLimiter(storage)):
        started = time.monotonic()
        assert [strategy.hit(rate, type(strategy).__name__) for _ in range(5)] == [True, True, True, False, False]
        assert time.monotonic() - started < 30
