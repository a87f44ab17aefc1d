"""INFO: the router's figures and the sum of its shards'."""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cluster.replies import Verbatim
from router.asking import ask_json
from router.commands.command_statistics import Fields, Shards, commandstats, errorstats, failures, latencystats
from router.commands.connection import REDIS_VERSION
from router.registry import handles
from router.replication.replica import lag_s

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


def human(size: float) -> str:
    """Bytes as Redis writes them for people: 1.04M."""
    if size < 1024:
        return f"{int(size)}B"
    for unit in "KMGTPE":
        size /= 1024
        if size < 1024:
            return f"{size:.2f}{unit}"
    return f"{size:.2f}E"


def total(shards: Shards, part: str, name: str) -> int:
    """The sum of one figure over all shards."""
    return sum(int(shard.get(part, {}).get(name, 0)) for shard in shards.values())


def largest(shards: Shards, part: str, name: str) -> int:
    """One figure of what every shard has alike."""
    return max((int(shard.get(part, {}).get(name, 0)) for shard in shards.values()), default=0)


def resident() -> int:
    """Resident bytes of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def server(router: Router, shards: Shards) -> Fields:
    """Who we are."""
    uptime_s = max(0, router.now - router.started_ms) // 1000
    return {
        "redis_version": REDIS_VERSION.decode(),
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0",
        "redis_mode": "standalone",
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "arch_bits": 64 if sys.maxsize > 2**32 else 32,
        "monotonic_clock": "POSIX clock_gettime",
        "multiplexing_api": "epoll",
        "atomicvar_api": "c11-builtin",
        "gcc_version": "0.0.0",
        "process_id": os.getpid(),
        "process_supervised": "no",
        "run_id": router.run_id,
        "tcp_port": router.listening_port() or router.config["port"],
        "server_time_usec": router.now * 1000,
        "uptime_in_seconds": uptime_s,
        "uptime_in_days": uptime_s // 86400,
        "hz": router.config["hz"],
        "configured_hz": router.config["hz"],
        "lru_clock": router.now // 1000 & 0xFFFFFF,
        "executable": sys.executable,
        "config_file": router.config.path,
        "io_threads_active": 0,
        "listener0": f"name=tcp,bind={router.config['bind']},port={router.listening_port() or router.config['port']}",
        "elixircache_shards": router.shard_count,
        "elixircache_shards_up": sum(1 for link in router.core.links if link.up),
    }


def clients(router: Router, shards: Shards) -> Fields:
    """Connections."""
    sessions = router.clients.values()
    return {
        "connected_clients": sum(1 for session in sessions if session.replica is None),
        "cluster_connections": 0,
        "maxclients": router.config["maxclients"],
        "client_recent_max_input_buffer": max((session.conn.in_size for session in sessions), default=0),
        "client_recent_max_output_buffer": max((session.conn.out_size for session in sessions), default=0),
        "blocked_clients": sum(1 for session in sessions if session.blocked is not None),
        "tracking_clients": sum(1 for session in sessions if session.tracking is not None),
        "pubsub_clients": sum(1 for session in sessions if session.subscribed),
        "watching_clients": sum(1 for session in sessions if session.conn.watch),
        "clients_in_timeout_table": 0,
        "total_watched_keys": sum(len(session.conn.watch) for session in sessions if session.conn.watch),
        "total_blocking_keys": len(
            {key for wait in router.blocking.blocked.values() for keys in wait.keys.values() for key in keys}
        ),
    }


def memory(router: Router, shards: Shards) -> Fields:
    """Measured by the shards, the router's own beside it."""
    used = total(shards, "memory", "used")
    peak = max(total(shards, "memory", "peak"), used)
    own_rss = resident()
    rss = total(shards, "memory", "rss") + own_rss
    buffers = sum(session.conn.in_size + session.conn.out_size for session in router.clients.values())
    followers = [(replica.session.conn.out_size, replica.kept_size) for replica in router.master.replicas.values()]
    replicas = sum(map(sum, followers))
    buffers -= sum(sent for sent, _ in followers)
    system = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = int(router.config["maxmemory"])
    backlog = len(router.master.feed.backlog)
    return {
        "used_memory": used,
        "used_memory_human": human(used),
        "used_memory_rss": rss,
        "used_memory_rss_human": human(rss),
        "used_memory_peak": peak,
        "used_memory_peak_human": human(peak),
        "used_memory_peak_perc": f"{100 * used / peak if peak else 0:.2f}%",
        "used_memory_overhead": buffers + backlog + replicas,
        "used_memory_startup": 0,
        "used_memory_dataset": used,
        "used_memory_dataset_perc": f"{100 * used / (used + buffers + backlog + replicas) if used else 0:.2f}%",
        "total_system_memory": system,
        "total_system_memory_human": human(system),
        "used_memory_lua": 0,
        "used_memory_lua_human": "0B",
        "used_memory_vm_eval": 0,
        "used_memory_scripts_eval": 0,
        "number_of_cached_scripts": largest(shards, "scripts", "cached"),
        "number_of_functions": largest(shards, "scripts", "functions"),
        "number_of_libraries": largest(shards, "scripts", "libraries"),
        "used_memory_vm_functions": 0,
        "used_memory_vm_total": 0,
        "used_memory_vm_total_human": "0B",
        "used_memory_functions": 0,
        "used_memory_scripts": 0,
        "used_memory_scripts_human": "0B",
        "allocator_allocated": used,
        "allocator_active": rss,
        "allocator_resident": rss,
        "allocator_frag_ratio": f"{rss / used if used else 0:.2f}",
        "allocator_frag_bytes": max(rss - used, 0),
        "allocator_rss_ratio": "1.00",
        "allocator_rss_bytes": 0,
        "rss_overhead_ratio": "1.00",
        "rss_overhead_bytes": 0,
        "maxmemory": limit,
        "maxmemory_human": human(limit),
        "maxmemory_policy": router.config["maxmemory-policy"],
        "mem_fragmentation_ratio": f"{rss / used if used else 0:.2f}",
        "mem_fragmentation_bytes": max(rss - used, 0),
        "mem_not_counted_for_evict": 0,
        "mem_replication_backlog": backlog,
        "mem_total_replication_buffers": backlog + replicas,
        "mem_clients_slaves": replicas,
        "mem_clients_normal": buffers,
        "mem_cluster_links": 0,
        "mem_aof_buffer": 0,
        "mem_allocator": "libc",
        "active_defrag_running": 0,
        "lazyfree_pending_objects": total(shards, "stats", "lazyfree_pending_objects"),
        "lazyfreed_objects": total(shards, "stats", "lazyfreed_objects"),
    }


def persistence(router: Router, shards: Shards) -> Fields:
    """Journal and snapshots."""
    parts = [shard.get("persistence", {}) for shard in shards.values()]

    def status(name: str) -> str:
        return "err" if any(part.get(name, "ok") != "ok" for part in parts) else "ok"

    def summed(name: str) -> int:
        return total(shards, "persistence", name)

    def most(name: str, otherwise: int = 0) -> int:
        return max((int(part.get(name, otherwise)) for part in parts), default=otherwise)

    keys, written = summed("current_save_keys_total"), summed("current_save_keys_processed")
    # A snapshot of the group is as old as its oldest part.
    saved_s = [int(part["rdb_last_save_time"]) for part in parts if "rdb_last_save_time" in part]
    found: Fields = {
        "loading": 0 if router.serving else 1,
        "async_loading": int(bool(router.fill.preloading)),
        "current_cow_peak": summed("current_cow_peak"),
        "current_cow_size": summed("current_cow_size"),
        "current_cow_size_age": most("current_cow_size_age"),
        "current_save_keys_processed": written,
        "current_save_keys_total": keys,
        "current_fork_perc": f"{100 * written / keys if keys else 0:.2f}",
        "rdb_changes_since_last_save": summed("rdb_changes_since_last_save"),
        "rdb_bgsave_in_progress": most("rdb_bgsave_in_progress"),
        "rdb_last_save_time": min(saved_s, default=router.started_ms // 1000),
        "rdb_last_bgsave_status": status("rdb_last_bgsave_status"),
        "rdb_last_bgsave_time_sec": most("rdb_last_bgsave_time_sec", -1),
        "rdb_current_bgsave_time_sec": most("rdb_current_bgsave_time_sec", -1),
        "rdb_saves": most("rdb_saves"),
        "rdb_last_cow_size": summed("rdb_last_cow_size"),
        "rdb_last_load_keys_expired": summed("rdb_last_load_keys_expired"),
        "rdb_last_load_keys_loaded": summed("rdb_last_load_keys_loaded"),
        "aof_enabled": int(router.config["appendonly"]),
        "aof_rewrite_in_progress": most("aof_rewrite_in_progress"),
        "aof_rewrite_scheduled": 0,  # a rewrite does not wait for a snapshot here
        "aof_last_rewrite_time_sec": most("aof_last_rewrite_time_sec", -1),
        "aof_current_rewrite_time_sec": most("aof_current_rewrite_time_sec", -1),
        "aof_last_bgrewrite_status": status("aof_last_bgrewrite_status"),
        "aof_rewrites": most("aof_rewrites"),
        "aof_last_write_status": status("aof_last_write_status"),
        "aof_rewrites_consecutive_failures": most("aof_rewrites_consecutive_failures"),
        "aof_last_cow_size": summed("aof_last_cow_size"),
        "module_fork_in_progress": 0,
        "module_fork_last_cow_size": 0,
    }
    if not router.serving:
        found |= router.loading.fields()
    elif router.fill.preloading:
        found |= router.fill.fields()
    if router.config["appendonly"] and router.serving:
        for name in ("aof_current_size", "aof_base_size"):
            found[name] = summed(name)
        found["aof_pending_rewrite"] = 0  # CONFIG SET appendonly has its base before it answers
        for name in ("aof_buffer_length", "aof_pending_bio_fsync", "aof_delayed_fsync"):
            found[name] = summed(name)
    return found


def stats(router: Router, shards: Shards) -> Fields:
    """Since the start or CONFIG RESETSTAT."""
    own = router.stats
    conns = [session.conn for session in router.clients.values()]
    master = router.master
    return {
        "total_connections_received": own.connections,
        "total_commands_processed": router.core.commands,
        "held_operations": len(router.operations.active),
        "oldest_hold_ms": router.operations.oldest_ms(),
        "open_records": len(router.records.open),
        "instantaneous_ops_per_sec": own.commands_per_s,
        "total_net_input_bytes": own.bytes_in + sum(conn.bytes_in for conn in conns),
        "total_net_output_bytes": own.bytes_out + sum(conn.bytes_out for conn in conns),
        "instantaneous_input_kbps": f"{own.in_kbps:.2f}",
        "instantaneous_output_kbps": f"{own.out_kbps:.2f}",
        "total_net_repl_input_bytes": 0,
        "total_net_repl_output_bytes": 0,
        "instantaneous_input_repl_kbps": "0.00",
        "instantaneous_output_repl_kbps": "0.00",
        "rejected_connections": own.rejected_connections,
        "sync_full": master.full_syncs,
        "sync_partial_ok": master.partial_syncs,
        "sync_partial_err": master.refused_partial_syncs,
        "expired_keys": total(shards, "stats", "expired_keys"),
        "expired_stale_perc": "0.00",
        "expired_time_cap_reached_count": 0,
        "evicted_keys": total(shards, "stats", "evicted_keys"),
        "expire_cycle_cpu_milliseconds": total(shards, "stats", "expire_cycle_us") // 1000,
        "evicted_clients": 0,
        "total_eviction_exceeded_time": 0,
        "current_eviction_exceeded_time": 0,
        "keyspace_hits": total(shards, "stats", "keyspace_hits"),
        "keyspace_misses": total(shards, "stats", "keyspace_misses"),
        "pubsub_channels": len(router.pubsub.channels),
        "pubsub_patterns": len(router.pubsub.patterns),
        "pubsubshard_channels": len(router.pubsub.shard_channels),
        "latest_fork_usec": largest(shards, "persistence", "latest_fork_usec"),
        "total_forks": total(shards, "persistence", "total_forks"),
        "migrate_cached_sockets": 0,
        "slave_expires_tracked_keys": 0,
        "active_defrag_hits": 0,
        "active_defrag_misses": 0,
        "active_defrag_key_hits": 0,
        "active_defrag_key_misses": 0,
        "total_active_defrag_time": 0,
        "current_active_defrag_time": 0,
        "tracking_total_keys": total(shards, "stats", "tracking_keys"),
        "tracking_total_items": total(shards, "stats", "tracking_keys"),
        "tracking_total_prefixes": 0,
        "unexpected_error_replies": 0,
        "total_error_replies": own.error_replies + failures(shards),
        "dump_payload_sanitizations": 0,
        "total_reads_processed": router.core.reads,
        "total_writes_processed": router.core.writes,
        "io_threaded_reads_processed": 0,
        "io_threaded_writes_processed": 0,
        "reply_buffer_shrinks": 0,
        "reply_buffer_expands": 0,
    }


# A replica's state at its master, in Redis's words.
SYNC_STATES = {"queued": "wait_bgsave", "waiting": "wait_bgsave", "sending": "send_bulk", "online": "online"}


def replication(router: Router, shards: Shards) -> Fields:
    """Master or replica, as Sentinel reads it."""
    feed, up = router.master.feed, router.upstream
    found: Fields = {"role": "master" if router.replica_of is None else "slave"}
    if router.replica_of is not None and up is None:  # it still loads
        host, port = router.replica_of
        found |= {"master_host": host, "master_port": port, "master_link_status": "down"}
    if up is not None:
        linked = up.state == "connected"
        found |= {
            "master_host": up.host,
            "master_port": up.port,
            "master_link_status": "up" if linked else "down",
            "master_last_io_seconds_ago": max(0, router.now - up.heard_ms) // 1000 if linked else -1,
            "master_sync_in_progress": int(up.state == "sync"),
            "slave_read_repl_offset": max(up.offset, 0),
            "slave_repl_offset": max(up.offset - up.unapplied, 0),
        }
        if up.state == "sync":
            found |= {
                "master_sync_total_bytes": up.sync_total,
                "master_sync_read_bytes": up.sync_read,
                "master_sync_left_bytes": max(up.sync_total - up.sync_read, 0),
                "master_sync_perc": f"{100 * up.sync_read / up.sync_total if up.sync_total else 0:.2f}",
                "master_sync_last_io_seconds_ago": max(0, router.now - up.heard_ms) // 1000,
            }
        if not linked:
            found["master_link_down_since_seconds"] = max(0, router.now - up.down_since_ms) // 1000
        found |= {
            "slave_priority": router.config["replica-priority"],
            "slave_read_only": int(router.config["replica-read-only"]),
            "replica_announced": int(router.config["replica-announced"]),
        }
    if router.master.snapshot is not None:
        found["sync_snapshot_perc"] = f"{100 * router.master.snapshot.written.share:.2f}"
    attached = [replica for replica in router.master.replicas.values() if replica.state in SYNC_STATES]
    found["connected_slaves"] = len(attached)
    needed = int(router.config["min-replicas-to-write"])
    if up is None and needed:
        found["min_slaves_good_slaves"] = router.gates.good_replicas()
    for number, replica in enumerate(attached):
        lag = lag_s(replica, router.now) if replica.state == "online" else 0
        found[f"slave{number}"] = (
            f"ip={replica.ip},port={replica.port},state={SYNC_STATES[replica.state]},offset={replica.offset},lag={lag}"
        )
    return found | {
        "master_failover_state": router.failover.state,
        "master_replid": feed.replid,
        "master_replid2": feed.replid2,
        "master_repl_offset": feed.offset,
        "second_repl_offset": feed.offset2,
        "repl_backlog_active": int(feed.active),
        "repl_backlog_size": feed.backlog.capacity,
        "repl_backlog_first_byte_offset": feed.first_offset if feed.active else 0,
        "repl_backlog_histlen": len(feed.backlog),
    }


def cpu(router: Router, shards: Shards) -> Fields:
    """Of the router's process; the shards' beside it."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    user = own.ru_utime + sum(shard.get("cpu", {}).get("user", 0.0) for shard in shards.values())
    system = own.ru_stime + sum(shard.get("cpu", {}).get("system", 0.0) for shard in shards.values())
    return {
        "used_cpu_sys": f"{system:.6f}",
        "used_cpu_user": f"{user:.6f}",
        "used_cpu_sys_children": f"{sum(shard.get('cpu', {}).get('children_system', 0.0) for shard in shards.values()):.6f}",
        "used_cpu_user_children": f"{sum(shard.get('cpu', {}).get('children_user', 0.0) for shard in shards.values()):.6f}",
        "used_cpu_sys_main_thread": f"{own.ru_stime:.6f}",
        "used_cpu_user_main_thread": f"{own.ru_utime:.6f}",
    }


def modules(router: Router, shards: Shards) -> Fields:
    """There are none."""
    return {}


def cluster(router: Router, shards: Shards) -> Fields:
    """One endpoint, no Redis Cluster."""
    return {"cluster_enabled": 0}


def keyspace(router: Router, shards: Shards) -> Fields:
    """Keys of each database."""
    sums: dict[int, list[int]] = {}
    for shard in shards.values():
        for number, found in shard["keyspace"].items():
            entry = sums.setdefault(int(number), [0, 0, 0])
            entry[0] += found["keys"]
            entry[1] += found["expires"]
            entry[2] += found["avg_ttl"] * found["expires"]
    return {
        f"db{number}": f"keys={keys},expires={expires},avg_ttl={ttls // expires if expires else 0}"
        for number, (keys, expires, ttls) in sorted(sums.items())
    }


def shard_figures(router: Router, shards: Shards) -> Fields:
    """Each shard for itself."""
    return {
        f"shard{number}": f"keys={sum(db['keys'] for db in found['keyspace'].values())},"
        f"used_memory={found['memory']['used']},rss={found['memory']['rss']},in_flight={router.core.links[number].in_flight}"
        for number, found in shards.items()
    }


SECTIONS: dict[str, Callable[[Any, Shards], Fields]] = {
    "server": server,
    "clients": clients,
    "memory": memory,
    "persistence": persistence,
    "stats": stats,
    "replication": replication,
    "cpu": cpu,
    "modules": modules,
    "commandstats": commandstats,
    "errorstats": errorstats,
    "latencystats": latencystats,
    "cluster": cluster,
    "keyspace": keyspace,
    "shards": shard_figures,
}
TITLES = {"cpu": "CPU"}
NOT_DEFAULT = {"commandstats", "latencystats"}
NOT_ALL = {"modules"}


def wanted(words: Iterable[str]) -> list[str]:
    """Section names in their order, for what a client asked for."""
    names = {word.lower() for word in words}
    chosen: set[str] = names & set(SECTIONS)
    if not names or "default" in names:
        chosen |= set(SECTIONS) - NOT_DEFAULT
    if "all" in names:
        chosen |= set(SECTIONS) - NOT_ALL
    if "everything" in names:
        chosen |= set(SECTIONS)
    return [name for name in SECTIONS if name in chosen]


def text(router: Router, names: list[str], shards: Shards) -> bytes:
    """The sections as INFO shows them."""
    parts = []
    for name in names:
        lines = [f"# {TITLES.get(name, name.capitalize())}"]
        lines += [f"{key}:{value}" for key, value in SECTIONS[name](router, shards).items()]
        parts.append("\r\n".join(lines) + "\r\n")
    return "\r\n".join(parts).encode("utf-8", "replace")


NEEDS_SHARDS = {
    "latencystats",
    "memory",
    "persistence",
    "stats",
    "cpu",
    "commandstats",
    "errorstats",
    "keyspace",
    "shards",
}


@handles("INFO")
def info(router: Router, session: Session, args: list[bytes]) -> Any:
    """INFO [section ...]: sections that need no shard are answered even when shards are away."""
    names = wanted(raw.decode("utf-8", "replace") for raw in args[1:])
    if not NEEDS_SHARDS & set(names) or not router.serving:
        names = [name for name in names if router.serving or name not in NEEDS_SHARDS or name == "persistence"]
        return Verbatim(text(router, names, {}))
    # Measuring memory is a walk through all that the allocator has free: some ten ms after a large collection has gone.
    question = [b"SHARD.INFO"] if {"memory", "shards"} & set(names) else [b"SHARD.INFO", b"UNMEASURED"]
    return ask_json(router, session, question, lambda shards: Verbatim(text(router, names, shards)))
