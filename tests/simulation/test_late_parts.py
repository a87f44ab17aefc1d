"""A part of a multi-shard write that its shard runs only when it is back is as the others': of the moment of the write."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.command_table import BY_ID
from cluster.records import Record, pack_entries, unpack, unpack_entries
from router.records import RouterRecords
from tests.simulation.world import SimClient, World

AWAY_MS = 10_000


@pytest.fixture
def world() -> World:
    return World(1, shards=2)


def key_of(world: World, shard: int, name: str = "k") -> str:
    return next(f"{name}{i}" for i in range(100) if world.router.core.shard_of(f"{name}{i}".encode()) == shard)


def ask(world: World, *commands: tuple[Any, ...]) -> list[Any]:
    """The replies to commands, each sent when the one before it has been answered."""
    client = SimClient(world)
    client.connect()
    for words in commands:
        client.send(*words)
        world.settle()
    return list(client.replies)


def write_while_one_dies(world: World, *commands: tuple[Any, ...]) -> None:
    """Shard 0 runs its part of a transaction, shard 1 dies before it does, and comes back some time later."""
    client = SimClient(world)
    client.connect()
    client.send_together(("MULTI",), *commands, ("EXEC",))
    world.deliver(("in", 0))
    world.kill_shard(1)
    world.now += AWAY_MS
    world.router.tick(world.now)
    world.start_shard(1)
    world.settle()


@pytest.mark.parametrize(
    "command",
    [
        ("SET", "{}", "v", "PX", 60_000),
        ("SET", "{}", "v", "EX", 60),
        ("SETEX", "{}", 60, "v"),
        ("PSETEX", "{}", 60_000, "v"),
        ("EXPIRE", "{}", 60),
        ("PEXPIRE", "{}", 60_000),
        ("GETEX", "{}", "PX", 60_000),
    ],
    ids=lambda command: command[0],
)
def test_a_time_to_live_counts_from_the_write(world: World, command: tuple[Any, ...]) -> None:
    keys = key_of(world, 0), key_of(world, 1)
    ask(world, *[("SET", key, "before") for key in keys])
    write_while_one_dies(world, *[tuple(key if word == "{}" else word for word in command) for key in keys])
    one, other = ask(world, *[("PEXPIRETIME", key) for key in keys])
    assert 0 <= one - other < AWAY_MS / 2  # their batches may have gone at two moments


def test_so_does_that_of_a_hash_s_field(world: World) -> None:
    keys = key_of(world, 0), key_of(world, 1)
    ask(world, *[("HSET", key, "f", "v") for key in keys])
    write_while_one_dies(world, *[("HPEXPIRE", key, 60_000, "FIELDS", 1, "f") for key in keys])
    (one,), (other,) = ask(world, *[("HPEXPIRETIME", key, "FIELDS", 1, "f") for key in keys])
    assert 0 <= one - other < AWAY_MS / 2


def test_an_id_that_the_shard_gives_is_of_that_moment_too(world: World) -> None:
    keys = key_of(world, 0), key_of(world, 1)
    write_while_one_dies(world, *[("XADD", key, "*", "f", "v") for key in keys])
    one, other = (int(found[0][0].split(b"-")[0]) for found in ask(world, *[("XRANGE", key, "-", "+") for key in keys]))
    assert 0 <= one - other < AWAY_MS / 2


def test_a_time_that_is_over_by_then_takes_the_key(world: World) -> None:
    keys = key_of(world, 0), key_of(world, 1)
    write_while_one_dies(world, *[("SET", key, "v", "PX", AWAY_MS // 2) for key in keys])
    assert ask(world, ("GET", keys[1]), ("EXISTS", keys[1])) == [None, 0]
    assert world.shards[1].disk.data.count(b"$3\r\nDEL\r\n") == 1


def test_what_was_there_at_the_write_is_there_for_its_part(world: World) -> None:
    """The part adds to a key that expired while its shard was away: it expires with what is added, as it would have."""
    keys = key_of(world, 0), key_of(world, 1)
    ask(world, *[("SET", key, "v", "PX", AWAY_MS // 2) for key in keys])
    write_while_one_dies(world, *[("APPEND", key, "w") for key in keys])
    assert ask(world, ("MGET", *keys)) == [[None, None]]


def test_the_clock_goes_on_behind_it(world: World) -> None:
    keys = key_of(world, 0), key_of(world, 1)
    write_while_one_dies(world, *[("SET", key, "v") for key in keys])
    engine = world.shards[1].engine
    assert engine.dbs[0].get(keys[1].encode()) == b"v"
    assert engine.now >= world.now - 1000


def test_watched_keys_make_no_difference(world: World) -> None:
    """The record came with the holds there: its commit is a word, which the shard does not live to hear."""
    keys = key_of(world, 0), key_of(world, 1)
    client = SimClient(world)
    client.connect()
    ask(world, ("SET", keys[0], "v", "EX", 1000))  # it may go by itself, so the shards are asked
    client.send("WATCH", *keys)
    world.settle()
    client.send_together(("MULTI",), *[("SET", key, "w", "PX", 60_000) for key in keys], ("EXEC",))
    while not world.router.operations.active or "committing" not in [
        operation.state for operation in world.router.operations.active.values()
    ]:
        assert world.step()
    world.kill_shard(1)
    world.now += AWAY_MS
    world.router.tick(world.now)
    world.start_shard(1)
    world.settle()
    one, other = ask(world, *[("PEXPIRETIME", key) for key in keys])
    assert 0 <= one - other < AWAY_MS / 2


def test_a_new_router_hands_over_the_same(world: World) -> None:
    keys = key_of(world, 0), key_of(world, 1)
    client = SimClient(world)
    client.connect()
    client.send_together(("MULTI",), *[("SET", key, "v", "PX", 60_000) for key in keys], ("EXEC",))
    world.deliver(("in", 0))
    world.kill_shard(1)
    world.kill_router()
    world.now += AWAY_MS
    world.recover()
    one, other = ask(world, *[("PEXPIRETIME", key) for key in keys])
    assert 0 <= one - other < AWAY_MS / 2


def test_a_record_of_an_earlier_version_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record((1, 2), {0: b"entries", 3: b"others"})
    assert unpack(record.pack()) == record
    timed = Record((1, 2), {0: b"entries", 3: b"others"}, 1_700_000_000_000)
    assert unpack(timed.pack()) == timed
    assert timed.pack().startswith(record.pack())
    with pytest.raises(ValueError, match="cut record"):
        unpack(timed.pack()[:-1])

    hand_over = RouterRecords.catch_up

    def without_times(self: RouterRecords, shard: int, last: tuple[int, int]) -> int:
        for entry in self.open.values():
            entry.blob = Record(entry.id, unpack(entry.blob).parts).pack()
        return hand_over(self, shard, last)

    monkeypatch.setattr(RouterRecords, "catch_up", without_times)
    keys = key_of(world, 0), key_of(world, 1)
    write_while_one_dies(world, *[("SET", key, "v", "PX", 60_000) for key in keys])
    now = world.shards[1].engine.now
    assert ask(world, ("GET", keys[1]), ("PEXPIRETIME", keys[1]))[0] == b"v"
    assert ask(world, ("PEXPIRETIME", keys[1]))[0] >= now + 60_000 - 1000


def test_the_numbers_of_commands_may_be_another_version_s(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over = RouterRecords.catch_up

    def renumbered(self: RouterRecords, shard: int, last: tuple[int, int]) -> int:
        for entry in self.open.values():
            record = unpack(entry.blob)
            parts = {
                member: pack_entries([((number + 1) % len(BY_ID), *rest) for number, *rest in unpack_entries(part)])
                for member, part in record.parts.items()
            }
            entry.blob = Record(entry.id, parts, record.made_ms).pack()
        return hand_over(self, shard, last)

    monkeypatch.setattr(RouterRecords, "catch_up", renumbered)
    keys = key_of(world, 0), key_of(world, 1)
    write_while_one_dies(world, *[("SET", key, "v", "PX", 60_000) for key in keys], *[("INCR", f"{key}:n") for key in keys])
    assert ask(world, *[("GET", key) for key in keys]) == [b"v", b"v"]
    owners = [world.router.core.shard_of(f"{key}:n".encode()) for key in keys]
    assert 1 in owners and ask(world, *[("GET", f"{key}:n") for key in keys]) == [b"1", b"1"]
