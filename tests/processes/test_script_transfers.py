"""A bank transfer written once in Lua and once in Python, over random keys of four shards, under kill -9 of shards
and router: the balance is kept, and no transfer is half done."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import elixircache
from tests.processes.chaos import kill_at_random

ACCOUNTS = [f"bank:{number}" for number in range(24)]
EACH = 1000

LUA = """
local amount = tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1])) < amount then return redis.error_reply('POOR not enough') end
redis.call('DECRBY', KEYS[1], amount)
redis.call('RPUSH', KEYS[3], KEYS[1] .. '>' .. KEYS[2])
redis.call('INCRBY', KEYS[2], amount)
return redis.call('INCR', KEYS[4])
"""


@elixircache.function
def transfer(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
    giver, taker, journal, count = keys
    db.decrby(giver, int(args[0]))
    if int(db.get(giver)) < 0:
        raise ValueError("not enough")  # the decrement is undone
    db.rpush(journal, giver + b">" + taker)
    db.incrby(taker, int(args[0]))
    return db.incr(count)


def test_transfers_in_lua_and_python_keep_the_balance_under_kill(tmp_path: Any) -> None:
    with elixircache.LocalCluster(shards=4, directory=tmp_path, appendonly=True) as cluster:
        with cluster.client() as client:
            client.mset(dict.fromkeys(ACCOUNTS, EACH))
        stop = threading.Event()
        acknowledged = {"lua": 0, "python": 0}
        refused = {"lua": 0, "python": 0}
        problems: list[str] = []

        def work(kind: str, seed: int) -> None:
            rng = random.Random(seed)
            while not stop.is_set():
                with contextlib.suppress(redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, OSError):
                    with cluster.client(retry=Retry(NoBackoff(), 0), socket_timeout=20) as client:
                        script = client.register_script(LUA)
                        while not stop.is_set():
                            giver, taker = rng.sample(ACCOUNTS, 2)
                            keys, amount = [giver, taker, f"journal:{kind}", f"count:{kind}"], rng.randint(0, 900)
                            try:
                                script(keys, [amount]) if kind == "lua" else transfer(client, keys, [amount])
                                acknowledged[kind] += 1
                            except redis.ResponseError as error:
                                text = str(error)
                                if "not enough" in text:
                                    refused[kind] += 1
                                elif "SHARDDOWN" not in text and "LOADING" not in text:
                                    problems.append(text)
                time.sleep(0.02)

        def audit() -> None:
            while not stop.is_set():
                with contextlib.suppress(redis.RedisError, OSError), cluster.client(socket_timeout=20) as client:
                    total = sum(int(found) for found in client.mget(ACCOUNTS))
                    if total != EACH * len(ACCOUNTS):
                        problems.append(f"an audit found {total}")
                time.sleep(0.05)

        threads = [threading.Thread(target=work, args=(kind, i)) for i, kind in enumerate(["lua", "python"] * 2)]
        threads.append(threading.Thread(target=audit))
        for thread in threads:
            thread.start()
        try:
            kills = kill_at_random(cluster, 4, 3, 4)
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        cluster.wait_until_serving()
        with cluster.client() as client:
            balances = [int(found) for found in client.mget(ACCOUNTS)]
            assert not problems
            assert sum(balances) == EACH * len(ACCOUNTS)
            assert min(balances) >= 0
            for kind, sure in acknowledged.items():
                # Each transfer wrote its count and its line: both or none.
                assert int(client.get(f"count:{kind}")) == client.llen(f"journal:{kind}") >= sure > 10
                assert refused[kind] > 0
        assert kills > 3
