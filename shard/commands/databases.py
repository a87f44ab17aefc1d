"""Commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, and SWAPDB's part on a shard."""

from __future__ import annotations

from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_range
from cluster.replies import OK
from shard import staged_keyspace
from shard.registry import handles
from shard.signals import STAGED, TRACKERS, WAITERS, WATCHERS
from shard.slot_table import LARGE

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1


class Discarded:
    """The slots of a flushed database, freed a few at a time by `Engine.free_some`."""

    def __init__(self, slots: list[Any], size: int) -> None:
        self.slots = [table for table in slots if table is not None]
        self.size = size
        self.large: list[Any] = []  # collections that are taken apart themselves

    def __len__(self) -> int:
        return self.size + sum(map(len, self.large))

    def release(self, budget: int) -> bool:
        """Free about `budget` keys and members; True when none are left."""
        while (self.slots or self.large) and budget > 0:
            if self.large:
                left = len(self.large[-1])
                if self.large[-1].release(budget):
                    self.large.pop()
                budget -= left
                continue
            table = self.slots[-1]
            while table and budget > 0 and not self.large:
                _, value = table.popitem()
                budget -= 1
                self.size -= 1
                if len(value) > LARGE and hasattr(value, "release"):
                    self.large.append(value)
            if not table:
                self.slots.pop()
        return not self.slots and not self.large


@handles("DBSIZE")
def dbsize(engine: Any, args: list[bytes]) -> Any:
    """DBSIZE"""
    return staged_keyspace.size(engine) if engine.listening & STAGED else engine.db.size


def flush(engine: Any, indexes: list[int]) -> None:
    """Empty databases; watchers and trackers hear of every key that was there."""
    for index in indexes:
        db = engine.dbs[index]
        if engine.listening & WATCHERS:
            engine.watching.flushed(engine, index)
        engine.dirty += max(db.size, 0)  # a staged database may have lost more than this shard had
        slots, size = db.slots, db.size
        db.clear()  # a staged database may refuse, and its slots are the real ones
        if size and not engine.listening & STAGED:
            engine.lazy.append(Discarded(slots, size))
    if engine.listening & TRACKERS:
        engine.tracking.flushed(engine)
    # Without keys the command still goes into the stream, as in Redis.
    engine.dirty += 1


def _flush_mode(args: list[bytes]) -> None:
    if len(args) > 2 or (len(args) == 2 and args[1].upper() not in (b"SYNC", b"ASYNC")):
        raise errors.syntax_error()


@handles("FLUSHDB")
def flushdb(engine: Any, args: list[bytes]) -> Any:
    """FLUSHDB [ASYNC | SYNC]. Memory is given back a little at a time in both modes."""
    _flush_mode(args)
    flush(engine, [engine.db.index])
    return OK


@handles("FLUSHALL")
def flushall(engine: Any, args: list[bytes]) -> Any:
    """FLUSHALL [ASYNC | SYNC]"""
    _flush_mode(args)
    flush(engine, list(range(len(engine.dbs))))
    return OK


@handles("SHARD.SWAPDB", "SWAPDB")
def swapdb(engine: Any, args: list[bytes]) -> Any:
    """SWAPDB index1 index2"""
    first = parse_range(args[1], INT_MIN, INT_MAX, errors.SWAP_FIRST)
    second = parse_range(args[2], INT_MIN, INT_MAX, errors.SWAP_SECOND)
    if not (0 <= first < len(engine.dbs) and 0 <= second < len(engine.dbs)):
        raise CommandError(errors.DB_RANGE)
    if first == second:
        return OK
    if engine.listening & STAGED:
        staged_keyspace.swap(engine, first, second)
    else:
        _swap(engine, first, second)
    engine.dirty += 1
    engine.effect(b"SWAPDB", first, second)
    return OK


def _swap(engine: Any, first: int, second: int) -> None:
    one, other = engine.dbs[first], engine.dbs[second]
    state = one.state()
    one.restore(other.state())
    other.restore(state)
    if engine.access is not None:
        engine.access.swapped(first, second)
    if engine.listening & WATCHERS:
        engine.watching.swapped(engine, first, second)
    if engine.listening & WAITERS:
        engine.waiting.swapped(engine, first, second)
    if engine.listening & TRACKERS:
        engine.tracking.flushed(engine)
