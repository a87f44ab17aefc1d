"""A bank transfer written once in Lua and once in Python, over random keys of four shards, under kill -9 of shards
and router: the balance is kept, and no transfer is half done. Beside it, in another database, a script that empties all
shards and fills them anew, and transactions that count what is there: never a part of it."""

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
from tests.processes.waiting import until

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


PARTS = [f"part:{number}" for number in range(12)]
RENEW = """
redis.call('FLUSHDB')
for number = 0, 11 do redis.call('SET', 'part:' .. number, ARGV[1]) end
return redis.call('DBSIZE')
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

        renewed = 0

        def renew() -> None:
            nonlocal renewed
            number = 0
            while not stop.is_set():
                with contextlib.suppress(redis.RedisError, OSError):
                    with cluster.client(retry=Retry(NoBackoff(), 0), socket_timeout=20, db=5) as client:
                        while not stop.is_set():
                            number += 1
                            if client.eval(RENEW, 0, number) != 12:
                                problems.append("a renewed database has another size")
                            renewed = number
                            pipeline = client.pipeline().rename("part:0", "moved").keys("*").dbsize().rename("moved", "part:0")
                            _, names, size, _ = pipeline.execute()
                            if len(names) != 12 or size != 12:
                                problems.append(f"a transaction saw {size}: {names}")
                            time.sleep(0.01)
                time.sleep(0.02)

        def audit() -> None:
            while not stop.is_set():
                with contextlib.suppress(redis.RedisError, OSError), cluster.client(socket_timeout=20) as client:
                    total = sum(int(found) for found in client.mget(ACCOUNTS))
                    if total != EACH * len(ACCOUNTS):
                        problems.append(f"an audit found {total}")
                    with cluster.client(socket_timeout=20, db=5) as other:
                        if len(set(other.mget(PARTS))) != 1:
                            problems.append("a part of a renewed database")
                time.sleep(0.05)

        threads = [threading.Thread(target=work, args=(kind, i)) for i, kind in enumerate(["lua", "python"] * 2)]
        threads += [threading.Thread(target=audit), threading.Thread(target=renew)]
        for thread in threads:
            thread.start()
        try:
            kills = kill_at_random(cluster, 4, 3, 4)
            # A slow machine may have restarted processes most of the time.
            until(lambda: min(acknowledged.values()) > 10 and min(refused.values()) > 0 and renewed > 3, 30)
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
                assert int(client.get(f"count:{kind}")) == client.llen(f"journal:{kind}") >= sure
        with cluster.client(db=5) as client:
            (number,) = set(client.mget(PARTS))
            assert int(number) >= renewed
            assert client.dbsize() == 12
        assert kills > 3
