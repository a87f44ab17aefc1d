"""status: the groups that replicate each other, and the processes of the one that is asked."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import fail
from cli.replication_view import GroupRow, groups_of, groups_table
from cluster.slots import slot_ranges

if TYPE_CHECKING:
    import redis
    from rich.console import RenderableType

app = typer.Typer()

FIGURES = {
    "version": ("redis_version",),
    "uptime, s": ("uptime_in_seconds",),
    "role": ("role",),
    "clients": ("connected_clients",),
    "ops/s": ("instantaneous_ops_per_sec",),
    "held operations": ("held_operations",),
    "oldest hold, ms": ("oldest_hold_ms",),
    "memory": ("used_memory_human", "used_memory"),
    "replicas": ("connected_slaves",),
    "master link": ("master_link_status",),
}


@dataclass(slots=True)
class Process:
    name: str
    state: str
    pid: int | None
    starts: int
    slots: str = ""
    rss_bytes: int = 0


@dataclass(slots=True)
class Snapshot:
    """What is known of a group at one moment. `processes` is empty for a group on another host."""

    address: str
    info: dict[str, Any]
    keys: int
    processes: list[Process] = field(default_factory=list)
    groups: list[GroupRow] = field(default_factory=list)

    @property
    def health(self) -> str:
        """"ok", or which processes do not serve."""
        ill = [process.name for process in self.processes if process.state != "ready"]
        ill += [group.address for group in self.groups if group.state not in ("ok", "online")]
        return f"degraded: {', '.join(ill)}" if ill else "ok"


@app.command()
def status(
    port: Annotated[int, typer.Option("--port", "-p", help="The group's port.")] = 6379,
    host: Annotated[str, typer.Option("--host", "-h", help="The group's host.")] = "127.0.0.1",
    password: Annotated[
        str, typer.Option("--password", "-a", help="Its password.", envvar="ELIXIRCACHE_REQUIREPASS")
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option("--interval", help="Seconds between two looks of --watch.", min=0.1)] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Show processes, roles, slots, keys, memory, ops/s and health. Exit code 1 when something is down."""
    import redis

    client = redis.Redis(host=host, port=port, password=password or None, decode_responses=True, socket_timeout=10)
    try:
        if watch:
            _watch(client, f"{host}:{port}", interval)
            return
        snapshot = look(client, f"{host}:{port}")
    except redis.RedisError as error:
        fail(f"cannot ask {host}:{port}: {error}", code=1)
    if as_json:
        typer.echo(json.dumps(_as_json(snapshot), indent=2))
    else:
        from rich.console import Console

        Console().print(table(snapshot))
    raise typer.Exit(0 if snapshot.health == "ok" else 1)


def look(client: redis.Redis, address: str) -> Snapshot:
    """Asks a group. redis.RedisError if it does not answer."""
    info: Any = client.info()
    size: Any = client.dbsize()
    settings: Any = client.config_get("dir")
    processes = processes_of(Path(settings.get("dir", "")))
    return Snapshot(address, info, size, processes, groups_of(client, address, info))


def processes_of(directory: Path) -> list[Process]:
    """The processes of the group in a data directory of this machine; empty if there is none."""
    try:
        state = json.loads((directory / "run" / "state.json").read_text())
    except (OSError, ValueError):
        return []
    children = state["children"]
    ranges = slot_ranges(sum(name.startswith("shard-") for name in children))
    found = [Process("supervisor", "ready", state["pid"], 1, "", _rss_bytes(state["pid"]))]
    for name, child in children.items():
        slots = ""
        if name.startswith("shard-"):
            first, last = ranges[int(name.removeprefix("shard-"))]
            slots = f"{first}-{last}"
        rss = _rss_bytes(child["pid"])
        found.append(Process(name, child["state"], child["pid"], child["incarnation"], slots, rss))
    return found


def table(snapshot: Snapshot) -> RenderableType:
    """The picture for people."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    summary = Table.grid(padding=(0, 2))
    summary.add_row("group", snapshot.address)
    healthy = snapshot.health == "ok"
    summary.add_row("health", Text(snapshot.health, style="green" if healthy else "bold red"))
    summary.add_row("keys", f"{snapshot.keys:,}")
    for label, names in FIGURES.items():
        value = next((snapshot.info[name] for name in names if name in snapshot.info), None)
        if value is not None:
            summary.add_row(label, str(value))
    parts: list[RenderableType] = [summary]
    if len(snapshot.groups) > 1:
        parts += ["", groups_table(snapshot.groups)]
    if not snapshot.processes:
        return Group(*parts)
    processes = Table(box=None, header_style="bold", padding=(0, 2))
    for title in ("process", "state", "pid", "slots", "memory", "restarts"):
        processes.add_column(title, justify="left" if title in ("process", "state", "slots") else "right")
    for process in snapshot.processes:
        style = "" if process.state == "ready" else "red"
        memory = f"{process.rss_bytes / 1048576:.1f} MB" if process.rss_bytes else ""
        restarts = str(max(process.starts - 1, 0))
        pid = str(process.pid or "")
        processes.add_row(process.name, process.state, pid, process.slots, memory, restarts, style=style)
    return Group(*parts, "", processes)


def _watch(client: redis.Redis, address: str, interval_s: float) -> None:
    import redis
    from rich.live import Live

    try:
        with Live(table(look(client, address)), screen=False, auto_refresh=False) as live:
            while True:
                time.sleep(interval_s)
                try:
                    live.update(table(look(client, address)), refresh=True)
                except redis.RedisError as error:
                    live.update(f"{address} does not answer: {error}", refresh=True)
    except KeyboardInterrupt:
        return


def _as_json(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "address": snapshot.address,
        "health": snapshot.health,
        "keys": snapshot.keys,
        "info": snapshot.info,
        "groups": [asdict(group) for group in snapshot.groups],
        "processes": [
            {
                "name": process.name,
                "state": process.state,
                "pid": process.pid,
                "slots": process.slots,
                "rss_bytes": process.rss_bytes,
                "restarts": max(process.starts - 1, 0),
            }
            for process in snapshot.processes
        ],
    }


def _rss_bytes(pid: int | None) -> int:
    """Resident memory of a process; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
