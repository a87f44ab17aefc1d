"""Many clients at once with operations over shards: each gets the replies to its own commands.

LARGE_MEMBERS is the size of the collections that move between shards (`make large`: 1,000,000).
"""

import os
import threading
import time

import pytest
import redis

import elixircache
from cluster.slots import slot_map, slot_of

SHARDS = 3
LARGE_MEMBERS = int(os.environ.get("LARGE_MEMBERS", 100_000))


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=SHARDS) as cluster:
        yield cluster


def key_of(shard, name):
    owners = slot_map(SHARDS)
    return next(key for i in range(1000) if owners[slot_of((key := f"{name}:{i}").encode())] == shard)


def test_a_set_and_its_rename_over_shards_keep_their_order_for_each_of_many_clients(cluster):
    failures = []

    def work(port, number):
        with redis.Redis(port=port) as client:
            for i in range(60):
                source, target = f"from:{number}:{i % 7}", f"to:{number}:{i % 5}"
                replies = client.pipeline(transaction=False).set(source, i).rename(source, target).get(target).execute()
                if replies != [True, True, str(i).encode()]:
                    failures.append(replies)

    threads = [threading.Thread(target=work, args=(cluster.port, number)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failures == []


@pytest.mark.parametrize("kind", ["set", "sorted set"])
def test_a_large_collection_moves_between_shards_while_others_are_served(cluster, kind):
    source, target, elsewhere = key_of(0, "from"), key_of(1, "to"), key_of(2, "elsewhere")
    with cluster.client(socket_timeout=60) as client:
        client.config_set("hold-timeout", 60_000)
        client.delete(source, target)
        with client.pipeline(transaction=False) as pipe:
            for first in range(0, LARGE_MEMBERS, 5000):
                members = [f"member:{number}" for number in range(first, first + 5000)]
                if kind == "set":
                    pipe.sadd(source, *members)
                else:
                    pipe.zadd(source, {member: first + at for at, member in enumerate(members)})
            pipe.execute()
        moving = threading.Event()
        served: list[float] = []
        seen: list[tuple[int, int]] = []

        def read():
            with cluster.client(socket_timeout=60) as other:
                while not moving.is_set():
                    began = time.monotonic()
                    other.incr(elsewhere)
                    served.append(time.monotonic() - began)
                    stats = other.info("stats")
                    seen.append((stats["held_operations"], stats["oldest_hold_ms"]))

        thread = threading.Thread(target=read)
        thread.start()
        began = time.monotonic()
        try:
            client.rename(source, target)
            if kind == "set":
                assert client.sunionstore(source, target, "nothing") == LARGE_MEMBERS
            else:
                assert client.zunionstore(source, [target, "nothing"]) == LARGE_MEMBERS
        finally:
            took = time.monotonic() - began
            moving.set()
            thread.join(60)
        assert len(served) > 3 and max(served[:-1]) < took
        assert max(held for held, _ in seen) == 1  # it could be seen
        assert client.info("stats")["held_operations"] == 0
        if kind == "set":
            assert client.scard(source) == client.scard(target) == len(client.sinter(source, target)) == LARGE_MEMBERS
        else:
            assert client.zcard(source) == client.zcard(target) == LARGE_MEMBERS
            assert client.zscore(source, "member:77777") == client.zscore(target, "member:77777") == 77777
        client.unlink(source, target)
