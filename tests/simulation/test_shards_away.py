"""What clients see while a shard is away: a bounded wait, and words that say what is not known."""

import hiredis
import pytest

from cluster.config import Config
from tests.simulation.world import SimClient, World

AWAY = "SHARDDOWN"


@pytest.fixture
def world():
    return World(1, shards=2)


def joined(world) -> SimClient:
    client = SimClient(world)
    client.connect()
    return client


def key_of(world, shard: int, name: str = "k") -> str:
    return next(f"{name}{i}" for i in range(100) if world.router.core.shard_of(f"{name}{i}".encode()) == shard)


def passes(world, ms: int) -> None:
    """Time, in the router's ticks of 100 ms."""
    for _ in range(ms // 100):
        world.now += 100
        world.router.tick(world.now)
        world.pump()


def test_a_command_for_a_shard_that_is_away_waits_as_long_as_configured_and_no_longer(world):
    client, other = joined(world), joined(world)
    world.kill_shard(0)
    client.send("SET", key_of(world, 0), "1")
    timeout_ms = Config()["shard-restart-timeout"]
    passes(world, timeout_ms - 100)
    other.send("SET", key_of(world, 1), "1")
    world.settle()
    assert list(other.replies) == [b"OK"] and not client.replies
    passes(world, 100)
    (reply,) = client.replies
    assert isinstance(reply, hiredis.ReplyError) and str(reply).startswith(AWAY)


def test_a_command_that_waited_runs_when_its_shard_is_back_and_those_behind_it_in_order(world):
    client = joined(world)
    key = key_of(world, 0)
    world.kill_shard(0)
    for _ in range(3):
        client.send("INCR", key)
    passes(world, 1000)
    world.start_shard(0)
    world.settle()
    assert list(client.replies) == [1, 2, 3]


def test_a_command_that_needs_two_shards_waits_once_for_both(world):
    client = joined(world)
    timeout_ms = Config()["shard-restart-timeout"]
    world.kill_shard(0)
    world.kill_shard(1)
    client.send("RENAME", key_of(world, 0), key_of(world, 1))
    passes(world, timeout_ms - 200)
    world.start_shard(0)
    world.settle()
    passes(world, 100)
    assert not client.replies
    passes(world, 100)
    (reply,) = client.replies
    assert isinstance(reply, hiredis.ReplyError) and str(reply).startswith(AWAY)


def test_commands_in_flight_are_answered_that_their_outcome_is_unknown(world):
    client = joined(world)
    for _ in range(3):
        client.send("INCR", key_of(world, 0))
    client.send("INCR", key_of(world, 1))
    world.kill_shard(0)
    world.settle()
    *lost, last = client.replies
    assert len(lost) == 3 and last == 1
    assert all(str(reply).startswith(AWAY) and "unknown" in str(reply) for reply in lost)


def test_a_shard_that_comes_and_goes_never_answers_a_client_with_what_another_asked(world):
    first, second = joined(world), joined(world)
    mine, its = key_of(world, 0, "a"), key_of(world, 0, "b")
    first.send("SET", mine, "first")
    world.settle()
    first.replies.clear()
    for _ in range(20):
        first.send("GET", mine)  # in flight when the shard dies: its batch or its answer may be under way
        if world.rng.random() < 0.5:
            world.step()
        world.kill_shard(0)
        world.start_shard(0)
        second.send("ECHO", "second")
        second.send("EXISTS", its)
        world.settle()
    assert {reply for reply in first.replies if not isinstance(reply, hiredis.ReplyError)} <= {b"first"}
    assert list(second.replies) == [b"second", 0] * 20


def test_batches_of_a_killed_router_are_not_answered_to_the_clients_of_the_next_one(world):
    client = joined(world)
    key = key_of(world, 0)
    for _ in range(10):
        client.send("INCR", key)  # may be in the shard's inbox when the router dies
        world.kill_router()
        world.start_router()
        client.connect()
        while not world.router.serving:  # answers to the old router's batches are among what is delivered
            assert world.step()
        client.send("STRLEN", "nothing")
        world.settle()
        assert list(client.replies) == [0]
