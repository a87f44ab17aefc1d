"""INFO's sections about commands: calls, errors, latencies, of the router and its shards together.

`Shards`: by shard, what `SHARD.INFO` said. `Fields`: a section, name to value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.latencies import percentile

if TYPE_CHECKING:
    from router.router import Router

Fields = dict[str, Any]
Shards = dict[int, dict[str, Any]]


def failures(shards: Shards) -> int:
    """Error replies that shards gave."""
    return sum(counts[2] for shard in shards.values() for counts in shard["commands"].values())


def commandstats(router: Router, shards: Shards) -> Fields:
    """Calls by command, over all shards. Times are of commands that were timed."""
    sums: dict[str, list[int]] = {}
    router.stats.collect()
    own = {name.lower(): counts for name, counts in router.stats.commands.items()}
    for part in (own, *(shard["commands"] for shard in shards.values())):
        for name, counts in part.items():
            if not name.startswith("shard."):
                sums[name] = [a + b for a, b in zip(sums.get(name, [0, 0, 0, 0]), counts, strict=True)]
    for name, count in router.stats.repeated.items():
        if (found := sums.get(name.lower())) is not None:
            found[0] = max(0, found[0] - count)
            found[2] = min(found[2], found[0])
    return {
        f"cmdstat_{name}": f"calls={calls},usec={usec},usec_per_call={usec / calls if calls else 0:.2f},"
        f"rejected_calls={rejected},failed_calls={failed}"
        for name, (calls, usec, failed, rejected) in sorted(sums.items())
    }


def errorstats(router: Router, shards: Shards) -> Fields:
    """Error replies by their first word."""
    return {f"errorstat_{code}": f"count={count}" for code, count in sorted(errors(router, shards).items())}


def errors(router: Router, shards: Shards) -> dict[str, int]:
    """Error replies by their first word, of the router and of its shards."""
    sums = dict(router.stats.errors)
    for shard in shards.values():
        for code, count in shard["errors"].items():
            sums[code] = sums.get(code, 0) + count
    return sums


def latencystats(router: Router, shards: Shards) -> Fields:
    """Percentiles by command, with `latency-tracking yes`."""
    parts = (
        {name: {int(us): count for us, count in buckets.items()} for name, buckets in shard["latencies"].items()}
        for shard in shards.values()
    )
    percents = str(router.config["latency-tracking-info-percentiles"]).split()
    return {
        f"latency_percentiles_usec_{name}": ",".join(
            f"p{float(percent):g}={percentile(buckets, float(percent)):.3f}" for percent in percents
        )
        for name, buckets in sorted(router.stats.latencies.merged(parts).of.items())
    }
