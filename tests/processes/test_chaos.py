"""Clients at work over four shards while shards and the router are ended by kill -9: money is neither made nor lost.

CHAOS_S is how long it kills, in seconds (`make crash`: 60).
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import elixircache

CHAOS_S = float(os.environ.get("CHAOS_S", 5))
ACCOUNTS = [f"account:{number}" for number in range(16)]
EACH = 1000


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=4, save="") as cluster:
        yield cluster


def test_money_and_acknowledged_increments_survive_kills(cluster):
    with cluster.client() as client:
        client.mset(dict.fromkeys(ACCOUNTS, EACH))
    stop = threading.Event()
    problems: list[str] = []
    counted: dict[str, tuple[int, int]] = {}
    done = {"transfers": 0, "moves": 0, "audits": 0}

    def connected(work: Callable[[redis.Redis, random.Random], Any], seed: int) -> threading.Thread:
        """A client that goes on with a new connection whenever an outcome is unknown; it never tries twice."""

        def run() -> None:
            rng = random.Random(seed)
            while not stop.is_set():
                with contextlib.suppress(redis.RedisError, OSError):
                    with cluster.client(retry=Retry(NoBackoff(), 0), socket_timeout=20) as client:
                        while not stop.is_set():
                            work(client, rng)
                time.sleep(0.02)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def transfer(client: redis.Redis, rng: random.Random) -> None:
        giver, taker = rng.sample(ACCOUNTS, 2)
        with client.pipeline() as unit:
            unit.watch(giver, taker)
            has, gets = (int(found) for found in unit.mget(giver, taker))
            amount = rng.randint(0, max(has, 0))
            unit.multi()
            unit.mset({giver: has - amount, taker: gets + amount})
            unit.execute()
        done["transfers"] += 1

    def move(client: redis.Redis, rng: random.Random) -> None:
        giver, taker = rng.sample(ACCOUNTS, 2)
        with client.pipeline() as unit:
            unit.decrby(giver, 1)
            unit.incrby(taker, 1)
            unit.execute()
        done["moves"] += 1

    def audit(client: redis.Redis, rng: random.Random) -> None:
        total = sum(int(found) for found in client.mget(ACCOUNTS))
        if total != EACH * len(ACCOUNTS):
            problems.append(f"an audit found {total}")
        done["audits"] += 1

    def count(name: str) -> Callable[[redis.Redis, random.Random], None]:
        def work(client: redis.Redis, rng: random.Random) -> None:
            tried, acknowledged = counted.get(name, (0, 0))
            counted[name] = (tried + 1, acknowledged)
            client.incr(name)
            counted[name] = (tried + 1, acknowledged + 1)

        return work

    works = [transfer, transfer, move, audit, *(count(f"counter:{number}") for number in range(3))]
    threads = [connected(work, seed) for seed, work in enumerate(works)]
    try:
        rng = random.Random(7)
        end = time.monotonic() + CHAOS_S
        kills = 0
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.1, 0.6))
            victim = rng.choice(["router", *range(4)])
            with contextlib.suppress(KeyError, ProcessLookupError):  # it has not come back yet
                cluster.kill_router() if victim == "router" else cluster.kill_shard(victim)
                kills += 1
        cluster.wait_until_serving()
        time.sleep(0.5)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    cluster.wait_until_serving()
    with cluster.client() as client:
        assert not problems
        assert sum(int(found) for found in client.mget(ACCOUNTS)) == EACH * len(ACCOUNTS)
        for name, (tried, acknowledged) in counted.items():
            assert acknowledged <= int(client.get(name)) <= tried
    assert kills > 3 and min(done.values()) > 10 and all(acknowledged > 10 for _, acknowledged in counted.values())
