"""How long commands took, by command: distributions for LATENCY HISTOGRAM and INFO latencystats.

Kept with `latency-tracking yes`, the default: a counter for each bucket of each command. A time falls into a bucket that
is at most 1/16 wider than where it begins; buckets of several processes are simply added.
"""

from __future__ import annotations

from collections.abc import Iterable

Buckets = dict[int, int]  # the largest us of a bucket -> how many commands


def bucket(us: int) -> int:
    """The largest us that falls into the same bucket."""
    shift = max(0, us.bit_length() - 5)
    return ((us >> shift) + 1 << shift) - 1


class Latencies:
    """Command name -> buckets."""

    def __init__(self) -> None:
        self.of: dict[str, Buckets] = {}

    def add(self, name: str, us: int, count: int = 1) -> None:
        """So many calls of a command took so long."""
        buckets = self.of.setdefault(name, {})
        at = bucket(us)
        buckets[at] = buckets.get(at, 0) + count

    def merged(self, others: Iterable[dict[str, Buckets]]) -> Latencies:
        """The sum of these and others."""
        found = Latencies()
        for part in (self.of, *others):
            for name, buckets in part.items():
                for us, count in buckets.items():
                    found.add(name, us, count)
        return found


def cumulative(buckets: Buckets) -> dict[int, int]:
    """Powers of two in us -> how many took at most so long, from the first that is not 0 to the first that has all."""
    found: dict[int, int] = {}
    total, bound = sum(buckets.values()), 1
    while True:
        count = sum(number for us, number in buckets.items() if us <= bound)
        if count:
            found[bound] = count
        if count == total:
            return found
        bound *= 2


def percentile(buckets: Buckets, percent: float) -> int:
    """The us that so many percent of the calls did not exceed."""
    wanted = sum(buckets.values()) * percent / 100
    seen = 0
    for us in sorted(buckets):
        seen += buckets[us]
        if seen >= wanted:
            return us
    return 0
