"""What being watched costs: pairs of the same load, one of them with /metrics fetched every second.

The machine's drift is larger than the effect, so the ratio that counts is that of CPU per command, by pairs.
"""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cli import bench_load, bench_systems
from cli.bench_load import Sample, Workload

SCRAPES = 100
SET = Workload("SET", ["SET", "key:__rand_int__", bench_load.VALUE])


@dataclass
class Pair:
    """One load without and one with scrapes, and how many scrapes that were."""

    alone: Sample
    watched: Sample
    scrapes: int

    @property
    def cpu_ratio(self) -> float:
        """CPU per command of router and shards, watched to not watched."""
        return sum(self.watched.cpu_us.values()) / sum(self.alone.cpu_us.values())

    @property
    def rps_ratio(self) -> float:
        return self.watched.rps / self.alone.rps


def scrape(ws_port: int) -> int:
    """Fetch /metrics once; its size in bytes."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ws_port}/metrics", timeout=10) as answer:
        return len(answer.read())


@contextmanager
def scraped(ws_port: int, period_s: float = 1.0) -> Iterator[list[int]]:
    """Fetch /metrics every `period_s` seconds; gives the list of their sizes in bytes."""
    stop, sizes = threading.Event(), list[int]()

    def run() -> None:
        while not stop.is_set():
            sizes.append(scrape(ws_port))
            stop.wait(period_s)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


def measure(rounds: int, requests: int, shards: int) -> tuple[dict[str, float], list[Pair]]:
    """(CPU of one scrape by role in ms, pairs of runs of SET at depth 16). Which of a pair goes first takes turns."""
    pairs = []
    ws_port = bench_systems.free_port()
    with bench_systems.elixircache(shards, ws_port) as system:

        def run() -> Sample:
            return bench_load.run(system, SET, 50, 16, requests, 100_000)

        run()
        before = system.cpu()
        for _ in range(SCRAPES):
            scrape(ws_port)
        cost_ms = {role: (used - before[role]) / SCRAPES / 1000 for role, used in system.cpu().items()}
        for number in range(rounds):
            if number % 2 == 0:
                alone = run()
            with scraped(ws_port) as sizes:
                watched = run()
            if number % 2:
                alone = run()
            pairs.append(Pair(alone, watched, len(sizes)))
    return cost_ms, pairs
