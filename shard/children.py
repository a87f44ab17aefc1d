"""Forked children that write files of the keys as they were at the fork, and what is measured of them.

parent --fork--> child: work(), then exit      no socket of the parent is touched
parent <--pages-- child: keys written so far, bytes copied on write and when that was measured (shared memory)
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cluster.process import fork_dies_with_parent

log = logging.getLogger("elixircache.shard")
SNAPSHOT, REWRITE, PART = "rdb", "aof", "part"  # the last is a replica's
NICE = 10  # a tenth of a core at least beside a shard and a router that want all of it
TICK_S = 0.004  # of many kernels: a busy process has its core at least so long
_SHARED = struct.Struct("<qqd")
REPORT_S = 0.2
Progress = Callable[[int], None]
Report = Callable[[int, int], None]  # (keys written, in all)


@dataclass(slots=True)
class Kind:
    """What is known of one kind of child. Times in s; -1: none yet."""

    running: int = 0
    began_s: float = 0.0
    last_s: int = -1
    last_ok: bool = True
    last_cow: int = 0
    done: int = 0  # how many ended well
    failures: int = 0  # in a row

    def began(self, now_s: float) -> None:
        self.running += 1
        self.began_s = now_s

    def ended(self, ok: bool, now_s: float, cow: int) -> None:
        self.running -= 1
        self.last_ok = ok
        self.last_s = int(now_s - self.began_s)
        self.last_cow = cow
        self.done += ok
        self.failures = 0 if ok else self.failures + 1

    def current_s(self, now_s: float) -> int:
        """How long the running one takes already, -1 if there is none."""
        return int(now_s - self.began_s) if self.running else -1


@dataclass(slots=True)
class _Child:
    kind: str
    shared: mmap.mmap
    keys: int
    done: Callable[[bool], None]
    report: Report | None
    reported_s: float

    def read(self) -> tuple[int, int, float]:
        """(keys written, bytes copied on write, when that was measured in monotonic s) so far."""
        keys, cow, at_s = _SHARED.unpack_from(self.shared)
        return int(keys), int(cow), float(at_s)


@dataclass(slots=True)
class Children:
    """The running children of a shard, by pid."""

    kinds: dict[str, Kind] = field(default_factory=lambda: {name: Kind() for name in (SNAPSHOT, REWRITE, PART)})
    running: dict[int, _Child] = field(default_factory=dict)
    forks: int = 0
    last_fork_us: int = 0
    cow_peak: int = 0

    def fork(
        self, kind: str, keys: int, work: Callable[[Progress], None], done: Callable[[bool], None], report: Report | None = None
    ) -> None:
        """Do `work(progress)` in a child, of `keys` keys; `report` now and then and `done(ok)` are called by `reap`. OSError."""
        parent = os.getpid()
        shared = mmap.mmap(-1, mmap.PAGESIZE)
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                fork_dies_with_parent(parent)
                if kind != PART:  # a replica waits for its part
                    os.nice(NICE)
                measure = _Measure(shared)
                work(measure)
                measure.end()
                code = 0
            except BaseException:
                log.exception("a child's work failed")
            finally:
                # No clean-up of the parent's sockets: they are not ours.
                os._exit(code)
        self.last_fork_us = int((time.monotonic() - began) * 1e6)
        self.forks += 1
        self.kinds[kind].began(began)
        self.running[pid] = _Child(kind, shared, keys, done, report, began)

    def reap(self) -> None:
        """Hear of children that have ended, and how far the others are."""
        now_s = time.monotonic()
        for pid, child in list(self.running.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found and child.report is not None and now_s - child.reported_s >= REPORT_S:
                child.reported_s = now_s
                child.report(child.read()[0], child.keys)
            if found:
                del self.running[pid]
                _, cow, _ = child.read()
                child.shared.close()
                self.cow_peak = max(self.cow_peak, cow)
                self.kinds[child.kind].ended(status == 0, time.monotonic(), cow)
                if cow:
                    log.info("the child of %s has copied %.1f MB of memory", child.kind, cow / 1e6)
                child.done(status == 0)

    def current(self) -> dict[str, Any]:
        """Of the running children together: keys to write, keys written, bytes copied on write, s since that was
        measured."""
        found = [child.read() for child in self.running.values()]
        copied = sum(cow for _, cow, _ in found)
        self.cow_peak = max(self.cow_peak, copied)
        measured = [at_s for _, _, at_s in found if at_s]
        return {
            "keys": sum(child.keys for child in self.running.values()),
            "written": sum(written for written, _, _ in found),
            "cow": copied,
            "cow_age": int(time.monotonic() - min(measured)) if measured else 0,
        }


class _Measure:
    """In the child: tells the parent, and looks once a second how much memory is its own by now.

    After each hundred keys it lets whoever wants the core have it: many kernels take a core from a busy process only at
    the next tick, and a router or shard that waits for that answers everybody 4 ms later. Those have done what they had to
    in less than a tick; if it took longer, there is somebody who never rests, and who gives way to him each time gets
    nothing done: then the child works as long as it has waited before it gives way again."""

    def __init__(self, shared: mmap.mmap):
        self.shared = shared
        self.cow = 0
        self.keys = 0
        self.at_s = 0.0
        self.next = time.monotonic() + 0.1  # a short one is measured once, at its end
        self.give_way_at = 0.0  # in s of CPU of its own

    def __call__(self, keys: int) -> None:
        self.keys = keys
        now = time.monotonic()
        if now >= self.next:
            self.next = now + 1.0
            self.cow, self.at_s = private_dirty(), now
        _SHARED.pack_into(self.shared, 0, keys, self.cow, self.at_s)
        if time.thread_time() >= self.give_way_at:
            began = time.monotonic()
            os.sched_yield()
            waited_s = time.monotonic() - began
            if waited_s >= TICK_S:
                self.give_way_at = time.thread_time() + waited_s

    def end(self) -> None:
        """The last figure is the one that counts."""
        _SHARED.pack_into(self.shared, 0, self.keys, private_dirty(), time.monotonic())


def private_dirty() -> int:
    """Bytes of this process that it shares with no other: what a fork has cost so far. 0 where Linux does not tell."""
    try:
        with open("/proc/self/smaps_rollup") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Private_Dirty:")) * 1024
    except OSError:
        return 0
