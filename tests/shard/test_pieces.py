"""Large values in pieces: what is put together elsewhere is what was cut, and what is journalled makes it, too."""

from __future__ import annotations

from typing import Any

import pytest

from cluster import frames
from cluster.command_table import TABLE
from cluster.wire import command, parse_command, parse_commands
from shard import pieces
from shard.engine import Engine
from shard.loop import Loop
from shard.rdb.writer import dump
from shard.replay import replay

NOW = 1_000_000
KEY = b"key"
VALUES = {
    "string": [("SET", KEY, "x" * 1000)],
    "string that was appended to": [("SET", KEY, "x"), ("APPEND", KEY, "y" * 500)],
    "list": [("RPUSH", KEY, *(f"item:{i % 17}" for i in range(500)))],
    "set": [("SADD", KEY, *(f"member:{i}" for i in range(500)))],
    "set of integers": [("SADD", KEY, *range(1000, 1700))],
    "hash": [("HSET", KEY, *(word for i in range(600) for word in (f"field:{i}", f"value:{i}")))],
    "hash with fields that expire": [
        ("HSET", KEY, *(word for i in range(600) for word in (f"field:{i}", f"value:{i}"))),
        ("HPEXPIREAT", KEY, NOW + 5000, "FIELDS", 2, "field:7", "field:250"),
    ],
    "sorted set": [
        ("ZADD", KEY, *(word for i in range(300) for word in (f"{i / 7!r}", f"member:{i}"))),
        ("ZADD", KEY, "inf", "last", "-inf", "first", "-0.0", "zero", "1e300", "far"),
    ],
    "stream": [("XADD", KEY, f"{i}-1", "field", f"value:{i}") for i in range(1, 300)]
    + [("XDEL", KEY, "299-1", "5-1"), ("XADD", KEY, "400-2", "other", "x", "field", "y")],
}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LARGE", 400)
    monkeypatch.setattr(pieces, "PIECE", 300)


def made(commands: list[tuple[Any, ...]]) -> Engine:
    engine = Engine(seed=1)
    engine.now = NOW
    for args in commands:
        engine.run(parse_command(command(*args)))
    return engine


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_that_came_in_pieces_is_the_one_that_was_cut(kind: str) -> None:
    value = made(VALUES[kind]).dbs[0].get(KEY)
    assert pieces.is_large(value)
    cut = list(pieces.cut(KEY, value, NOW + 9000))
    assert len(cut) > 2 and max(map(len, cut)) < 3000
    other = Engine(seed=2)
    other.now = NOW
    store = pieces.Pieces()
    for raw in cut:
        store.take(other, b"op", 2, KEY, raw, True)
    taken, at_ms, raws = store.adopt(b"op", 2, KEY)
    assert dump(taken) == dump(value) or sorted(taken) == sorted(value)
    assert at_ms == NOW + 9000 and raws == cut
    assert list(other.take_stream()) == [] and len(other.dbs[2]) == 0


def test_a_stream_with_groups_goes_whole() -> None:
    engine = made([*VALUES["stream"], ("XGROUP", "CREATE", KEY, "group", "0")])
    assert not pieces.is_large(engine.dbs[0].get(KEY))


class Link:
    """One shard of two, as its router sees it."""

    def __init__(self, commands: list[tuple[Any, ...]]) -> None:
        self.engine = made(commands)
        self.engine.worker_shards = 2
        self.engine.take_stream()
        self.loop = Loop(self.engine)
        self.engine.controls = self.loop
        self.loop.start(1)

    def send(self, *args: Any) -> list[list[bytes]]:
        """One message; the events that come back."""
        raw = command(*args)
        flags = 0 if args[0] in ("SHARD.HOLD", "SHARD.BORROW") else frames.RESOLVE
        assert self.loop.execute(frames.request(1, NOW, [(TABLE[args[0]].id, 0, flags | frames.END_OF_RUN, 7, raw)]))
        _, _, _, found = frames.parse_reply(self.loop.take(True))
        return [parse_commands(payload)[0][0] for kind, payload in found if kind == frames.EVENT]


def test_what_is_lent_in_pieces_is_adopted_elsewhere_and_journalled_there() -> None:
    source, target = Link(VALUES["set"]), Link([("SET", KEY, "old")])
    source.send("SHARD.HOLD", "1", "", "RL", "0", KEY)
    target.send("SHARD.HOLD", "1", "", "R", "0", KEY)
    while True:
        ((*_, raw, more),) = source.send("SHARD.PULL", "1", "0", KEY, "0")
        if more == b"0":
            break
        assert target.send("SHARD.PUSH", "1", "0", KEY, "1", raw) == [[b"op", b"1", b"took"]]
    assert target.engine.run([b"GET", KEY]) == b"old"
    assert target.engine.run([b"SHARD.ADOPT", b"1", KEY]) == b"OK"
    again = Engine(seed=3)
    again.now = NOW
    replay(again, target.engine.take_stream())
    for engine in (target.engine, again):
        assert sorted(engine.dbs[0].get(KEY)) == sorted(source.engine.dbs[0].get(KEY))


def test_an_operation_that_is_given_up_leaves_nothing_behind() -> None:
    link = Link(VALUES["list"])
    link.send("SHARD.HOLD", "1", "", "RL", "0", KEY)
    link.send("SHARD.PULL", "1", "0", KEY, "0")
    link.send("SHARD.PUSH", "1", "0", "other", "1", command("RPUSH", "other", "x"))
    link.send("SHARD.ABORT", "1")
    assert link.send("SHARD.PULL", "1", "0", KEY, "0") == []
    assert link.send("SHARD.PUSH", "1", "0", "other", "1", command("RPUSH", "other", "x")) == []
    store = link.engine.pieces
    assert not (store.sent or store.made or store.taken or store.lent) and len(store.beside.dbs[0]) == 0
    assert len(link.engine.dbs[0].get(KEY)) == 500


def test_a_borrowed_large_value_is_held_until_its_operation_ends() -> None:
    link = Link(VALUES["hash"])
    link.send("SHARD.BORROW", "1", "0", KEY, "0", "nothing")
    assert link.loop.holds.holds(KEY) and not link.loop.holds.holds(b"nothing")
    link.send("SHARD.ABORT", "1")
    assert not link.loop.holds.holds(KEY)
