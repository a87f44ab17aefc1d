"""Clients at work over four shards while shards and the router are ended by kill -9: money is neither made nor lost."""

from __future__ import annotations

import contextlib
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
from tests.processes.chaos import kill_at_random
from tests.processes.waiting import until

SHARDS = 4
BAGS = [f"bag:{number}" for number in range(8)]
LUMPS = [f"lump:{number}" for number in range(4)]  # one of them is there, and large: it goes in pieces
LUMP = 40_000
TOKENS = [f"token:{number}" for number in range(64)]
ACCOUNTS = [f"account:{number}" for number in range(16)]
EACH = 1000


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=SHARDS, save="") as cluster:
        yield cluster


def test_money_and_acknowledged_increments_survive_kills(cluster):
    with cluster.client() as client:
        client.mset(dict.fromkeys(ACCOUNTS, EACH))
        client.sadd(BAGS[0], *TOKENS)
        client.sadd(LUMPS[0], *(f"member:{number}" for number in range(LUMP)))
    stop = threading.Event()
    problems: list[str] = []
    counted: dict[str, tuple[int, int]] = {}
    done = {"transfers": 0, "moves": 0, "passes": 0, "audits": 0}
    lugs = 0

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

    def hand_on(client: redis.Redis, rng: random.Random) -> None:
        """A token goes from one set to another; now and then a whole set to where there is none."""
        giver, taker = rng.sample(BAGS, 2)
        if rng.random() < 0.3:
            with contextlib.suppress(redis.ResponseError):  # no such key
                client.renamenx(giver, taker)
        else:
            client.smove(giver, taker, rng.choice(client.srandmember(giver, 1) or TOKENS))
        done["passes"] += 1

    def lug(client: redis.Redis, rng: random.Random) -> None:
        nonlocal lugs
        with contextlib.suppress(redis.ResponseError):  # no such key
            lugs += client.renamenx(*rng.sample(LUMPS, 2))
        time.sleep(0.1)

    def audit(client: redis.Redis, rng: random.Random) -> None:
        with client.pipeline() as unit:
            for bag in (*BAGS, *LUMPS):
                unit.scard(bag)
            tokens = sum(unit.execute()) - LUMP
        if tokens != len(TOKENS):
            problems.append(f"an audit found {tokens} tokens")
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

    works = [transfer, transfer, move, hand_on, hand_on, lug, audit, *(count(f"counter:{number}") for number in range(3))]
    threads = [connected(work, seed) for seed, work in enumerate(works)]
    try:
        kills = kill_at_random(cluster, SHARDS, 7, 5)
        # A slow machine may have restarted processes most of the time.
        until(lambda: lugs > 0 and min([*done.values(), *(sure for _, sure in counted.values())]) > 3, 30)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    cluster.wait_until_serving()
    with cluster.client() as client:
        assert not problems
        assert sum(int(found) for found in client.mget(ACCOUNTS)) == EACH * len(ACCOUNTS)
        assert sorted(client.sunion(BAGS)) == sorted(token.encode() for token in TOKENS)
        assert sorted(client.scard(lump) for lump in LUMPS) == [0, 0, 0, LUMP]
        for name, (tried, acknowledged) in counted.items():
            assert acknowledged <= int(client.get(name)) <= tried
    assert kills > 3
