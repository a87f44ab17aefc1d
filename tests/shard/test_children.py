"""What a forked child owes those who want its core, and itself."""

import mmap
import os
import time
from types import SimpleNamespace

import pytest

from cluster.config import Config
from shard import children
from shard.children import PART, TICK_S, Children, _Measure
from shard.controls.replication import TELL_EVERY_MS, Preload, write_part
from shard.engine import Engine

WORK_S = 0.1
HUNDRED_KEYS_S = 0.00005


def ways_given(monkeypatch: pytest.MonkeyPatch, others_s: float) -> int:
    """How often a child gives way in WORK_S of CPU, if whoever wants its core keeps it for so long each time.

    The clocks are the test's: a real machine keeps cores, too."""
    given = 0
    worked_s = waited_s = 0.0

    def give_way() -> None:
        nonlocal given, waited_s
        given += 1
        waited_s += others_s

    monkeypatch.setattr(os, "sched_yield", give_way)
    monkeypatch.setattr(children, "private_dirty", lambda: 0)
    clocks = SimpleNamespace(monotonic=lambda: worked_s + waited_s, thread_time=lambda: worked_s)
    monkeypatch.setattr(children, "time", clocks)
    with mmap.mmap(-1, mmap.PAGESIZE) as shared:
        measure, keys = _Measure(shared), 0
        while worked_s < WORK_S:
            worked_s += HUNDRED_KEYS_S
            keys += 100
            measure(keys)
    return given


def test_a_child_beside_somebody_who_never_rests_works_as_long_as_it_waits(monkeypatch):
    waits_s = 2 * TICK_S
    assert 1 < ways_given(monkeypatch, waits_s) <= WORK_S / waits_s + 1


def test_a_child_gives_way_after_each_hundred_keys_to_those_who_soon_rest(monkeypatch):
    assert ways_given(monkeypatch, TICK_S / 2) >= WORK_S / HUNDRED_KEYS_S


def test_a_child_s_progress_is_reported_until_it_has_ended(monkeypatch):
    monkeypatch.setattr(children, "REPORT_S", 0.01)
    monkeypatch.setattr(children, "fork_dies_with_parent", lambda parent: None)
    reading, writing = os.pipe()

    def work(progress) -> None:
        progress(300)
        os.read(reading, 1)
        progress(400)

    reported, ended = set(), []
    found = Children()
    found.fork(PART, 400, work, ended.append, lambda written, keys: reported.add((written, keys)))
    deadline = time.monotonic() + 10
    while (300, 400) not in reported and time.monotonic() < deadline:
        found.reap()
        time.sleep(0.001)
    os.write(writing, b"!")
    while not ended and time.monotonic() < deadline:
        found.reap()
        time.sleep(0.001)
    assert ended == [True] and reported <= {(0, 400), (300, 400), (400, 400)}
    os.close(reading)
    os.close(writing)


def test_a_snapshot_that_is_read_between_batches_says_how_far_it_is(tmp_path):
    engine = Engine(Config())
    engine.worker_shards, engine.worker = 1, None
    for number in range(3000):
        engine.run([b"SET", b"key:%d" % number, bytes(50)])
    path = str(tmp_path / "snapshot.rdb")
    write_part(engine, path, True, b"0")
    with open(path, "ab") as file:
        file.write(b"\xff" + bytes(8))
    preload = Preload(engine, path)
    for _ in range(5):
        engine.now += TELL_EVERY_MS
        preload.work(lambda: True)
    said = [(int(done), int(total)) for kind, _, done, total in engine.events if kind == b"preloading"]
    assert {total for _, total in said} == {os.path.getsize(path)}
    shares = [done / total for done, total in said]
    assert shares == sorted(shares) and len(set(shares)) == 5 and 0 < shares[0] < 0.2 and 0.8 < shares[-1] < 1
