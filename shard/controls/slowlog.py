"""SHARD.SLOWLOG: what the shard's slow log and latency events hold."""

from __future__ import annotations

from typing import Any

from cluster import errors
from cluster.replies import OK
from shard.registry import handles


@handles("SHARD.SLOWLOG")
def slowlog(engine: Any, args: list[bytes]) -> Any:
    """SHARD.SLOWLOG GET | LEN | RESET | HISTOGRAM | LATENCY | FORGET [event ...]

    GET: [[number, unix ms, us, arguments, client id], ...], the newest first.
    HISTOGRAM: [[command, [us, calls, us, calls, ...]], ...], see cluster/latencies.py.
    LATENCY: [[event, worst ms, [unix s, ms, unix s, ms, ...]], ...]; FORGET: how many there were.
    """
    engine.no_effect()
    log = engine.worker.loop.slowlog
    word = args[1].upper()
    if word == b"GET":
        return [list(entry) for entry in reversed(log.entries)]
    if word == b"LEN":
        return len(log.entries)
    if word == b"HISTOGRAM":
        return [
            [entry.name.lower(), [number for pair in buckets.items() for number in pair]]
            for entry in engine.entries
            if (buckets := entry.latencies())
        ]
    if word == b"RESET":
        log.entries.clear()
        return OK
    if word == b"LATENCY":
        return [
            [name, log.worst[name], [number for sample in samples for number in sample]]
            for name, samples in log.latency.items()
        ]
    if word == b"FORGET":
        names = [name for name in args[2:] or list(log.latency) if name in log.latency]
        for name in names:
            del log.latency[name], log.worst[name]
        return len(names)
    raise errors.syntax_error()
