"""MEMORY DOCTOR, MALLOC-STATS, PURGE, STATS. (MEMORY USAGE is answered by the key's shard.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.replies import OK, MapReply, Verbatim
from router.asking import ask_json
from router.commands.info import Shards, memory, total
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


@handles("MEMORY|STATS")
def stats(router: Router, session: Session, args: list[bytes]) -> Any:
    """MEMORY STATS: measured by the shards."""

    def merge(shards: Shards) -> Any:
        fields = memory(router, shards)
        keys = sum(db["keys"] for shard in shards.values() for db in shard["keyspace"].values())
        used = fields["used_memory"]
        rss, peak = fields["used_memory_rss"], fields["used_memory_peak"]
        tables: dict[int, list[int]] = {}
        for shard in shards.values():
            for db, (main, expires) in shard["overhead"].items():
                before = tables.get(int(db), [0, 0])
                tables[int(db)] = [before[0] + main, before[1] + expires]
        overhead = fields["used_memory_overhead"] + sum(map(sum, tables.values()))
        dataset = max(used - overhead, 0)
        return MapReply(
            [
                b"peak.allocated", peak,
                b"total.allocated", used,
                b"startup.allocated", 0,
                b"replication.backlog", fields["mem_replication_backlog"],
                b"clients.slaves", 0,
                b"clients.normal", fields["mem_clients_normal"],
                b"cluster.links", 0,
                b"aof.buffer", 0,
                b"lua.caches", 0,
                b"functions.caches", 0,
                *(
                    part
                    for db, (main, expires) in sorted(tables.items())
                    for part in (
                        b"db.%d" % db,
                        MapReply([b"overhead.hashtable.main", main, b"overhead.hashtable.expires", expires]),
                    )
                ),
                b"overhead.total", overhead,
                b"keys.count", keys,
                b"keys.bytes-per-key", used // keys if keys else 0,
                b"dataset.bytes", dataset,
                b"dataset.percentage", 100.0 * dataset / used if used else 0.0,
                b"peak.percentage", 100.0 * used / peak if peak else 0.0,
                b"allocator.allocated", fields["allocator_allocated"],
                b"allocator.active", fields["allocator_active"],
                b"allocator.resident", fields["allocator_resident"],
                b"allocator-fragmentation.ratio", float(fields["allocator_frag_ratio"]),
                b"allocator-fragmentation.bytes", fields["allocator_frag_bytes"],
                b"allocator-rss.ratio", float(fields["allocator_rss_ratio"]),
                b"allocator-rss.bytes", fields["allocator_rss_bytes"],
                b"rss-overhead.ratio", float(fields["rss_overhead_ratio"]),
                b"rss-overhead.bytes", fields["rss_overhead_bytes"],
                b"fragmentation", rss / used if used else 0.0,
                b"fragmentation.bytes", max(rss - used, 0),
            ]
        )  # fmt: skip

    return ask_json(router, session, [b"SHARD.INFO", b"OVERHEAD"], merge)


@handles("MEMORY|DOCTOR")
def doctor(router: Router, session: Session, args: list[bytes]) -> Any:
    """MEMORY DOCTOR"""

    def merge(shards: Shards) -> Any:
        used, peak = total(shards, "memory", "used"), total(shards, "memory", "peak")
        rss = total(shards, "memory", "rss")
        if used < 5 << 20:
            return Verbatim(b"This instance is empty or is using very little memory; there is nothing to detect.\n")
        found = []
        if peak > used * 1.5:
            found.append(f"Peak memory: {peak / used:.1f} times what is used now; the system may not have it back yet.")
        if rss > used * 2:
            found.append(f"High fragmentation: the processes have {rss / used:.1f} times what the keys use.")
        return Verbatim(("\n".join(found) or "No memory issue was found.").encode() + b"\n")

    return ask_json(router, session, [b"SHARD.INFO"], merge)


@handles("MEMORY|MALLOC-STATS")
def malloc_stats(router: Router, session: Session, args: list[bytes]) -> Any:
    """MEMORY MALLOC-STATS"""
    return Verbatim(b"Stats not supported for the current allocator")


@handles("MEMORY|PURGE")
def purge(router: Router, session: Session, args: list[bytes]) -> Any:
    """MEMORY PURGE: the allocator gives memory back by itself."""
    return OK
