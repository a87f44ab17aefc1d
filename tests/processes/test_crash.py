"""kill -9 of a shard, of the router, of everything: every acknowledged write is there afterwards.

ELIXIRCACHE_CRASH_ROUNDS sets how many rounds are run (`make crash`: 100).
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from elixircache import LocalCluster

ROUNDS = int(os.environ.get("ELIXIRCACHE_CRASH_ROUNDS", "3"))
WRITERS = 3
pytestmark = pytest.mark.timeout(120 + 15 * ROUNDS)


class Writer(threading.Thread):
    """Counts a key of its own upwards; every fifth step writes to both shards in one MSET."""

    def __init__(self, cluster: LocalCluster, number: int, start: int) -> None:
        super().__init__(daemon=True)
        self.cluster = cluster
        self.number = number
        self.tried = self.acknowledged = start
        self.ended = threading.Event()

    def run(self) -> None:
        client: Any = None
        while not self.ended.is_set():
            try:
                if client is None:
                    client = self.cluster.client(socket_timeout=5)
                self.tried += 1
                count = self.tried
                if count % 5 == 0:
                    client.mset({f"w{self.number}": count, f"other{self.number}": count, f"third{self.number}": count})
                else:
                    client.set(f"w{self.number}", count)
                self.acknowledged = count
            except (redis.RedisError, OSError):
                client = None
                time.sleep(0.05)


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_no_acknowledged_write_is_lost(tmp_path: Path, fsync: str) -> None:
    rng = random.Random(fsync)
    counts = [0] * WRITERS
    acknowledged = counts
    done = 0
    while done < ROUNDS:
        cluster = LocalCluster(shards=2, directory=tmp_path, appendonly=True, appendfsync=fsync)
        cluster.start()
        try:
            check(cluster, acknowledged)
            while done < ROUNDS:
                done += 1
                writers = [Writer(cluster, number, counts[number]) for number in range(WRITERS)]
                for writer in writers:
                    writer.start()
                time.sleep(rng.uniform(0.2, 0.6))
                victim = ["shard", "router", "all"][done % 3]
                kill(cluster, victim, rng)
                if victim != "all":
                    cluster.wait_until_serving()
                for writer in writers:
                    writer.ended.set()
                for writer in writers:
                    writer.join(20)
                counts = [writer.tried for writer in writers]
                acknowledged = [writer.acknowledged for writer in writers]
                if victim == "all":
                    break
                check(cluster, acknowledged)
        finally:
            cluster.stop()
        with LocalCluster(shards=2, directory=tmp_path, appendonly=True, appendfsync=fsync) as again:
            check(again, acknowledged)


def kill(cluster: LocalCluster, victim: str, rng: random.Random) -> None:
    if victim == "shard":
        cluster.kill_shard(rng.randrange(2))
    elif victim == "router":
        cluster.kill_router()
    else:
        pids = list(cluster.pids.values())
        os.kill(cluster.supervisor_pid, signal.SIGKILL)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ends with its supervisor


def check(cluster: LocalCluster, acknowledged: list[int]) -> None:
    client = cluster.client()
    for number, least in enumerate(acknowledged):
        found = int(client.get(f"w{number}") or 0)
        assert found >= least, f"writer {number}: {least} was acknowledged, {found} is there"
        # An MSET over both shards is there as a whole or not at all.
        assert client.get(f"other{number}") == client.get(f"third{number}")
