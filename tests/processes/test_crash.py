"""kill -9 of a shard, of the router, of everything, at any moment: every acknowledged write is there afterwards, and
no unit is there in part.

ELIXIRCACHE_CRASH_ROUNDS sets how many kills each policy gets (`make crash`: 100), ELIXIRCACHE_CRASH_SEED which ones.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from elixircache import LocalCluster
from tests.processes.datasets import fill, state
from tests.processes.waiting import until

ROUNDS = int(os.environ.get("ELIXIRCACHE_CRASH_ROUNDS", "3"))
SEED = os.environ.get("ELIXIRCACHE_CRASH_SEED", "")
VICTIMS = ["shard", "router", "all"]
# The journal is rewritten again and again meanwhile: kills come at every stage of that.
REWRITING = {"auto_aof_rewrite_min_size": "64kb", "auto_aof_rewrite_percentage": 50}
pytestmark = pytest.mark.timeout(120 + 15 * ROUNDS)


class Writer(threading.Thread):
    """Writes without a pause and remembers what was acknowledged; what failed may or may not be there."""

    def __init__(self, cluster: LocalCluster, name: str):
        super().__init__(daemon=True)
        self.cluster, self.prefix = cluster, name
        self.acknowledged: dict[str, bytes] = {}
        self.units: list[list[str]] = []
        self.rounds = 0
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            with contextlib.suppress(redis.RedisError, OSError):
                with self.cluster.client(retry=None, socket_timeout=20) as client:
                    while not self.stopping:
                        self.rounds += 1
                        self._one_round(client)
            time.sleep(0.02)

    def _one_round(self, client: redis.Redis) -> None:
        number, data = self.rounds, str(self.rounds).encode()
        client.set(f"{self.prefix}:{number}", data)
        self.acknowledged[f"{self.prefix}:{number}"] = data
        client.set(f"{self.prefix}:last", data)  # the same key again and again
        self.acknowledged[f"{self.prefix}:last"] = data
        unit = [f"{self.prefix}:{number}:{part}" for part in range(4)]  # on both shards
        self.units.append(unit)
        if number % 2:
            client.mset(dict.fromkeys(unit, data))
        else:
            with client.pipeline() as pipe:
                for key in unit:
                    pipe.set(key, data)
                pipe.execute()
        self.acknowledged.update(dict.fromkeys(unit, data))

    def check(self, client: redis.Redis) -> None:
        """Every acknowledged write is there, and no unit is there in part."""
        last = self.acknowledged.pop(f"{self.prefix}:last", b"0")
        assert int(last) <= int(client.get(f"{self.prefix}:last") or 0) <= self.rounds
        keys = list(self.acknowledged)
        assert len(keys) > 20
        for at in range(0, len(keys), 2000):
            some = keys[at : at + 2000]
            assert client.mget(some) == [self.acknowledged[key] for key in some]
        for unit in self.units:
            if unit[0] not in self.acknowledged:
                found = client.mget(unit)
                assert found == [found[0]] * 4, f"a unit is there in part: {dict(zip(unit, found, strict=True))}"


@contextlib.contextmanager
def writers(cluster: LocalCluster) -> Iterator[list[Writer]]:
    """Three writers at work, which have ended after the block."""
    threads = [Writer(cluster, name) for name in ("red", "green", "blue")]
    for thread in threads:
        thread.start()
    try:
        until(lambda: all(thread.rounds > 10 for thread in threads))
        yield threads
    finally:
        for thread in threads:
            thread.stopping = True
        for thread in threads:
            thread.join(30)


def kill(cluster: LocalCluster, victim: str, rng: random.Random) -> None:
    if victim == "shard":
        cluster.kill_shard(rng.randrange(2))
    elif victim == "router":
        cluster.kill_router()
    else:
        for pid in [cluster.supervisor_pid, *cluster.pids.values()]:
            with contextlib.suppress(ProcessLookupError):  # it ends with its supervisor
                os.kill(pid, signal.SIGKILL)
        cluster.stop()


def check(cluster: LocalCluster, threads: list[Writer]) -> None:
    """What the writers of the last round know is true; they begin anew."""
    with cluster.client() as client:
        for thread in threads:
            thread.check(client)
        client.flushall()


@pytest.mark.parametrize("appendfsync", ["always", "everysec"])
def test_no_acknowledged_write_is_lost(tmp_path: Path, appendfsync: str) -> None:
    rng = random.Random(appendfsync + SEED)
    options: dict[str, Any] = {"shards": 2, "directory": tmp_path, "appendfsync": appendfsync, **REWRITING}
    rounds = iter(range(ROUNDS))
    threads: list[Writer] = []
    rewrites = 0
    for _ in range(ROUNDS // 3 + 1):  # each life of a group but the last ends with the kill of everything
        with LocalCluster(**options) as cluster:
            check(cluster, threads)
            threads = []
            for number in rounds:
                victim = VICTIMS[number % 3]
                with writers(cluster) as threads:
                    time.sleep(rng.uniform(0.2, 0.6))
                    if victim == "all":
                        rewrites += rewritten(tmp_path)
                        kill(cluster, victim, rng)
                        for thread in threads:
                            thread.stopping = True
                        break
                    wanted = [(thread, thread.rounds + 3) for thread in threads]
                    kill(cluster, victim, rng)
                    cluster.wait_until_serving()
                    until(lambda wanted=wanted: all(thread.rounds > least for thread, least in wanted))
                check(cluster, threads)
                threads = []
    assert next(rounds, None) is None and rewrites > 0


def rewritten(directory: Path) -> int:
    """How many bases there are."""
    return len(list(directory.glob("shard-*/appendonlydir/*.base.rdb")))


def test_acknowledged_writes_survive_a_kill_during_a_rewrite(tmp_path: Path) -> None:
    with LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        fill(client)
        before = state(client)
        with writers(cluster) as threads:
            client.bgrewriteaof()
            time.sleep(0.02)
            kill(cluster, "all", random.Random())
            for thread in threads:
                thread.stopping = True
    with LocalCluster(shards=2, directory=tmp_path) as cluster, cluster.client() as client:
        after = state(client)
        assert {key: after[key] for key in before} == before
        check(cluster, threads)
