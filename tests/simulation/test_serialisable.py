"""Seeded runs of a whole cluster under faults are strictly serialisable and lose nothing.

A failing seed is in the message; `python -m tests.simulation SEED` replays it exactly.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator

import pytest

from router.operations import Operations
from router.records import RouterRecords
from router.watched import Watch, Watches
from shard import pieces
from shard.holds import Holds
from shard.loop import Loop
from tests.simulation.history import Txn, Violation, check_appends
from tests.simulation.workload import Run
from tests.simulation.world import Disk, SimShard, World

KINDS = ["append", "read", "transaction", "watched", "transfer", "audit", "move", "carry", "count_tokens", "replace", "look"]
SEEDS = 2000
CHUNK = 100


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Processes are killed all the time here: their log is no news, and the collector need not walk the large lists
    of each of them as often as it would."""
    logging.disable(logging.CRITICAL)
    before = gc.get_threshold()
    sizes = pieces.LARGE, pieces.PIECE
    gc.set_threshold(100_000, 20, 20)
    yield
    gc.set_threshold(*before)
    pieces.LARGE, pieces.PIECE = sizes
    logging.disable(logging.NOTSET)


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that an operation moves is large."""
    monkeypatch.setattr(pieces, "LARGE", 4)
    monkeypatch.setattr(pieces, "PIECE", 3)


def move(seed: int) -> Run:
    """One seed of moves over shards alone: there a shard is to decide before the others commit, and dies as it does."""
    one = Run(seed, ["move", "carry", "count_tokens", "replace", "look"], shards=2 + seed % 3, power_cuts=seed % 4 == 3, operations=20)
    try:
        one.go()
    except Exception as error:
        raise Violation(f"seed {seed} of moves: {type(error).__name__}: {error}") from error
    return one


def run(seed: int) -> Run:
    """One seed; every fourth world also has power cuts (and fsyncs before it replies), in every third what operations
    move is large for it."""
    in_pieces = seed % 3 == 1
    pieces.LARGE, pieces.PIECE = (4, 3) if in_pieces else (1 << 20, 1 << 17)
    one = Run(seed, KINDS, shards=2 + seed % 3, power_cuts=seed % 4 == 3)
    try:
        one.go()
    except Exception as error:
        raise Violation(f"seed {seed}: {type(error).__name__}: {error}") from error
    return one


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_any_seed_is_strictly_serialisable_and_loses_nothing(first: int) -> None:
    crashes = acknowledged = 0
    for seed in range(first, first + CHUNK):
        one = run(seed)  # it is not kept: a world is large
        crashes += one.world.crashes
        acknowledged += sum(txn.acknowledged for txn in one.txns)
    assert crashes > CHUNK
    assert acknowledged > CHUNK


def test_a_seed_replays_exactly() -> None:
    one, other = run(7), run(7)
    assert one.txns == other.txns
    assert one.world.now == other.world.now


def caught(seeds: range, one: Callable[[int], Run] = run) -> bool:
    """Whether the checker finds fault with one of the seeds."""
    for seed in seeds:
        try:
            one(seed)
        except Violation:
            return True
    return False


def test_large_values_move_whole_or_not_at_all(in_pieces: None) -> None:
    for seed in range(100):
        move(seed)


def test_a_shard_that_was_to_commit_first_and_has_not_is_found_when_the_others_do(
    in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Operations.may_join
    monkeypatch.setattr(Operations, "may_join", lambda self, shard, last: original(self, shard, (1 << 60, 0)))
    assert caught(range(500, 600), move)


def test_without_the_record_the_checker_finds_torn_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RouterRecords, "catch_up", lambda self, shard, last: 0)
    assert caught(range(60))


def test_a_new_router_that_does_not_hear_of_open_records_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RouterRecords, "adopt", lambda self, kept, last: None)
    assert caught(range(60))


def test_two_processes_die_at_one_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    died: set[tuple[int, bool]] = set()
    original = World.kill

    def kill(self: World, shards: list[int], router: bool = False) -> None:
        died.add((sum(self.shards[index].alive for index in shards), router and self.router is not None))
        original(self, shards, router)

    monkeypatch.setattr(World, "kill", kill)
    for seed in range(20):
        run(seed)
    assert died >= {(1, False), (2, False), (1, True)}


def test_power_cuts_take_what_was_not_synced() -> None:
    assert sum(run(seed).world.forgotten > 0 for seed in range(3, 243, 4)) > 0


def test_without_the_fsync_the_checker_finds_lost_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Disk, "sync", lambda self: None)
    assert caught(range(3, 83, 4))


def without_a_rule(monkeypatch: pytest.MonkeyPatch, take: Callable[..., int]) -> None:
    """Shards that take holds in another way."""
    original = SimShard.start
    one = {"take_one": lambda self, operation, key: self.take(operation, (key,), True)}
    hasty = type("Hasty", (Holds,), {"take": take, **one})

    def start(self: SimShard) -> None:
        original(self)
        self.engine.holds = hasty(self.engine.watching)
        self.loop = self.engine.controls = self.worker.loop = Loop(self.engine)

    monkeypatch.setattr(SimShard, "start", start)


def test_without_the_hold_the_checker_finds_lost_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_rule(monkeypatch, lambda self, operation, keys, record: 0)
    assert caught(range(60))


def test_without_the_held_keys_the_checker_finds_lost_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_rule(monkeypatch, lambda self, operation, keys, record: Holds.take(self, operation, set(), record))
    assert caught(range(80, 200))


class Careless(Watches):
    """Takes every watched key for untouched."""

    def begin(self, watch: Watch) -> int:
        Watches.begin(self, watch)
        watch.mark = 1 << 62
        return 0


def test_without_the_notes_of_what_may_have_been_written_the_checker_finds_lost_updates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(World, "prepare", lambda self, router: setattr(router.core, "watches", Careless()))
    assert caught(range(60))


def test_a_record_that_does_not_wait_for_those_before_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_rule(monkeypatch, lambda self, operation, keys, record: Holds.take(self, operation, keys, False))
    assert caught(range(200))


def test_commits_in_any_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "prepare", lambda self, router: setattr(router.operations.turns, "ordered", False))
    assert caught(range(200))


def test_without_the_order_of_a_link_the_checker_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    original = SimShard.deliver

    def any_order(self: SimShard) -> None:
        if len(self.inbox) > 1 and not self.inbox[0].startswith(b"HELO"):
            self.inbox.rotate(-1)
        original(self)

    monkeypatch.setattr(SimShard, "deliver", any_order)
    assert caught(range(60))


def test_the_checker_refuses_a_read_from_the_past() -> None:
    write = Txn("w", 1, 2, True, {"k": "w"})
    read = Txn("r", 3, 4, True, {}, {"k": []})
    with pytest.raises(Violation, match="cycle"):
        check_appends([write, read], {"k": ["w"]})


def test_the_checker_refuses_half_a_transaction() -> None:
    write = Txn("w", 1, None, False, {"a": "w", "b": "w"})
    with pytest.raises(Violation, match="some of its keys only"):
        check_appends([write], {"a": ["w"], "b": []})


def test_the_checker_refuses_a_lost_acknowledged_write() -> None:
    with pytest.raises(Violation, match="lost"):
        check_appends([Txn("w", 1, 2, True, {"a": "w"})], {"a": []})
