"""What each shard counts of a command's times: the buckets are those that the router adds up."""

from collections import Counter

from cluster.command_table import TABLE
from cluster.latencies import bucket
from shard.entries import Entry

TIMES = [*range(200), *(1 << bits for bits in range(31)), *((1 << bits) - 1 for bits in range(1, 32)), 999_999, -5, 1 << 40]


def test_every_time_falls_into_its_bucket():
    entry = Entry(TABLE["GET"])
    entry.tracked = True
    for us in TIMES:
        entry.took(us)
    assert entry.latencies() == Counter(bucket(max(0, min(us, (1 << 31) - 1))) for us in TIMES)


def test_forgotten_times_are_gone_and_counting_goes_on():
    entry = Entry(TABLE["GET"])
    entry.took(5)
    assert (entry.latencies(), entry.usec) == ({}, 5)  # nobody asked for them
    entry.tracked = True
    entry.took(7)
    entry.calls = 3
    entry.forget()
    assert (entry.latencies(), entry.calls, entry.usec) == ({}, 0, 0)
    entry.took(9)
    assert entry.latencies() == {9: 1}
