"""Distributions of how long commands took."""

import pytest

from cluster.latencies import Latencies, bucket, cumulative, percentile


@pytest.mark.parametrize("us", [0, 1, 15, 16, 31, 32, 33, 100, 1000, 123_456, 10**9])
def test_a_bucket_begins_at_most_a_sixteenth_below_its_end(us):
    end = bucket(us)
    assert us <= end <= us + us // 16
    assert bucket(end) == end and bucket(end + 1) > end


def test_counts_are_cumulative_up_to_the_power_of_two_that_has_all():
    times = Latencies()
    for us in (3, 3, 4, 100):
        times.add("get", us)
    assert cumulative(times.of["get"]) == {4: 3, 8: 3, 16: 3, 32: 3, 64: 3, 128: 4}


def test_percentiles_of_the_sum_of_several_processes():
    router, shard = Latencies(), Latencies()
    for us in range(1, 11):
        (router if us % 2 else shard).add("get", us)
    found = router.merged([shard.of]).of["get"]
    assert [percentile(found, percent) for percent in (0, 50, 90, 100)] == [1, 5, 9, 10]
