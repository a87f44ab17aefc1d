"""/metrics: Prometheus's text. INFO's figures under redis_exporter's names, and our own by shard, link and batch."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from router.asking import value_of
from router.commands import info
from router.commands.command_statistics import errors as errors_by_word

if TYPE_CHECKING:
    from router.router import Router

SHARDS_S_MAX = 1.0  # a shard that does not answer in time is left out

# Section and field of INFO, name at redis_exporter.
GAUGES = {
    "server": {"uptime_in_seconds": "uptime_in_seconds", "process_id": "process_id"},
    "clients": {
        "connected_clients": "connected_clients",
        "blocked_clients": "blocked_clients",
        "tracking_clients": "tracking_clients",
        "maxclients": "max_clients",
        "client_recent_max_input_buffer": "client_recent_max_input_buffer_bytes",
        "client_recent_max_output_buffer": "client_recent_max_output_buffer_bytes",
    },
    "persistence": {
        "loading": "loading_dump_file",
        "rdb_changes_since_last_save": "rdb_changes_since_last_save",
        "rdb_bgsave_in_progress": "rdb_bgsave_in_progress",
        "rdb_last_save_time": "rdb_last_save_timestamp_seconds",
        "aof_enabled": "aof_enabled",
        "aof_rewrite_in_progress": "aof_rewrite_in_progress",
        "aof_current_size": "aof_current_size_bytes",
        "aof_base_size": "aof_base_size_bytes",
    },
    "stats": {
        "instantaneous_ops_per_sec": "instantaneous_ops_per_sec",
        "pubsub_channels": "pubsub_channels",
        "pubsub_patterns": "pubsub_patterns",
    },
    "replication": {
        "connected_slaves": "connected_slaves",
        "master_repl_offset": "master_repl_offset",
        "slave_repl_offset": "slave_repl_offset",
        "repl_backlog_active": "repl_backlog_is_active",
        "repl_backlog_size": "replication_backlog_bytes",
        "repl_backlog_histlen": "repl_backlog_history_bytes",
        "master_sync_in_progress": "master_sync_in_progress",
        "master_last_io_seconds_ago": "master_last_io_seconds_ago",
    },
}
COUNTERS = {
    "stats": {
        "total_commands_processed": "commands_processed",
        "total_connections_received": "connections_received",
        "rejected_connections": "rejected_connections",
        "total_net_input_bytes": "net_input_bytes",
        "total_net_output_bytes": "net_output_bytes",
        "sync_full": "replica_resyncs_full",
        "sync_partial_ok": "replica_partial_resync_accepted",
        "sync_partial_err": "replica_partial_resync_denied",
    },
}
# Sums over shards: left out while one is away, for a sum that falls looks like a restart.
SHARD_GAUGES = {
    "memory": {
        "used_memory": "memory_used_bytes",
        "used_memory_rss": "memory_used_rss_bytes",
        "used_memory_peak": "memory_used_peak_bytes",
        "maxmemory": "memory_max_bytes",
    },
}
SHARD_COUNTERS = {
    "stats": {
        "expired_keys": "expired_keys",
        "evicted_keys": "evicted_keys",
        "keyspace_hits": "keyspace_hits",
        "keyspace_misses": "keyspace_misses",
    },
    "cpu": {"used_cpu_sys": "cpu_sys_seconds", "used_cpu_user": "cpu_user_seconds"},
}


class Family:
    """One metric's samples while they are collected."""

    def __init__(self, name: str, text: str, kind: str = "gauge"):
        self.metric = Metric(name, text, kind)
        self.sample = name + ("_total" if kind == "counter" else "")

    def add(self, value: float, **labels: str) -> Family:
        """A sample with its labels."""
        self.metric.add_sample(self.sample, labels, float(value))
        return self


class _Collector:
    def __init__(self, router: Router, shards: info.Shards):
        self.router = router
        self.shards = shards

    def collect(self) -> Iterator[Metric]:
        """Metrics of this moment."""
        whole = len(self.shards) == self.router.shard_count
        yield Family("redis_up", "1 when the group serves.").add(self.router.serving).metric
        yield from self._fields(GAUGES, "gauge")
        yield from self._fields(COUNTERS, "counter")
        if whole:
            yield from self._fields(SHARD_GAUGES, "gauge")
            yield from self._fields(SHARD_COUNTERS, "counter")
            yield from self._keyspace()
            yield from self._commands()
        for family in (*self._instance(), *self._replicas(), *self._links(), *self._shards()):
            yield family.metric

    def _fields(self, names: dict[str, dict[str, str]], kind: str) -> Iterator[Metric]:
        for section, fields in names.items():
            found = info.SECTIONS[section](self.router, self.shards)
            for field, name in fields.items():
                if field in found:
                    yield Family(f"redis_{name}", f"{field} of INFO {section}.", kind).add(float(found[field])).metric

    def _instance(self) -> Iterator[Family]:
        router = self.router
        server = info.server(router, self.shards)
        role = "master" if router.replica_of is None else "slave"
        names = ("redis_version", "redis_mode", "os", "run_id", "tcp_port")
        yield Family("redis_instance_info", "Who this is.").add(
            1, role=role, **{name: str(server[name]) for name in names}
        )
        errors = Family("redis_errors", "Error replies by their first word.", "counter")
        for code, count in errors_by_word(router, self.shards).items():
            errors.add(count, err=code)
        yield errors
        yield Family("elixircache_held_operations", "Operations over several shards in flight.").add(
            len(router.operations.active)
        )
        yield Family("elixircache_open_records", "Multi-shard writes not confirmed by all.").add(
            len(router.records.open)
        )

    def _replicas(self) -> Iterator[Family]:
        router = self.router
        offsets = Family("redis_connected_slave_offset_bytes", "Offset that a replica has confirmed.")
        lags = Family("redis_connected_slave_lag_seconds", "Since a replica was last heard.")
        for replica in router.master.online:
            labels = {"slave_ip": replica.ip, "slave_port": str(replica.port), "slave_state": replica.state}
            offsets.add(replica.offset, **labels)
            lags.add(info.lag_s(replica, router.now), **labels)
        yield from (offsets, lags)
        if router.upstream is not None:
            up = router.upstream
            linked = Family("redis_master_link_up", "1 when the master's stream comes in.")
            yield linked.add(up.state == "connected", master_host=up.host, master_port=str(up.port))

    def _links(self) -> Iterator[Family]:
        families = (
            Family("elixircache_shard_up", "1 when the link to the shard is up."),
            Family("elixircache_link_batches", "Batches sent to the shard.", "counter"),
            Family(
                "elixircache_link_commands", "Commands sent to the shard; by batches: how full they are.", "counter"
            ),
            Family("elixircache_link_in_flight", "Runs and operations not answered yet."),
            Family("elixircache_shard_stream_offset", "Bytes of effects of the shard."),
        )
        for link in self.router.core.links:
            values = (link.up, link.batches, link.entries, link.in_flight, link.offset)
            for family, value in zip(families, values, strict=True):
                family.add(value, shard=str(link.index))
        yield from families

    def _shards(self) -> Iterator[Family]:
        keys = Family("elixircache_shard_keys", "Keys of the shard, in all databases.")
        memory = Family("elixircache_shard_memory_used_bytes", "Memory of the shard's keys.")
        cpu = Family("elixircache_process_cpu_seconds", "CPU of a process.", "counter")
        own = resource.getrusage(resource.RUSAGE_SELF)
        cpu.add(own.ru_utime + own.ru_stime, process="router")
        for shard, found in sorted(self.shards.items()):
            keys.add(sum(db["keys"] for db in found["keyspace"].values()), shard=str(shard))
            memory.add(found["memory"]["used"], shard=str(shard))
            cpu.add(found["cpu"]["user"] + found["cpu"]["system"], process=f"shard-{shard}")
        yield from (keys, memory, cpu)

    def _keyspace(self) -> Iterator[Metric]:
        keys = Family("redis_db_keys", "Keys of the database.")
        expiring = Family("redis_db_keys_expiring", "Keys of the database that expire.")
        for db, line in info.keyspace(self.router, self.shards).items():
            found = _pairs(line)
            keys.add(found["keys"], db=db)
            expiring.add(found["expires"], db=db)
        yield from (keys.metric, expiring.metric)

    def _commands(self) -> Iterator[Metric]:
        calls = Family("redis_commands", "Calls of the command.", "counter")
        seconds = Family("redis_commands_duration_seconds", "Time in the command's handler.", "counter")
        failed = Family("redis_commands_failed_calls", "Calls that ended with an error.", "counter")
        rejected = Family("redis_commands_rejected_calls", "Calls that were refused.", "counter")
        for name, line in info.commandstats(self.router, self.shards).items():
            found = _pairs(line)
            cmd = name.removeprefix("cmdstat_")
            calls.add(found["calls"], cmd=cmd)
            seconds.add(found["usec"] / 1e6, cmd=cmd)
            failed.add(found["failed_calls"], cmd=cmd)
            rejected.add(found["rejected_calls"], cmd=cmd)
        for family in (calls, seconds, failed, rejected):
            yield family.metric


def _pairs(line: str) -> dict[str, float]:
    """INFO's "calls=1,usec=2" as numbers."""
    return {name: float(value) for name, _, value in (part.partition("=") for part in line.split(","))}


async def shard_figures(router: Router) -> info.Shards:
    """SHARD.INFO of every shard that answers in time."""
    answers: asyncio.Future[dict[int, bytes | None]] = asyncio.get_running_loop().create_future()

    def done(replies: dict[int, bytes | None]) -> None:
        if not answers.done():
            answers.set_result(replies)

    router.ask_all([b"SHARD.INFO"], done)
    try:
        raws = await asyncio.wait_for(answers, SHARDS_S_MAX)
    except TimeoutError:
        return {}
    values = {shard: value_of(raw) for shard, raw in raws.items() if raw is not None}
    return {shard: json.loads(raw) for shard, raw in values.items() if isinstance(raw, bytes)}


async def exposition(router: Router) -> tuple[bytes, str]:
    """(text, content type) of a scrape."""
    registry: Any = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(router, await shard_figures(router)))
    return generate_latest(registry), CONTENT_TYPE_LATEST
