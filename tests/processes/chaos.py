"""Kills of shards and the router at random moments, one or two at once, while a test's clients work.

CHAOS_S is how long, in seconds (`make crash`: 60).
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from typing import Any


def kill_at_random(cluster: Any, shards: int, seed: int, seconds: float) -> int:
    """End processes of a cluster by kill -9 for a while, then wait until it serves; how many were ended."""
    rng = random.Random(seed)
    end = time.monotonic() + float(os.environ.get("CHAOS_S", seconds))
    kills = 0
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.1, 0.7))
        for victim in rng.sample(["router", *range(shards)], rng.choice([1, 1, 2])):
            with contextlib.suppress(KeyError, ProcessLookupError):  # it has not come back yet
                cluster.kill_router() if victim == "router" else cluster.kill_shard(victim)
                kills += 1
    cluster.wait_until_serving()
    time.sleep(0.5)
    return kills
