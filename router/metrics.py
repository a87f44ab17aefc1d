"""/metrics: what the router knows, in Prometheus's text, with redis_exporter's names where they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from router.router import Router


class _Collector:
    def __init__(self, router: Router):
        self.router = router

    def collect(self) -> Any:
        """Metrics of this moment."""
        router, core = self.router, self.router.core
        uptime = (router.now - router.started_ms) / 1000
        yield _one("redis_up", "1 when the group serves.", "gauge", float(router.serving))
        yield _one("redis_uptime_in_seconds", "Since the router's start.", "gauge", uptime)
        yield _one("redis_connected_clients", "Clients.", "gauge", len(router.clients))
        yield _one("redis_blocked_clients", "Clients that wait for keys.", "gauge", len(router.blocking.blocked))
        yield _one("redis_connected_slaves", "Replicas that get the stream.", "gauge", len(router.master.online))
        yield _one("redis_commands_processed_total", "Commands from clients.", "counter", core.commands)
        yield _one("redis_connections_received_total", "Connections.", "counter", router.stats.connections)
        rejected = router.stats.rejected_connections
        yield _one("redis_rejected_connections_total", "Connections over maxclients.", "counter", rejected)
        yield _one("redis_master_repl_offset", "Offset of the stream.", "gauge", router.master.feed.offset)
        yield _one("elixircache_held_operations", "Operations over several shards in flight.", "gauge", len(router.operations.active))
        yield _one("elixircache_open_records", "Multi-shard writes not confirmed by all.", "gauge", len(router.records.open))
        yield from self._links()

    def _links(self) -> Any:
        up = Metric("elixircache_shard_up", "1 when the link to the shard is up.", "gauge")
        batches = Metric("elixircache_link_batches", "Batches sent to the shard.", "counter")
        entries = Metric("elixircache_link_commands", "Commands sent to the shard.", "counter")
        flight = Metric("elixircache_link_in_flight", "Runs and operations not answered yet.", "gauge")
        offset = Metric("elixircache_shard_stream_offset", "Bytes of effects of the shard.", "gauge")
        for link in self.router.core.links:
            labels = {"shard": str(link.index)}
            up.add_sample("elixircache_shard_up", labels, float(link.up))
            batches.add_sample("elixircache_link_batches_total", labels, link.batches)
            entries.add_sample("elixircache_link_commands_total", labels, link.entries)
            flight.add_sample("elixircache_link_in_flight", labels, link.in_flight)
            offset.add_sample("elixircache_shard_stream_offset", labels, link.offset)
        return [up, batches, entries, flight, offset]


def _one(name: str, text: str, kind: str, value: float) -> Metric:
    metric = Metric(name.removesuffix("_total"), text, kind)
    metric.add_sample(name, {}, value)
    return metric


def exposition(router: Router) -> tuple[bytes, str]:
    """(text, content type) of a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(router))  # type: ignore[arg-type]
    return generate_latest(registry), CONTENT_TYPE_LATEST
