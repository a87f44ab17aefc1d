"""WATCH over three shards in one process: when the router can say by itself that nothing was touched, and when it must ask."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.config import Config
from tests.simulation.world import SimClient, World

ONE, OTHER, NEAR, FAR = "k0", "k1", "k2", "k3"
UNIT = (("MULTI",), ("SET", ONE, "mine"), ("SET", OTHER, "mine"), ("EXEC",))
DONE = ["OK", "QUEUED", "QUEUED", [b"OK", b"OK"]]


@pytest.fixture
def world() -> World:
    return World(7)


@pytest.fixture
def connect(world: World) -> Callable[[], SimClient]:
    def connected() -> SimClient:
        client = SimClient(world)
        client.connect()
        return client

    return connected


def ask(client: SimClient, *commands: tuple[object, ...], together: bool = False) -> list[object]:
    """Send commands, each by itself or in one piece; all their replies."""
    if together:
        client.send_together(*commands)
    else:
        for words in commands:
            client.send(*words)
    client.world.settle()
    return replies(client)


def replies(client: SimClient) -> list[object]:
    found = [reply if isinstance(reply, list) else str(reply, "utf-8") if isinstance(reply, bytes) else reply for reply in client.replies]
    client.replies.clear()
    return found


def operations(world: World) -> int:
    """How many operations over several shards there have been."""
    return int(world.router.operations.sequence)


def watches(world: World) -> int:
    """How many keys the shards watch."""
    return sum(len(shard.engine.watching.watchers) for shard in world.shards)


def test_the_keys_are_of_several_shards(world):
    owners = [world.router.core.shard_of(key.encode()) for key in (ONE, OTHER, NEAR, FAR)]
    assert owners[0] != owners[1]
    assert len(set(owners)) == 3


@pytest.mark.parametrize("together", [True, False])
def test_what_nobody_touches_takes_one_hop(world, connect, together):
    client, stranger = connect(), connect()
    assert ask(client, ("WATCH", ONE, OTHER)) == ["OK"]
    assert watches(world) == 2
    ask(stranger, ("SET", NEAR, "x"), ("MSET", NEAR, "y", FAR, "y"), ("GET", ONE), ("SINTERSTORE", NEAR, "a", "b", "c"))
    before = operations(world)
    assert ask(client, *UNIT, together=together) == DONE
    assert operations(world) == before
    assert watches(world) == 0
    assert world.router.core.watches.open == 0


def test_a_watch_in_one_piece_with_its_exec_is_never_told(world, connect):
    client = connect()
    client.send_together(("WATCH", ONE, OTHER), *UNIT)
    assert watches(world) == 0
    world.settle()
    assert replies(client) == ["OK", *DONE]
    assert (operations(world), world.router.core.watches.open) == (0, 0)


@pytest.mark.parametrize("between", [("GET", ONE), ("MGET", ONE, OTHER), ("PING",), ("NO-SUCH",), ("OBJECT", "FREQ")])
def test_a_watch_is_told_before_anything_else_happens(world, connect, between):
    client, stranger = connect(), connect()
    client.send_together(("WATCH", ONE, OTHER), between)
    ask(stranger, ("SET", OTHER, "x"))
    client.replies.clear()
    assert ask(client, *UNIT, together=True)[-1] is None
    assert watches(world) == 0


def test_a_watch_whose_multi_comes_with_it_and_whose_exec_comes_later_is_told(world, connect):
    client, stranger = connect(), connect()
    client.send_together(("WATCH", ONE, OTHER), *UNIT[:2])
    ask(stranger, ("SET", OTHER, "x"))
    client.replies.clear()
    assert ask(client, *UNIT[2:]) == ["QUEUED", None]
    assert ask(client, ("GET", OTHER)) == ["x"]


def test_its_own_writes_between_watch_and_multi_are_seen(world, connect):
    client = connect()
    assert ask(client, ("WATCH", ONE, OTHER), ("SET", ONE, "x"), *UNIT, together=True)[-1] is None


TOUCHING = [
    [("SET", ONE, "x")],
    [("MSET", NEAR, "x", OTHER, "x")],
    [("RENAME", NEAR, ONE)],
    [("MULTI",), ("SET", ONE, "x"), ("EXEC",)],
    [("MULTI",), ("SET", ONE, "x"), ("SET", FAR, "x"), ("EXEC",)],
    [("MULTI",), ("RENAME", NEAR, ONE), ("PING",), ("EXEC",)],
    [("EVAL", "return redis.call('SET', KEYS[1], 'x')", "1", ONE)],
    [("FLUSHALL",)],
    [("SWAPDB", "0", "1")],
    [("COPY", NEAR, ONE, "REPLACE")],
    [("BLMOVE", "from", ONE, "LEFT", "LEFT", "0")],
    [("SORT", "from", "STORE", ONE)],
    [("WATCH", NEAR), ("MULTI",), ("SET", ONE, "x"), ("SET", NEAR, "x"), ("EXEC",)],
]


@pytest.mark.parametrize("commands", TOUCHING, ids=lambda commands: " ".join(map(str, commands[0])))
def test_a_touch_in_any_form_is_seen(world, connect, commands):
    client, stranger = connect(), connect()
    ask(stranger, ("SET", NEAR, "n"), ("RPUSH", "from", "1"), ("SET", "a", "1"))
    if commands[0][0] in ("FLUSHALL", "SWAPDB"):
        ask(stranger, ("SET", ONE, "x"))
    ask(client, ("WATCH", ONE, OTHER))
    ask(stranger, *commands)
    assert ask(client, *UNIT)[-1] is None


@pytest.mark.parametrize("commands", [[("DEL", ONE)], [("SREM", OTHER, "none")], [("EXPIRE", ONE, "5")]], ids=str)
def test_what_changes_nothing_is_no_touch(world, connect, commands):
    client, stranger = connect(), connect()
    ask(client, ("WATCH", ONE, OTHER))
    ask(stranger, *commands)
    assert ask(client, *UNIT) == DONE
    assert operations(world) == 1  # the shards were asked


def test_another_key_of_the_slot_is_no_touch(world, connect):
    client, stranger = connect(), connect()
    ask(client, ("WATCH", ONE, OTHER))
    ask(stranger, ("SET", f"of{{{ONE}}}", "x"))
    assert ask(client, *UNIT) == DONE
    assert operations(world) == 1


@pytest.mark.parametrize("commands", [[("SET", ONE, "x", "PX", "40")], [("HSET", ONE, "f", "1"), ("HPEXPIRE", ONE, "40", "FIELDS", "1", "f")]])
def test_a_watched_key_that_expires_is_touched(world, connect, commands):
    client = connect()
    ask(client, *commands)
    ask(client, ("WATCH", ONE, OTHER))
    world.now += 1000
    for shard in world.shards:
        shard.tick()
    assert ask(client, *UNIT)[-1] is None


def test_what_a_waiting_client_gets_moved_is_seen(world, connect):
    """BLMOVE waits on one shard for a key; the push names another than the one that the move writes."""
    client, stranger, waiting = connect(), connect(), connect()
    source = f"source{{{ONE}}}"
    ask(waiting, ("BLMOVE", source, ONE, "LEFT", "LEFT", "0"))
    ask(client, ("WATCH", ONE, OTHER))
    ask(stranger, ("RPUSH", source, "x"))
    assert replies(waiting) == ["x"]
    assert ask(client, *UNIT)[-1] is None


def test_what_the_next_waiter_gets_when_the_first_has_gone_is_seen(world, connect):
    client, stranger, first, second = connect(), connect(), connect(), connect()
    ask(first, ("BLPOP", ONE, OTHER, "0"))
    ask(second, ("BLPOP", ONE, "0"))
    stranger.send("RPUSH", ONE, "x")
    client.send_together(("WATCH", ONE, OTHER), ("LLEN", ONE))
    first.conn.closed = True
    world.router.disconnected(first.conn, "")
    world.pump()
    world.settle()
    assert replies(client) == ["OK", 1]
    assert replies(second) == [[ONE.encode(), b"x"]]
    assert ask(client, *UNIT)[-1] is None


def test_where_keys_may_be_evicted_the_shards_are_asked(connect):
    world = World(7, config=Config({"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}))
    client = SimClient(world)
    client.connect()
    ask(client, ("WATCH", ONE, OTHER), ("GET", ONE))
    assert ask(client, *UNIT) == DONE
    assert operations(world) == 1


def test_a_client_that_leaves_watches_nothing(world, connect):
    client = connect()
    ask(client, ("WATCH", ONE, OTHER))
    client.conn.closed = True
    world.router.disconnected(client.conn, "")
    world.pump()
    world.settle()
    assert (watches(world), world.router.core.watches.open) == (0, 0)


@pytest.mark.parametrize("end", [("UNWATCH",), ("RESET",)])
def test_unwatch_ends_it(world, connect, end):
    client, stranger = connect(), connect()
    ask(client, ("WATCH", ONE, OTHER), end, together=True)
    ask(stranger, ("SET", ONE, "x"))
    assert ask(client, *UNIT) == DONE
    assert (watches(world), world.router.core.watches.open) == (0, 0)


def test_a_shard_that_restarts_breaks_the_watch(world, connect):
    client = connect()
    ask(client, ("WATCH", ONE, OTHER))
    world.kill_shard(world.router.core.shard_of(ONE.encode()))
    world.recover()
    assert ask(client, *UNIT)[-1] is None


@pytest.mark.parametrize("inside", [("GET", NEAR), ("SET", NEAR, "x"), ("INCR", "n")])
def test_a_unit_on_one_shard_whose_watch_is_on_others(world, connect, inside):
    client = connect()
    for near in (NEAR, ONE, OTHER):
        words = [near if word == NEAR else word for word in inside]
        ask(client, ("WATCH", ONE, OTHER))
        assert len(ask(client, ("MULTI",), tuple(words), ("EXEC",))[-1]) == 1
    assert (operations(world), watches(world), world.router.core.watches.open) == (0, 0, 0)


def test_reads_alone_over_shards_with_a_watch_on_a_third(world, connect):
    client = connect()
    ask(client, ("MSET", ONE, "1", OTHER, "2"))
    ask(client, ("WATCH", NEAR, FAR))
    assert ask(client, ("MULTI",), ("GET", ONE), ("GET", OTHER), ("EXEC",))[-1] == [b"1", b"2"]
