"""What being watched costs: one load, in every other slice of which /metrics is fetched each second.

The machine's drift is larger than the effect, so neighbouring slices are compared, and what counts is the median
ratio of CPU per command.
"""

from __future__ import annotations

import subprocess
import time
import urllib.request
from dataclasses import dataclass

import redis

import elixircache
from cli import bench_load, bench_systems
from cli.bench_systems import System

SCRAPES = 100
SLICE_S = 2


@dataclass
class Slice:
    """Commands and CPU microseconds of router and shards in one slice."""

    commands: int
    cpu_us: float

    @property
    def each_us(self) -> float:
        return self.cpu_us / max(self.commands, 1)


@dataclass
class Pair:
    """Two neighbouring slices, without scrapes and with one a second."""

    alone: Slice
    watched: Slice

    @property
    def cpu_ratio(self) -> float:
        return self.watched.each_us / self.alone.each_us

    @property
    def rate_ratio(self) -> float:
        return self.watched.commands / max(self.alone.commands, 1)


def scrape(ws_port: int) -> int:
    """Fetch /metrics once; its size in bytes."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ws_port}/metrics", timeout=10) as answer:
        return len(answer.read())


def measure(pairs: int, shards: int) -> tuple[dict[str, float], list[Pair]]:
    """(CPU of one scrape by role in ms, pairs of slices of SET at depth 16). Which of a pair goes first takes turns."""
    ws_port = elixircache.free_port()
    with bench_systems.elixircache(shards, ws_port) as system, redis.Redis(port=system.port) as client:
        load = ["redis-benchmark", "-p", str(system.port), "-c", "50", "-P", "16", "-n", "2000000000", "-r", "100000"]
        load += ["SET", "key:__rand_int__", bench_load.VALUE]
        process = subprocess.Popen(load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(SLICE_S)
            found = []
            for number in range(pairs):
                order = (False, True) if number % 2 == 0 else (True, False)
                both = {watched: _slice(system, client, ws_port if watched else 0) for watched in order}
                found.append(Pair(both[False], both[True]))
        finally:
            process.terminate()
            process.wait()
        before = system.cpu()
        for _ in range(SCRAPES):
            scrape(ws_port)
        cost_ms = {role: (used - before[role]) / SCRAPES / 1000 for role, used in system.cpu().items()}
    return cost_ms, found


def _slice(system: System, client: redis.Redis, ws_port: int) -> Slice:
    """SLICE_S seconds of the load, with a scrape in the middle of each second when `ws_port` is one."""

    def commands() -> int:
        return int(client.info("stats")["total_commands_processed"])

    began, before = commands(), sum(system.cpu().values())
    start = time.monotonic()
    for second in range(SLICE_S):
        time.sleep(max(0.0, start + second + 0.5 - time.monotonic()))
        if ws_port:
            scrape(ws_port)
    time.sleep(max(0.0, start + SLICE_S - time.monotonic()))
    return Slice(commands() - began, sum(system.cpu().values()) - before)
