"""The groups that replicate each other, as `status` shows them: found from any one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import redis
    from rich.table import Table

GROUPS_MAX = 100


@dataclass(slots=True)
class GroupRow:
    """One group. offset: of its stream; behind_bytes and lag_s: of a replica, as its master sees it.

    state: "ok"; of a replica "online", "down", "snapshot 42.00%" (its master writes it), "sync 42.00%" (it comes),
    "loading 42.00%" (its shards read it); "away" when it does not answer."""

    address: str
    role: str
    state: str
    keys: int = -1
    offset: int = -1
    behind_bytes: int = 0
    lag_s: int = 0
    of: str = ""


def groups_of(client: redis.Redis, address: str, info: dict[str, Any]) -> list[GroupRow]:
    """Master first, then its replicas and theirs. `address`, `info`: of the group that was asked."""
    start, seen = (client, address, info), {address}
    while start[2].get("role") == "slave" and len(seen) < GROUPS_MAX:
        above = f"{start[2]['master_host']}:{start[2]['master_port']}"
        found = _ask(client, above)
        if found is None or above in seen:
            away = [] if found else [GroupRow(above, "master", "away")]
            return [*away, *_walk(client, start[1], start[2], None, set())]
        seen.add(above)
        start = (client, above, found)
    return list(_walk(client, start[1], start[2], None, set()))


def _walk(
    client: redis.Redis, address: str, info: dict[str, Any], line: dict[str, Any] | None, seen: set[str]
) -> Iterator[GroupRow]:
    if address in seen or len(seen) >= GROUPS_MAX:
        return
    seen.add(address)
    yield _row(address, info, line)
    for number in range(int(info.get("connected_slaves", 0))):
        below = info.get(f"slave{number}")
        if not isinstance(below, dict):
            continue
        name = f"{below['ip']}:{below['port']}"
        behind = {"behind": int(info["master_repl_offset"]) - int(below["offset"]), "lag": int(below["lag"])}
        if below["state"] == "wait_bgsave":
            behind["snapshot"] = info.get("sync_snapshot_perc", 0)
        found = _ask(client, name)
        if found is None:
            yield GroupRow(name, "replica", "away", -1, int(below["offset"]), behind["behind"], behind["lag"], address)
        else:
            yield from _walk(client, name, found, behind, seen)


def _row(address: str, info: dict[str, Any], line: dict[str, Any] | None) -> GroupRow:
    keys = sum(int(db["keys"]) for name, db in info.items() if name.startswith("db") and isinstance(db, dict))
    offset = int(info.get("master_repl_offset", -1))
    if info.get("role") != "slave":
        return GroupRow(address, "master", "ok", keys, offset)
    state = "online" if info["master_link_status"] == "up" else "down"
    if int(info.get("master_sync_in_progress", 0)):
        state = _syncing(info, line or {})
    found = line or {"behind": 0, "lag": max(int(info.get("master_last_io_seconds_ago", 0)), 0)}
    of = f"{info['master_host']}:{info['master_port']}"
    return GroupRow(address, "replica", state, keys, offset, max(found["behind"], 0), found["lag"], of)


def _syncing(info: dict[str, Any], above: dict[str, Any]) -> str:
    """Which of the three steps of a full synchronisation it is in, and how far that is."""
    if int(info.get("async_loading", 0)):
        return f"loading {float(info['loading_loaded_perc']):.2f}%"
    if "snapshot" in above:
        return f"snapshot {float(above['snapshot']):.2f}%"
    return f"sync {float(info.get('master_sync_perc', 0)):.2f}%"


def _ask(client: redis.Redis, address: str) -> dict[str, Any] | None:
    """INFO of another group, with the password of the first."""
    import redis

    host, _, port = address.rpartition(":")
    password = client.connection_pool.connection_kwargs.get("password")
    other = redis.Redis(host=host, port=int(port), password=password, decode_responses=True, socket_timeout=2)
    try:
        found: Any = other.info()
        return dict(found)
    except redis.RedisError:
        return None
    finally:
        other.close()


def groups_table(groups: list[GroupRow]) -> Table:
    """The picture for people."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 2))
    for title in ("group", "role", "state", "keys", "offset", "behind", "lag"):
        table.add_column(title, justify="left" if title in ("group", "role", "state") else "right")
    for group in groups:
        replica = group.role == "replica"
        style = "" if group.state in ("ok", "online") else "red"
        cells = [f"{group.keys:,}" if group.keys >= 0 else "", str(group.offset) if group.offset >= 0 else ""]
        cells += [f"{group.behind_bytes:,} B" if replica else "", f"{group.lag_s} s" if replica else ""]
        table.add_row(group.address, group.role, group.state, *cells, style=style)
    return table
