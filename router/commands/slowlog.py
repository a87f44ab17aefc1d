"""SLOWLOG and LATENCY: what the shards and the router have noted, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.errors import CommandError
from cluster.latencies import cumulative
from cluster.numbers import try_int
from cluster.replies import OK, MapReply, Verbatim
from router.asking import ask
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


@handles("SLOWLOG|GET")
def slowlog_get(router: Router, session: Session, args: list[bytes]) -> Any:
    """SLOWLOG GET [count]: the newest first; -1: all. Numbers are unique over shards and router."""
    count = 10
    if len(args) > 3:
        raise CommandError("ERR wrong number of arguments for 'slowlog|get' command")
    if len(args) == 3:
        number = try_int(args[2])
        if number is None or number < -1:
            raise CommandError("ERR count should be greater than or equal to -1")
        count = number
    own = list(router.slowlog.entries)

    def merge(values: dict[int, Any]) -> Any:
        found: list[Any] = []
        for place, entries in (*values.items(), (router.shard_count, own)):
            for number, at_ms, us, words, client in entries:
                one = [number * (router.shard_count + 1) + place, at_ms // 1000, us, words, *_who(router, client)]
                found.append((at_ms, place < router.shard_count, number, one))  # clocks of one millisecond say no order
        found = [entry for *_, entry in sorted(found, key=lambda entry: entry[:3], reverse=True)]
        return found[: router.slowlog.length if count < 0 else min(count, router.slowlog.length)]

    return ask(router, session, [b"SHARD.SLOWLOG", b"GET"], merge)


def _who(router: Router, client: int) -> tuple[bytes, bytes]:
    """Address and name of a client that is still there."""
    session = router.clients.get(client)
    return (b"", b"") if session is None else (session.addr.encode(), session.name)


@handles("SLOWLOG|LEN")
def slowlog_len(router: Router, session: Session, args: list[bytes]) -> Any:
    """SLOWLOG LEN"""
    own = len(router.slowlog.entries)

    def merge(values: dict[int, Any]) -> Any:
        return min(sum(values.values()) + own, router.slowlog.length)

    return ask(router, session, [b"SHARD.SLOWLOG", b"LEN"], merge)


@handles("SLOWLOG|RESET")
def slowlog_reset(router: Router, session: Session, args: list[bytes]) -> Any:
    """SLOWLOG RESET"""
    router.slowlog.entries.clear()
    return ask(router, session, [b"SHARD.SLOWLOG", b"RESET"], lambda values: OK)


Events = dict[bytes, tuple[int, list[tuple[int, int]]]]


def events(values: dict[int, Any]) -> Events:
    """Latency events of all shards: name -> (worst ms, [(unix s, ms), ...] by time)."""
    found: Events = {}
    for parts in values.values():
        for name, worst, numbers in parts:
            before, samples = found.get(name, (0, []))
            merged = sorted([*samples, *zip(numbers[::2], numbers[1::2], strict=True)])
            found[name] = (max(before, worst), merged[-160:])
    return found


@handles("LATENCY|LATEST")
def latest(router: Router, session: Session, args: list[bytes]) -> Any:
    """LATENCY LATEST: [event, unix s, ms, worst ms] for each"""

    def merge(values: dict[int, Any]) -> Any:
        return [[name, *samples[-1], worst] for name, (worst, samples) in events(values).items()]

    return ask(router, session, [b"SHARD.SLOWLOG", b"LATENCY"], merge)


@handles("LATENCY|HISTORY")
def history(router: Router, session: Session, args: list[bytes]) -> Any:
    """LATENCY HISTORY event: [unix s, ms] pairs"""

    def merge(values: dict[int, Any]) -> Any:
        return [list(sample) for sample in events(values).get(args[2], (0, []))[1]]

    return ask(router, session, [b"SHARD.SLOWLOG", b"LATENCY"], merge)


@handles("LATENCY|RESET")
def reset(router: Router, session: Session, args: list[bytes]) -> Any:
    """LATENCY RESET [event ...]: how many events' samples went"""
    return ask(router, session, [b"SHARD.SLOWLOG", b"FORGET", *args[2:]], lambda values: max(values.values(), default=0))


@handles("LATENCY|GRAPH")
def graph(router: Router, session: Session, args: list[bytes]) -> Any:
    """LATENCY GRAPH event: a bar for each sample, the newest last"""
    name = args[2]

    def merge(values: dict[int, Any]) -> Any:
        found = events(values).get(name)
        if found is None:
            raise CommandError(f"ERR No samples available for event '{name.decode('utf-8', 'replace')}'")
        worst, samples = found
        lines = [f"{name.decode('utf-8', 'replace')} - high {worst} ms, low {min(ms for _, ms in samples)} ms"]
        for second, ms in samples[-40:]:
            age = max(0, router.now // 1000 - second)
            lines.append(f"{age:>6}s {'#' * max(1, ms * 60 // max(worst, 1))} {ms} ms")
        return Verbatim(("\n".join(lines) + "\n").encode())

    return ask(router, session, [b"SHARD.SLOWLOG", b"LATENCY"], merge)


@handles("LATENCY|DOCTOR")
def doctor(router: Router, session: Session, args: list[bytes]) -> Any:
    """LATENCY DOCTOR"""
    if not router.config["latency-monitor-threshold"]:
        return Verbatim(
            b"Latency monitoring is disabled. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" "
            b"in order to enable it.\n"
        )

    def merge(values: dict[int, Any]) -> Any:
        found = events(values)
        if not found:
            return Verbatim(b"No latency spike has been observed.\n")
        lines = []
        for name, (worst, samples) in found.items():
            average = sum(ms for _, ms in samples) // len(samples)
            lines.append(f"{name.decode()}: {len(samples)} latency spikes (average {average} ms, worst {worst} ms).")
        lines.append("SLOWLOG GET names the commands.")
        return Verbatim(("\n".join(lines) + "\n").encode())

    return ask(router, session, [b"SHARD.SLOWLOG", b"LATENCY"], merge)


@handles("LATENCY|HISTOGRAM")
def histogram(router: Router, session: Session, args: list[bytes]) -> Any:
    """LATENCY HISTOGRAM [command ...]: with `latency-tracking yes`. A container stands for its subcommands."""
    wanted = {raw.decode("utf-8", "replace").lower() for raw in args[2:]}

    def merge(values: dict[int, Any]) -> Any:
        shards = (
            {name.decode(): dict(zip(numbers[::2], numbers[1::2], strict=True)) for name, numbers in parts}
            for parts in values.values()
        )
        found: list[Any] = []
        for name, buckets in sorted(router.stats.latencies.merged(shards).of.items()):
            if not wanted or {name, name.partition("|")[0]} & wanted:
                counts = MapReply([number for pair in cumulative(buckets).items() for number in pair])
                found += [name.encode(), MapReply([b"calls", sum(buckets.values()), b"histogram_usec", counts])]
        return MapReply(found)

    return ask(router, session, [b"SHARD.SLOWLOG", b"HISTOGRAM"], merge)
