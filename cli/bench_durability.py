"""What keeping data costs: SETs with a journal, loading and replaying it, GETs while a snapshot is written."""

from __future__ import annotations

import contextlib
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import elixircache
from cli import bench_growth, bench_systems
from cli.bench_load import redis_benchmark, run_commands

VALUE = "xxxxxxxxxxxxxxxx"
SET = ["SET", "key:__rand_int__", VALUE]
GET = ["GET", "key:__rand_int__"]
_LOADED = re.compile(r"journal loaded: (\d+) keys in [0-9.]+ s \(([0-9.]+) s of CPU\)")
Say = Callable[[str], None]


@contextlib.contextmanager
def group(directory: str, **options: str) -> Iterator[int]:
    """A master group of one shard that keeps its data in `directory`; yields its port."""
    port = elixircache.free_port()
    command = [sys.executable, "-m", "cli", "master", "--shards", "1", "--port", str(port), "--dir", directory]
    command += ["--ws-port", "0", "--save", ""]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", value]
    with bench_systems.running(command, directory, port):
        yield port


@contextlib.contextmanager
def redis_server(directory: str, **options: str) -> Iterator[int]:
    """redis-server that keeps its data in `directory`; yields its port."""
    port = elixircache.free_port()
    command = ["redis-server", "--port", str(port), "--dir", directory, "--save", ""]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", value]
    with bench_systems.running(command, directory, port):
        yield port


def journal_cost(rounds: int, requests: int, say: Say) -> list[dict[str, Any]]:
    """SET at depth 16 under each policy, in interleaved rounds: medians of requests per second."""
    systems = {
        "no journal": (group, {"appendonly": "no"}),
        "everysec": (group, {"appendonly": "yes", "appendfsync": "everysec"}),
        "always": (group, {"appendonly": "yes", "appendfsync": "always"}),
        "redis-server, everysec": (redis_server, {"appendonly": "yes", "appendfsync": "everysec"}),
        "redis-server, always": (redis_server, {"appendonly": "yes", "appendfsync": "always"}),
    }
    rates: dict[str, list[float]] = {name: [] for name in systems}
    with contextlib.ExitStack() as stack:
        ports = {}
        for name, (start, options) in systems.items():
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
            ports[name] = stack.enter_context(start(directory, **options))
        names = list(systems)
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                rates[name].append(redis_benchmark(ports[name], SET, 50, 16, requests, 100_000).rps)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    say(", ".join(f"{name} {rate / 1000:.0f}k" for name, rate in medians.items()))
    return [
        _row("SET at depth 16, everysec", medians["everysec"] / medians["no journal"], "of no journal", 0.9),
        _row(
            "SET at depth 16, always",
            medians["always"] / medians["redis-server, always"],
            "of redis-server, always",
            0.5,
        ),
        _row("SET at depth 16, everysec", medians["everysec"] / medians["redis-server, everysec"], "of redis-server"),
    ]


def loading(keys: int, say: Say) -> list[dict[str, Any]]:
    """Replaying a journal of SETs, then loading the base that is made of it; in seconds of CPU that the shard tells."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        with group(directory, auto_aof_rewrite_percentage="0") as port:
            run_commands(port, [[b"SET", b"key:%012d" % i, b"val:%012d" % i] for i in range(keys)])
        with group(directory, auto_aof_rewrite_percentage="0") as port:
            replayed_s = _loaded(directory, port, keys)
            run_commands(port, [[b"BGREWRITEAOF"]])
            while (
                list(Path(directory).glob("shard-0/appendonlydir/*.base.rdb")) == []
                or _field(port, "aof_rewrite_in_progress") != "0"
            ):
                time.sleep(0.05)
        with group(directory) as port:
            loaded_s = _loaded(directory, port, keys)
    say(f"{keys:,} keys: replayed in {replayed_s:.2f} s, loaded in {loaded_s:.2f} s of CPU")
    return [
        _row(
            f"replaying a journal of {keys:,} SETs", keys / max(replayed_s, 0.01), "commands a second of CPU", 300_000
        ),
        _row("loading string keys from a base", loaded_s * 1_000_000 / keys, "s of CPU a million", 3.0, at_most=True),
    ]


def snapshot(keys: int, requests: int, say: Say) -> list[dict[str, Any]]:
    """p99 of GET before and while a child writes a snapshot, and the memory that the child copied."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, group(directory, appendonly="no") as port:
        run_commands(port, list(bench_growth.strings(keys)))
        usual, during = [], []
        run_commands(port, [[b"BGSAVE"]])
        began = time.monotonic()
        _until_saved(port)
        took_s = time.monotonic() - began
        for _ in range(5):
            found = redis_benchmark(port, GET, 50, 1, requests, keys)
            usual.append(found.p99_ms)
            # As many as there is time for beside the child: with more, its part in the p99 would be diluted.
            beside = max(int(found.rps * took_s), 2000)
            run_commands(port, [[b"BGSAVE"]])
            during.append(redis_benchmark(port, GET, 50, 1, beside, keys).p99_ms)
            _until_saved(port)
        copied = int(_field(port, "rdb_last_cow_size"))
        resident = int(_field(port, "used_memory_rss", "memory"))
        fork_us = int(_field(port, "latest_fork_usec", "stats"))
    slower = statistics.median(during) / statistics.median(usual)
    say(f"p99 of GET {usual} ms, during BGSAVE ({took_s:.2f} s) {during} ms; fork {fork_us / 1000:.1f} ms")
    return [
        _row(f"p99 of GET during BGSAVE of {keys:,} keys", slower, "of the usual", 3.0, at_most=True),
        _row("memory that the child of BGSAVE copies", copied / resident, "of the resident memory"),
        _row("fork", fork_us / 1000, "ms"),
    ]


def _until_saved(port: int) -> None:
    while _field(port, "rdb_bgsave_in_progress") != "0":
        time.sleep(0.02)


def measure(rounds: int, scale: float, keys: int, say: Say) -> list[dict[str, Any]]:
    """Every figure: {"what", "value", "unit", "wanted" (or None), "holds" (or None)}."""
    return [
        *journal_cost(rounds, max(20_000, int(400_000 * scale)), say),
        *loading(keys, say),
        *snapshot(keys, max(5000, int(60_000 * scale)), say),
    ]


def _row(what: str, value: float, unit: str, wanted: float | None = None, at_most: bool = False) -> dict[str, Any]:
    holds = None if wanted is None else (value <= wanted if at_most else value >= wanted)
    return {"what": what, "value": value, "unit": unit, "wanted": wanted, "at_most": at_most, "holds": holds}


def _loaded(directory: str, port: int, keys: int) -> float:
    """Seconds of CPU that the shard's log says for loading. RuntimeError if it was not all."""
    said = _LOADED.findall(Path(directory, f"log-{port}").read_text(errors="replace"))
    if not said or int(said[-1][0]) != keys:
        raise RuntimeError(f"{keys} keys were written, and the log says {said}")
    return float(said[-1][1])


def _field(port: int, name: str, section: str = "persistence") -> str:
    """One field of INFO. KeyError."""
    import redis

    with contextlib.closing(redis.Redis(port=port)) as client:
        return str(client.info(section)[name])
