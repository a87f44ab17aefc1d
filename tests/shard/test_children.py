"""What a forked child owes those who want its core, and itself."""

import mmap
import os
import time

import pytest

from shard import children
from shard.children import TICK_S, _Measure

WORK_S = 0.1


def ways_given(monkeypatch: pytest.MonkeyPatch, others_s: float) -> int:
    """How often a child gives way in WORK_S of CPU, if whoever wants its core keeps it for so long each time."""
    given = []

    def give_way() -> None:
        given.append(True)
        if others_s:
            time.sleep(others_s)

    monkeypatch.setattr(os, "sched_yield", give_way)
    monkeypatch.setattr(children, "private_dirty", lambda: 0)
    with mmap.mmap(-1, mmap.PAGESIZE) as shared:
        measure, end_s, keys = _Measure(shared), time.thread_time() + WORK_S, 0
        while time.thread_time() < end_s:
            keys += 100
            measure(keys)
    return len(given)


def test_a_child_beside_somebody_who_never_rests_works_as_long_as_it_waits(monkeypatch):
    waits_s = 2 * TICK_S
    assert 1 < ways_given(monkeypatch, waits_s) <= WORK_S / waits_s + 1


def test_a_child_gives_way_after_each_hundred_keys_to_those_who_soon_rest(monkeypatch):
    assert ways_given(monkeypatch, 0) > 1000
