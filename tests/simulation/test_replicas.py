"""Groups that replicate under faults: replicas end as their master is, and never show half a transaction meanwhile.

A failing seed is in the message; `python -m tests.simulation --replicas SEED` replays it exactly.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from router.replication.feed import Feed
from router.replication.master import Master
from router.replication.upstream import Upstream
from tests.simulation.history import Violation
from tests.simulation.net import Clock
from tests.simulation.replicas import ReplicaRun
from tests.simulation.world import SimShard

SEEDS = 30
CHUNK = 15


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Processes are killed all the time here: their log is no news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def at_random(one: ReplicaRun) -> ReplicaRun:
    await one.go()
    return one


def run(seed: int, shards: list[int] | None = None, story: Callable[[ReplicaRun], Any] = at_random) -> Any:
    """One seed: a master, a replica with another number of shards, in every other world a replica of that; every
    third loses its master for good. What the story returns."""
    clock = Clock()
    try:
        with tempfile.TemporaryDirectory(prefix="elixircache-simulation-") as directory:
            shards = shards or [1 + seed % 3, 1 + seed // 3 % 3] + [2] * (seed % 2)
            one = ReplicaRun(seed, shards, Path(directory), clock, promote=seed % 3 == 2)
            return clock.run_until_complete(story(one))
    except Exception as error:
        raise Violation(f"seed {seed}: {type(error).__name__}: {error}") from error
    finally:
        clock.run_until_complete(leave())
        clock.close()


async def leave() -> None:
    """End what a run has left going."""
    for _ in range(100):  # `wait_for` may swallow a cancellation
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_replicas_converge_and_show_no_half_transaction(first: int) -> None:
    runs = [run(seed) for seed in range(first, first + CHUNK)]
    assert sum(group.crashes for one in runs for group in one.net.groups) > CHUNK
    assert sum(one.net.cuts for one in runs) > CHUNK
    assert sum(one.full_syncs for one in runs) > CHUNK
    assert sum(one.partial_syncs for one in runs) > CHUNK // 5
    assert sum(one.reads for one in runs) > 5 * CHUNK
    assert sum(len(one.confirmed) for one in runs) > CHUNK // 5
    assert sum(one.brief_seen for one in runs) > CHUNK // 2
    assert sum(one.hidden for one in runs) > CHUNK


def test_a_seed_replays_exactly() -> None:
    one, other = run(4), run(4)
    assert one.txns == other.txns
    assert (one.clock.now_ms, one.steps, one.reads) == (other.clock.now_ms, other.steps, other.reads)


def caught(count: int) -> bool:
    """Whether the checker finds fault with one of so many seeds."""
    for seed in range(count):
        try:
            run(seed)
        except Violation:
            return True
    return False


def test_without_the_joining_of_records_the_checker_finds_half_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(self: Feed, shard: int, event: list[bytes]) -> None:
        self.on_stream(shard, [b"stream", event[3], event[4], event[5]])

    monkeypatch.setattr(Feed, "on_record", torn)
    assert caught(100)


def test_without_the_history_s_new_name_the_checker_finds_what_a_restart_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Master, "shard_back", lambda self, resumed: None)
    monkeypatch.setattr(Master, "place", lambda self, shard: "")
    assert caught(100)


@pytest.mark.parametrize("shards", [[2, 3], [3, 2], [1, 1]])
def test_a_replica_s_shard_that_lost_what_was_on_its_way_gets_it_from_the_backlog(shards: list[int]) -> None:
    losses = [run(seed, shards, lambda one: one.lose_what_is_on_its_way(8)) for seed in range(4)]
    lost, full = (sum(one[at] for one in losses) for at in (0, 1))
    assert lost >= 20
    assert full < lost / 2, losses  # it dies before it has noted a place, or while a unit takes several steps


def test_without_the_backlog_its_gaps_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.replication.upstream.entries_for", lambda router, shard, stream, db: [])
    with pytest.raises(Violation, match="differ"):
        for seed in range(4):
            run(seed, [3, 2], lambda one: one.lose_what_is_on_its_way(8))


def test_without_the_wait_for_the_shards_the_checker_finds_lost_confirmed_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(self: Upstream) -> None:
        if self.state == "connected":
            self.applied = self.offset + 1000
            self.acknowledge()

    monkeypatch.setattr(Upstream, "acknowledge_soon", hasty)
    assert caught(100)


def test_a_restarted_shard_of_a_replica_that_lets_keys_expire_before_it_knows_its_role_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = SimShard.start

    def start(self: SimShard) -> None:
        original(self)
        self.engine.master = True

    monkeypatch.setattr(SimShard, "start", start)
    assert caught(100)
