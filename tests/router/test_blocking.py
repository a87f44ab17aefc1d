"""Clients that wait for keys on several shards, at the router."""

from __future__ import annotations

import pytest

from tests.simulation.world import SimClient, World

KEYS = [f"k{i}" for i in range(6)]


@pytest.mark.parametrize(
    "words", [("BLPOP", *KEYS, "0.25"), ("BLMPOP", "0.25", "6", *KEYS, "LEFT"), ("BZPOPMIN", *KEYS, "0.25"),
              ("XREAD", "BLOCK", "250", "STREAMS", *KEYS, *"$$$$$$")], ids=lambda words: words[0]
)  # fmt: skip
def test_a_wait_over_several_shards_asks_to_be_ended_at_its_very_time(words):
    world = World(3)
    asked: list[int] = []
    world.router.wake_at = asked.append
    client = SimClient(world)
    client.connect()
    began_ms = world.router.now
    client.send(*words)
    world.settle()
    assert [at_ms - began_ms for at_ms in asked] == [250]
    world.router.blocking.tick(asked[0] - 1)
    assert not client.replies
    world.router.blocking.tick(asked[0])
    world.pump()
    world.settle()
    assert list(client.replies) == [None]
