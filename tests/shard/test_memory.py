"""maxmemory, client-side caching, SORT and the figures of a shard."""

from __future__ import annotations

import json

import pytest

from cluster.config import Config
from shard.signals import TRACKERS
from tests.shard.conftest import Shard


def small(policy: str) -> tuple[Shard, list[int]]:
    """A shard with a limit of 1000 bytes and a probe whose figure the test sets."""
    figure = [0]
    shard = Shard(Config())
    shard.engine.memory.probe = lambda: (figure[0], figure[0])
    shard.engine.memory.configure(shard.engine, 1000, 1, policy)
    return shard, figure


def test_without_a_policy_writes_are_refused_and_reads_served():
    shard, figure = small("noeviction")
    shard.run("SET a 1")
    figure[0] = 2000
    shard.engine.memory.tick(shard.engine)
    assert shard.run("SET b 1") == ("OOM command not allowed when used memory > 'maxmemory'.", [])
    assert shard.run("GET a") == (b"1", [])
    assert shard.run("DEL a") == (1, ["DEL a"])


def test_the_least_recently_used_key_goes_first_and_its_end_is_an_effect():
    shard, figure = small("allkeys-lru")
    for key in ("old", "new"):
        shard.run(f"SET {key} 1")
    shard.advance(10_000)
    shard.run("GET new")
    figure[0] = 1001
    shard.engine.memory.tick(shard.engine)
    shard.engine.end_unit()
    assert shard.effects() == [[b"DEL", b"old"]]
    assert shard.reply("EXISTS new") == 1
    assert not shard.engine.over_memory


@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
def test_volatile_policies_spare_keys_without_expiry(policy):
    shard, figure = small(policy)
    shard.run("SET keep 1")
    shard.run("SET go 1 EX 100")
    figure[0] = 5000
    shard.engine.memory.tick(shard.engine)
    assert shard.reply("EXISTS keep") == 1
    assert shard.reply("EXISTS go") == 0
    assert shard.engine.over_memory


def test_those_that_expire_first_go_first_though_only_some_keys_are_looked_at():
    shard, figure = small("volatile-ttl")
    for i in range(300):
        shard.run(f"SET key:{i} 1 EX {1000 + i}")
    memory = shard.engine.memory
    for _ in range(150):
        assert memory._evict_one(shard.engine)
    left = [i for i in range(300) if shard.reply(f"EXISTS key:{i}")]
    assert len(left) == 150
    assert sum(i < 75 for i in left) < 8 < 60 < sum(i >= 225 for i in left)


def test_the_router_hears_when_writes_are_refused_and_when_no_more():
    shard, figure = small("noeviction")
    figure[0] = 2000
    shard.engine.memory.tick(shard.engine)
    shard.engine.memory.tick(shard.engine)
    assert shard.engine.events == [(b"over_memory", b"1")]
    figure[0] = 10
    shard.engine.memory.tick(shard.engine)
    assert shard.engine.events[1:] == [(b"over_memory", b"0")]


def test_lfu_counts_accesses():
    shard, _ = small("allkeys-lfu")
    shard.run("SET hot 1")
    shard.run("SET cold 1")
    for _ in range(200):
        shard.run("GET hot")
    assert shard.reply("OBJECT FREQ hot") > shard.reply("OBJECT FREQ cold")
    assert str(shard.reply("OBJECT IDLETIME hot")).startswith("ERR An LFU maxmemory policy is selected")


def test_readers_of_a_key_are_told_once_of_its_change(shard):
    engine = shard.engine
    engine.tracking.listen(engine)
    entry = engine.by_name[b"GET"]
    shard.run("SET k 1 PX 100")
    engine.tracking.read(7, entry, [b"GET", b"k"])
    shard.advance(200)
    shard.run("GET k")
    assert engine.events == [(b"invalidate", b"0", b"k", b"7")]
    shard.run("SET k 2")
    assert len(engine.events) == 1
    assert shard.reply("SHARD.TRACK OFF") == b"OK"
    assert not engine.listening & TRACKERS


def test_sort_takes_weights_and_values_from_other_keys(shard):
    shard.run("ZADD z 1 a 2 b")
    shard.run("MSET w_a 9 w_b 3")
    assert shard.run("SORT z BY w_* GET # GET w_*") == ([b"b", b"3", b"a", b"9"], [])
    assert shard.reply("SORT z") == "ERR One or more scores can't be converted into double"
    assert shard.reply("SORT z ALPHA DESC LIMIT 0 1") == [b"b"]


def test_info_counts_keys_and_expiries(shard):
    shard.run("SET a 1 PX 1000")
    shard.run("SET b 1")
    figures = json.loads(shard.reply("SHARD.INFO"))
    assert figures["keyspace"] == {"0": {"keys": 2, "expires": 1, "avg_ttl": 1000}}
    assert figures["commands"]["set"][0] == 2


@pytest.mark.parametrize("limit", [0, 1000])
def test_memory_is_not_measured_while_a_large_collection_is_freed(limit: int) -> None:
    """The C allocator's own count takes as long as there are free pieces: up to 0.1 s then, of everybody's time."""
    shard, times = Shard(Config()), []
    memory = shard.engine.memory
    memory.probe = lambda: (times.append(1) or 10_000_000, 10)
    memory.configure(shard.engine, limit, 1, "noeviction")
    shard.run("SET other 1")
    shard.engine.run([b"SADD", b"k", *(b"member:%d" % i for i in range(20000))])
    memory.measure(shard.engine)
    size = shard.reply("MEMORY USAGE k")
    shard.run("UNLINK k")
    assert shard.engine.lazy
    for _ in range(20):
        memory.tick(shard.engine)
        shard.reply("SHARD.INFO")
    assert len(times) == 1
    assert size * 0.9 < 10_000_000 - memory.used < size * 1.1  # it counts as gone
    while shard.engine.free_some():
        pass
    for _ in range(10):
        memory.tick(shard.engine)
    assert len(times) == 1 + (10 if limit else 1)
