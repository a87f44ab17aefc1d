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
    "stream that was set back": [("XADD", KEY, f"{i}-1", "field", f"value:{i}") for i in range(1, 300)]
    + [("XDEL", KEY, "299-1", "298-1"), ("XSETID", KEY, "297-1")],
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


# A stream's groups, at several times: read twice, by two; claimed; acknowledged; a consumer that has read nothing.
GROUPS: list[tuple[int, list[tuple[Any, ...]]]] = [
    (NOW - 5000, [("XGROUP", "CREATE", KEY, "group", "0"), ("XGROUP", "CREATE", KEY, "idle", "7-1", "ENTRIESREAD", 7)]),
    (NOW - 4000, [("XREADGROUP", "GROUP", "group", "one", "COUNT", count, "STREAMS", KEY, ">") for count in (1, 150)]),
    (NOW - 3000, [("XREADGROUP", "GROUP", "group", "other", "COUNT", 90, "STREAMS", KEY, ">")]),
    (NOW - 2500, [("XREADGROUP", "GROUP", "group", "one", "COUNT", 3, "STREAMS", KEY, "0")]),
    (NOW - 2000, [("XGROUP", "CREATECONSUMER", KEY, "group", "new"), ("XACK", KEY, "group", "2-1", "3-1", "240-1")]),
    (NOW - 1000, [("XCLAIM", KEY, "group", "third", 0, "9-1", "200-1", "RETRYCOUNT", 12)]),
]
# What becomes of entries that are pending.
FATES = {
    "are there": [],
    "were deleted": [("XDEL", KEY, "100-1", "101-1", "200-1")],
    "were trimmed": [("XTRIM", KEY, "MINID", "60-1")],
    "were trimmed and deleted": [("XDEL", KEY, "100-1", "50-1", "150-1"), ("XTRIM", KEY, "MINID", "60-1")],
    "are all that is left": [("XTRIM", KEY, "MAXLEN", "0"), ("XSETID", KEY, "500-0")],
    "are all that is left, and above the last id": [("XTRIM", KEY, "MAXLEN", "0"), ("XSETID", KEY, "1-0")],
    "are on both sides of what is left": [("XTRIM", KEY, "MAXLEN", "0"), ("XSETID", KEY, "1-0"), ("XADD", KEY, "50-0", "f", "v")],
}


def with_groups(fate: str) -> Engine:
    engine = made(VALUES["stream"])
    for now, commands in [*GROUPS, (NOW, FATES[fate])]:
        engine.now = now
        for args in commands:
            reply = engine.run(parse_command(command(*args)))
            assert not isinstance(reply, Exception), reply
    engine.now = NOW
    return engine


def told(engine: Engine, db: int = 0) -> Any:
    """All that a stream says of itself, but for how it stands in memory."""
    said = engine.run([b"XINFO", b"STREAM", KEY, b"FULL", b"COUNT", b"0"], db)
    assert said[2] == b"radix-tree-keys"
    return said[:2] + said[6:]


def without_times(said: Any) -> Any:
    """The same without when consumers were seen."""
    if isinstance(said, list):
        hidden = [at + 1 for at, word in enumerate(said) if word in (b"seen-time", b"active-time")]
        return [without_times(word) for at, word in enumerate(said) if at not in hidden]
    return said


@pytest.mark.parametrize("fate", FATES)
def test_a_stream_with_groups_that_came_in_pieces_is_the_one_that_was_cut(fate: str) -> None:
    engine = with_groups(fate)
    value = engine.dbs[0].get(KEY)
    assert pieces.is_large(value)
    cut = list(pieces.cut(KEY, value, -1))
    assert len(cut) > 8 and max(map(len, cut)) < 5000
    other = Engine(seed=2)
    other.now = NOW + 7000
    store = pieces.Pieces()
    for raw in cut:
        store.take(other, b"op", 0, KEY, raw, True)
    taken, _, raws = store.adopt(b"op", 0, KEY)
    other.dbs[0].set(KEY, taken)
    expected = told(engine)
    assert b"seen-time" in repr(expected).encode()
    assert told(other) == expected

    again = Engine(seed=3)  # from the journal that adopted it
    again.now = NOW + 8000
    replay(again, b"".join(raws))
    assert without_times(told(again)) == without_times(expected)


def test_of_a_stream_that_was_set_back_pending_entries_between_others_are_let_go() -> None:
    engine = made([("XADD", KEY, f"{i}-1", "field", f"value:{i}") for i in range(1, 300)])
    for args in [
        ("XGROUP", "CREATE", KEY, "group", "0"),
        ("XREADGROUP", "GROUP", "group", "one", "STREAMS", KEY, ">"),
        ("XTRIM", KEY, "MAXLEN", "0"),
        ("XSETID", KEY, "1-0"),
        ("XADD", KEY, "50-0", "field", "value"),
    ]:
        engine.run(parse_command(command(*args)))
    value = engine.dbs[0].get(KEY)
    other = Engine(seed=2)
    store = pieces.Pieces()
    for raw in pieces.cut(KEY, value, -1):
        store.take(other, b"op", 0, KEY, raw, True)
    taken, _, _ = store.adopt(b"op", 0, KEY)
    assert taken.last_id == (50, 0) and taken.max_deleted_id == (0, 0) and len(taken) == 1
    assert [row[0] for row in taken.groups[b"group"].pel.items()] == [(i, 1) for i in range(1, 50)]


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
