"""RENAME over shards: run with the hold, committed after one round of messages."""

from __future__ import annotations

import pytest

from cluster.wire import parse_commands
from shard import pieces
from tests.simulation.world import SimClient, World


@pytest.fixture
def world() -> World:
    return World(0, shards=2)


@pytest.fixture
def client(world: World) -> SimClient:
    client = SimClient(world)
    client.connect()
    return client


def key_of(world: World, shard: int) -> str:
    return next(f"k{i}" for i in range(100) if world.router.core.shard_of(b"k%d" % i) == shard)


def ask(client: SimClient, *words: object) -> object:
    client.send(*words)
    client.world.settle()
    (reply,) = client.replies
    client.replies.clear()
    return str(reply) if isinstance(reply, Exception) else reply


def test_it_takes_the_place_of_a_value_of_any_type_with_its_time(world, client):
    one, other = key_of(world, 0), key_of(world, 1)
    ask(client, "SET", one, "v", "PXAT", world.now + 1_000_000)
    ask(client, "RPUSH", other, "a", "b")
    assert ask(client, "RENAME", one, other) == b"OK"
    assert ask(client, "GET", other) == b"v" and ask(client, "PTTL", other) > 0
    assert ask(client, "EXISTS", one) == 0
    assert ask(client, "RENAME", one, other) == "ERR no such key"
    assert ask(client, "GET", other) == b"v"


def test_its_commit_is_the_second_message_of_each_shard(world, client):
    one, other = key_of(world, 0), key_of(world, 1)
    ask(client, "SET", one, "v")
    before = [link.batches for link in world.router.core.links]
    assert ask(client, "RENAME", one, other) == b"OK"
    assert [link.batches - count for link, count in zip(world.router.core.links, before, strict=True)] == [2, 2]


@pytest.mark.parametrize("large", [pieces.LARGE, 4])
def test_what_the_target_had_does_not_travel(world, client, monkeypatch, large):
    monkeypatch.setattr(pieces, "LARGE", large)
    monkeypatch.setattr(pieces, "PIECE", 3)
    one, other = key_of(world, 0), key_of(world, 1)
    ask(client, "RPUSH", one, *"abcdefgh")
    ask(client, "SADD", other, *(f"member:{i}" for i in range(1000)))
    seen: list[bytes] = []
    outbox = world.shards[1].outbox
    client.send("RENAME", one, other)
    while world.step():
        seen += list(outbox)
    assert seen and not any(b"member:" in message for message in seen)
    assert list(client.replies) == [b"OK"]
    client.replies.clear()
    assert ask(client, "LRANGE", other, 0, -1) == [letter.encode() for letter in "abcdefgh"]


def test_a_shard_that_is_lost_before_the_commit_leaves_all_as_it_was(world, client):
    one, other = key_of(world, 0), key_of(world, 1)
    ask(client, "SET", one, "v")
    ask(client, "SET", other, "w")
    client.send("RENAME", one, other)
    world.deliver(("in", 0))  # it has run there
    world.kill_shard(1)
    world.settle()
    assert "SHARDDOWN" in str(client.replies.popleft())
    world.start_shard(1)
    world.settle()
    assert ask(client, "MGET", one, other) == [b"v", b"w"]


def test_what_runs_behind_it_on_its_shard_has_effects_of_its_own(world, client):
    one, other = key_of(world, 0), key_of(world, 1)
    ask(client, "SET", one, "v")
    assert ask(client, "RENAME", one, other) == b"OK"
    ask(client, "SADD", one, "member")
    ask(client, "SPOP", one)
    ask(client, "SET", one, "w", "EX", "100")
    for at, shard in enumerate(world.shards):
        commands, rest = parse_commands(shard.disk.data)
        assert rest == len(shard.disk.data), at
    assert [b"SREM", one.encode(), b"member"] in parse_commands(world.shards[0].disk.data)[0]
