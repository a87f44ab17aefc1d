"""`elixircache bench`: ElixirCache beside redis-server and twemproxy, in turn, in the same minutes.

Machines drift by a fifth within minutes, so every workload runs round by round on all systems
one after the other, and what counts are the ratios of medians.
"""

from __future__ import annotations

import contextlib
import json
import signal
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import elixircache
from cli import (
    bench_durability,
    bench_growth,
    bench_load,
    bench_metrics,
    bench_replication,
    bench_stalls,
    bench_systems,
)
from cli.bench_load import Sample, Workload
from cli.bench_systems import System

app = typer.Typer()
console = Console()
if console.width < 150:
    console = Console(width=150)  # a narrower table breaks its figures over lines
SECTIONS = {"core": bench_load.CORE, "types": bench_load.TYPES, "transactions": bench_load.TRANSACTIONS,
            "scripts": bench_load.SCRIPTS}  # fmt: skip
OTHER_SECTIONS = ("memory", "memory-keys", "growth", "stalls", "durability", "replication", "metrics")
REQUESTS = {1: 60_000, 16: 400_000, 64: 600_000}
Results = dict[tuple[str, int], dict[str, list[Sample]]]


def measure(
    systems: list[System],
    works: list[Workload],
    depths: list[int],
    rounds: int,
    scale: float,
    clients: int,
    keyspace: int,
) -> Results:
    """Samples by (workload, depth) and system."""
    results: Results = {}
    for work in works:
        fitting = [s for s in systems if work.proxied or "proxy" not in s.roles]
        if work.python is not None:
            fitting = [s for s in fitting if s.name.startswith("ElixirCache")]
            load = [b"PY.LOAD", work.python.__name__.encode(), elixircache.pack(work.python), b"REPLACE"]
            for system in fitting:
                bench_load.run_commands(system.port, [load])
        for system in fitting if work.setup else []:
            bench_load.run_commands(system.port, work.setup)
        for depth in depths if work.command is not None else [1]:
            requests = max(2000, int(REQUESTS.get(depth, 200_000) * scale / work.weight))
            samples: dict[str, list[Sample]] = {system.name: [] for system in fitting}
            for number in range(rounds):
                turn = number % len(fitting)
                for system in fitting[turn:] + fitting[:turn]:
                    samples[system.name].append(bench_load.run(system, work, clients, depth, requests, keyspace))
            results[work.name, depth] = samples
            console.print(
                f"[dim]{work.name}, depth {depth}: "
                + ", ".join(
                    f"{name} {statistics.median(s.rps for s in runs) / 1000:.0f}k" for name, runs in samples.items()
                )
            )
    return results


def middle(samples: list[Sample], field: Callable[[Sample], float]) -> float:
    """Median of one figure."""
    return statistics.median(map(field, samples))


def throughput_table(results: Results, reference: str, proxy: str) -> Table:
    """Medians, and ratios to both references."""
    table = Table(title="requests per second, thousands; p50 / p99 in ms; CPU in us per request")
    for heading in ("workload", "depth", "system", "k/s", "/ redis", "/ twemproxy", "p50 / p99", "CPU by role"):
        table.add_column(heading, justify="left" if heading in ("workload", "system", "CPU by role") else "right")
    for (name, depth), systems in results.items():
        medians = {system: middle(runs, lambda s: s.rps) for system, runs in systems.items()}
        for at, (system, runs) in enumerate(systems.items()):
            cpu = "  ".join(
                f"{role} {middle(runs, lambda s, role=role: s.cpu_us[role]):.2f}"  # type: ignore[misc]
                for role in runs[0].cpu_us
                if role != "supervisor"
            )
            ratios = [
                f"{medians[system] / medians[other]:.2f}" if other in medians and other != system else ""
                for other in (reference, proxy)
            ]
            latency = f"{middle(runs, lambda s: s.p50_ms):.2f} / {middle(runs, lambda s: s.p99_ms):.2f}"
            table.add_row(
                name if at == 0 else "",
                str(depth) if at == 0 else "",
                system,
                f"{medians[system] / 1000:.1f}",
                *ratios,
                latency,
                cpu,
                end_section=at == len(systems) - 1,
            )
    return table


def memory_table(count: int, starts: dict[str, bench_growth.Start], kinds: list[str]) -> tuple[Table, list[Any]]:
    """Bytes per key and per element, ElixirCache beside redis-server."""
    table = Table(title=f"resident bytes per item, {count:,} items")
    for heading in ("what", *starts, "ratio"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    rows: list[Any] = []
    cases: list[tuple[str, Callable[[], Any], int]] = [
        ("16-byte key, 16-byte value", lambda: bench_growth.strings(count), count)
    ]
    for kind in kinds:
        cases.append((f"element of one {kind}", partial(bench_growth.one_collection, kind, count), count))
        few = count // 20
        cases.append((f"{kind} of ten", partial(bench_growth.small_collections, kind, few), few))
    for what, commands, items in cases:
        found = [bench_growth.footprint(start, what, commands(), items).bytes_each for start in starts.values()]
        table.add_row(what, *(f"{each:.1f}" for each in found), f"{found[0] / max(found[-1], 1e-9):.2f}")
        rows.append({"what": what, **dict(zip(starts, found, strict=True))})
        console.print(f"[dim]{what}: {', '.join(f'{each:.1f}' for each in found)} bytes")
    return table, rows


def growth_table(sizes: list[int], requests: int, starts: dict[str, bench_growth.Start]) -> tuple[Table, list[Any]]:
    """CPU per command by size of the collection."""
    table = Table(title="CPU us per command in the process that holds the collection, by its size")
    table.add_column("command")
    for name in starts:
        for size in sizes:
            table.add_column(f"{name}\n{size:,}", justify="right")
        table.add_column("factor", justify="right")
    curves = [
        bench_growth.growth(start, sizes, requests, lambda text: console.print(f"[dim]{text}"))
        for start in starts.values()
    ]
    rows = []
    for row in zip(*curves, strict=True):
        cells = [cell for one in row for cell in (*(f"{one.cost_us[s]:.2f}" for s in sizes), f"{one.factor:.1f}")]
        table.add_row(row[0].label, *cells)
        rows.append({"command": row[0].label, **{name: one.cost_us for name, one in zip(starts, row, strict=True)}})
    return table, rows


def stalls_table(found: dict[str, list[bench_stalls.Stall]]) -> Table:
    """The longest wait of others while a large collection goes, by type."""
    table = Table(title="longest GET of another key in ms while a large collection goes (before it)")
    table.add_column("")
    for kind in bench_stalls.KINDS:
        table.add_column(kind, justify="right")
    for name, stalls in found.items():
        for operation in bench_stalls.OPERATIONS:
            each = [stall for stall in stalls if stall.operation == operation]
            table.add_row(
                f"{name}: {operation}", *(f"{stall.during_ms:.1f} ({stall.before_ms:.1f})" for stall in each)
            )
    return table


def durability_table(rows: list[dict[str, Any]]) -> Table:
    """What was measured beside what is wanted."""
    table = Table(title="durability, one shard")
    for heading in ("what", "measured", "", "wanted", "holds"):
        table.add_column(heading, justify="right" if heading in ("measured", "wanted") else "left")
    for row in rows:
        wanted = "" if row["wanted"] is None else f"{'<=' if row['at_most'] else '>='} {row['wanted']:,g}"
        holds = "" if row["holds"] is None else ("yes" if row["holds"] else "no")
        table.add_row(row["what"], f"{row['value']:,.2f}", row["unit"], wanted, holds)
    return table


def replication_table(found: list[bench_replication.Figures], keys: int) -> Table:
    """What a replica costs and how far it is behind."""
    table = Table(title="replication, one replica, master and replica on the same machine")
    headings = ("SET depth 16, k/s alone", "with replica", "ratio", "writes/s", "delay p50 / p99 ms")
    table.add_column("system")
    for heading in (*headings, f"full sync of {keys:,} keys, s", "acknowledged, lost by kill -9"):
        table.add_column(heading, justify="right")
    for one in found:
        table.add_row(
            one.name,
            f"{statistics.median(one.alone) / 1000:.0f}",
            f"{statistics.median(one.attached) / 1000:.0f}",
            f"{one.ratio:.2f}",
            f"{one.written:,.0f}",
            f"{one.delay_ms(0.5):.1f} / {one.delay_ms(0.99):.1f}",
            f"{one.full_sync_s:.1f}",
            f"{one.acknowledged:,}, {one.lost:,}",
        )
    return table


def metrics_table(cost_ms: dict[str, float], pairs: list[bench_metrics.Pair]) -> Table:
    """With /metrics fetched every second, as a ratio to without."""
    table = Table(title="SET at depth 16 with /metrics fetched every second, ratio to without")
    for heading in ("", "median", "each pair"):
        table.add_column(heading)
    each = {
        "CPU per command": [pair.cpu_ratio for pair in pairs],
        "commands per second": [pair.rate_ratio for pair in pairs],
    }
    cost = ", ".join(f"{role} {ms:.2f}" for role, ms in cost_ms.items() if role != "supervisor")
    table.add_row("CPU ms of a scrape", cost)
    for name, ratios in each.items():
        table.add_row(name, f"{statistics.median(ratios):.3f}", " ".join(f"{ratio:.3f}" for ratio in ratios))
    return table


def _asked_for(work: Workload, section: str, word: str) -> bool:
    """Whether a word of --only means this workload: its section, its name, its command, or how its name begins (some
    words of it: names have commas)."""
    name = work.name.lower()
    command = name.split()[0] if work.command else ""
    return word in (section, name, command) or (" " in word and name.startswith(word))


@app.command()
def bench(
    only: Annotated[
        str,
        typer.Option(
            help="sections (core, types, scripts, transactions, memory, growth, stalls, durability, replication, "
            "metrics) "
            "or workload names, comma-separated; everything when empty"
        ),
    ] = "",
    quick: Annotated[bool, typer.Option(help="a tenth of the requests, one round, a fifth of the keys")] = False,
    rounds: Annotated[int, typer.Option(help="rounds of each workload; medians are shown")] = 3,
    depths: Annotated[str, typer.Option(help="pipeline depths")] = "1,16,64",
    shards: Annotated[str, typer.Option(help="shard counts of the ElixirCache groups")] = "1,2",
    clients: Annotated[int, typer.Option(help="connections of redis-benchmark")] = 50,
    keyspace: Annotated[int, typer.Option(help="different random keys")] = 100_000,
    scale: Annotated[float, typer.Option(help="factor on the number of requests")] = 1.0,
    items: Annotated[int, typer.Option(help="keys and elements of the memory figures")] = 1_000_000,
    to_json: Annotated[Path | None, typer.Option("--json", help="also write all figures to this file")] = None,
) -> None:
    """Compare ElixirCache with redis-server and twemproxy on this machine, now."""
    lacking = bench_systems.missing_tools()
    if lacking:
        console.print(f"[red]not installed: {', '.join(lacking)}")
        raise typer.Exit(2)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers started here end with it
    if quick:
        rounds, scale, items = 1, scale * 0.1, items // 5
    wanted = [word.strip().lower() for word in only.split(",") if word.strip()]
    works = [
        work
        for section, group in SECTIONS.items()
        for work in group
        if not wanted or any(_asked_for(work, section, word) for word in wanted)
    ]
    for word in wanted:
        if word not in {*SECTIONS, *OTHER_SECTIONS} and not any(_asked_for(work, "", word) for work in works):
            raise typer.BadParameter(f"there is no section or workload '{word}'", param_hint="--only")
    figures: dict[str, Any] = {}
    tables: list[Table] = []
    counts = [int(count) for count in shards.split(",")]
    if works:
        with contextlib.ExitStack() as stack:
            systems = [stack.enter_context(bench_systems.elixircache(count)) for count in counts]
            systems += [stack.enter_context(start()) for start in (bench_systems.redis_server, bench_systems.twemproxy)]
            results = measure(
                systems, works, [int(depth) for depth in depths.split(",")], rounds, scale, clients, keyspace
            )
            tables.append(throughput_table(results, systems[-2].name, systems[-1].name))
        figures["throughput"] = [
            {"workload": name, "depth": depth, "system": system, "samples": [vars(sample) for sample in samples]}
            for (name, depth), by_system in results.items()
            for system, samples in by_system.items()
        ]
    starts: dict[str, bench_growth.Start] = {
        "ElixirCache": partial(bench_systems.elixircache, 1),
        "redis-server": bench_systems.redis_server,
    }
    if not wanted or "memory" in wanted or "memory-keys" in wanted:
        kinds = [] if wanted == ["memory-keys"] else ["list", "set", "hash", "zset", "stream"]
        table, figures["memory"] = memory_table(items, starts, kinds)
        tables.append(table)
    if not wanted or "growth" in wanted:
        table, figures["growth"] = growth_table(
            [1000, 20_000 if quick else 1_000_000], int(100_000 * scale) + 1000, starts
        )
        tables.append(table)
    if not wanted or "stalls" in wanted:
        waits = {
            name: bench_stalls.stalls(start, items, lambda text: console.print(f"[dim]{text}"))
            for name, start in starts.items()
        }
        figures["stalls"] = [{"system": name, **vars(one)} for name, found in waits.items() for one in found]
        tables.append(stalls_table(waits))
    if not wanted or "durability" in wanted:
        rows = bench_durability.measure(rounds, scale, items, lambda text: console.print(f"[dim]{text}"))
        figures["durability"] = rows
        tables.append(durability_table(rows))
    if not wanted or "replication" in wanted:
        # As `elixircache up` has them: Linux shares processors out to sessions first, then to what runs in them.
        groups: list[bench_growth.Start] = [
            partial(bench_systems.elixircache, count, own_session=False) for count in counts
        ]
        groups.append(partial(bench_systems.redis_server, own_session=False))
        replicated = [
            bench_replication.measure(start, rounds, int(REQUESTS[16] * scale), items, 50_000, 1 if quick else 5)
            for start in groups
        ]
        figures["replication"] = [vars(one) for one in replicated]
        tables.append(replication_table(replicated, items))
    if not wanted or "metrics" in wanted:
        cost_ms, pairs = bench_metrics.measure(rounds * 5, 2)
        figures["metrics"] = {
            "scrape_ms": cost_ms,
            "pairs": [{"alone": vars(pair.alone), "watched": vars(pair.watched)} for pair in pairs],
        }
        tables.append(metrics_table(cost_ms, pairs))
    for table in tables:
        console.print(table)
    if to_json is not None:
        to_json.write_text(json.dumps(figures, indent=1))
