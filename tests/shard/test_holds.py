"""What may pass the keys that an operation holds on a shard, and what waits for it."""

import struct
from typing import Any

import pytest

from cluster import frames
from cluster.command_table import row_of
from cluster.records import Record, pack_entries, unpack, unpack_entries
from cluster.reply_parts import split_replies
from cluster.slots import slot_of
from cluster.wire import command, parse_command
from shard.engine import Engine
from shard.loop import Loop

NOW = 1_000_000


class Link:
    """The link of one shard of two: commands in, replies and events out."""

    def __init__(self) -> None:
        self.engine = Engine(seed=1)
        self.engine.worker_shards = 2
        self.loop = Loop(self.engine)
        self.engine.controls = self.loop
        self.loop.start(1)
        self.done: list[tuple[bytes, bytes]] = []  # (operation, its part's replies) of each commit

    def send(self, *commands: tuple[Any, ...]) -> list[bytes]:
        """One batch, in which all commands are one client's run; its whole runs' replies in one list."""
        entries = []
        for at, args in enumerate(commands):
            raw = command(*args)
            name = row_of(parse_command(raw))
            resolve = frames.RESOLVE if name.name in ("SHARD.COMMIT", "SHARD.ABORT") else 0
            last = frames.END_OF_RUN if at == len(commands) - 1 else 0
            entries.append((name.id, 0, resolve or last, 7, raw))
        assert self.loop.execute(frames.request(1, NOW, entries))
        _, _, _, found = frames.parse_reply(self.loop.take(True))
        for payload in (payload for kind, payload in found if kind == frames.DONE):
            self.done.append((payload[1 : 1 + payload[0]], payload[1 + payload[0] :]))
        return [reply for kind, payload in found if kind == frames.RUN for reply in split_replies(payload)]


@pytest.fixture
def link() -> Link:
    return Link()


def hold(op: str, *keys: str, how: str = "R") -> tuple[Any, ...]:
    return ("SHARD.HOLD", op, "", how, *(word for key in keys for word in ("0", key)))


def record(number: tuple[int, int], parts: dict[int, tuple[Any, ...]]) -> bytes:
    """A packed record with one command for each shard."""
    entries = {at: [(row_of(parse_command(command(*args))).id, 0, 0, 7, command(*args))] for at, args in parts.items()}
    return Record(number, {at: pack_entries(each) for at, each in entries.items()}).pack()


def test_a_command_on_another_key_passes_a_hold(link: Link) -> None:
    link.send(hold("1", "held"))
    assert link.send(("SET", "free", "1"), ("GET", "free")) == [b"+OK\r\n", b"$1\r\n1\r\n"]


@pytest.mark.parametrize(
    "args",
    [
        ("GET", "held"),
        ("MGET", "a", "held"),
        ("DEL", "a", "b", "held"),
        ("COPY", "held", "elsewhere", "DB", "3"),
        ("ZUNION", "2", "a", "held"),
        ("XREAD", "STREAMS", "held", "0"),
        ("OBJECT", "ENCODING", "held"),
        ("SHARD.WATCH", "9", "held"),
        ("SHARD.BLOCK", "t", command("BLMOVE", "a", "held", "LEFT", "LEFT", "0")),
        hold("2", "a", "held"),
        hold("2", how="W"),
        ("DBSIZE",),
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("SHARD.SCAN", "0"),
        ("EVAL", "return 1", "1", "a"),
    ],
)
def test_what_may_touch_a_held_key_waits_until_the_end(link: Link, args: tuple[Any, ...]) -> None:
    link.send(hold("1", "held"))
    assert link.send(args) == []
    assert len(link.send(("SHARD.ABORT", "1"))) == 1


def test_what_stands_behind_a_waiting_command_waits_too(link: Link) -> None:
    link.send(hold("1", "held"))
    assert link.send(("GET", "held")) == []
    assert link.send(("SET", "free", "1")) == []
    assert link.send(("SHARD.ABORT", "1")) == [b"$-1\r\n", b"+OK\r\n"]


def test_a_run_that_a_hold_interrupts_is_answered_once_and_whole(link: Link) -> None:
    link.send(hold("1", "held"))
    assert link.send(("SET", "a", "1"), ("GET", "held"), ("GET", "a")) == []
    assert link.engine.take_stream().count(b"SET") == 1
    assert link.send(("SHARD.ABORT", "1")) == [b"+OK\r\n", b"$-1\r\n", b"$1\r\n1\r\n"]


def test_two_operations_on_different_keys_hold_at_once(link: Link) -> None:
    assert len(link.send(hold("1", "one"), hold("2", "other"))) == 2
    assert link.send(("GET", "one")) == []
    assert link.send(("SHARD.ABORT", "2")) == []
    assert link.send(("SHARD.ABORT", "1")) == [b"$-1\r\n"]


def test_an_operation_that_holds_everything_holds_alone(link: Link) -> None:
    link.send(hold("1", how="RW"))
    assert link.send(("GET", "any")) == []
    assert link.send(hold("2", "other")) == []
    assert len(link.send(("SHARD.ABORT", "1"))) == 2


def test_a_record_waits_for_the_holds_before_it_whatever_its_keys(link: Link) -> None:
    """Records are applied in the order of their ids, and the hold's is the smaller one."""
    blob = record((1, 2), {0: ("SET", "free", "1"), 1: ("SET", "free", "1")})
    link.send(hold("1", "held"))
    assert link.send(("SHARD.TXN", "", "R", blob)) == []
    assert link.send(("SHARD.ABORT", "1")) == [b"*1\r\n+OK\r\n"]


def test_a_transaction_waits_if_a_key_that_its_client_watches_is_held(link: Link) -> None:
    entry = (row_of([b"SET"]).id, 0, 0, 7, command("SET", "free", "1"))
    link.send(("SHARD.WATCH", "7", "held"))
    link.send(hold("1", "held"))
    assert link.send(("SHARD.TXN", "7", "E", pack_entries([entry]))) == []
    assert link.send(("SHARD.ABORT", "1")) == [b"*1\r\n+OK\r\n"]


def test_a_prepared_record_holds_its_keys_and_is_applied_by_its_number(link: Link) -> None:
    entry = (row_of([b"SET"]).id, 0, 0, 7, command("SET", "held", "1"))
    blob = Record((1, 1), {0: pack_entries([entry]), 1: pack_entries([entry])}).pack()
    assert link.send(("SHARD.PREPARE", "1", "", blob)) == [b":1\r\n"]
    assert link.send(("GET", "held")) == []
    assert link.send(("SHARD.COMMIT", "1")) == [b"$1\r\n1\r\n"]
    assert link.engine.holds.prepared == {}


def test_a_blocked_client_is_not_served_from_a_held_key(link: Link) -> None:
    wait = ("SHARD.BLOCK", "t", command("BLMOVE", "source", "held", "LEFT", "LEFT", "0"))
    assert link.send(wait) == [b"+BLOCKED\r\n"]
    link.send(hold("1", "held"))
    assert link.send(("RPUSH", "source", "x")) == [b":1\r\n"]
    assert link.send(("EXISTS", "source")) == [b":1\r\n"]
    link.send(("SHARD.ABORT", "1"))
    assert link.send(("LRANGE", "held", "0", "-1")) == [b"*1\r\n$1\r\nx\r\n"]


def test_an_abort_that_overtakes_its_hold_ends_it(link: Link) -> None:
    link.send(hold("1", "held"))
    link.send(hold("2", "held"))  # waits
    link.send(("SHARD.ABORT", "2"))
    link.send(("SHARD.ABORT", "1"))
    assert link.send(("GET", "held")) == [b"$-1\r\n"]


def test_held_keys_are_not_evicted_and_do_not_expire(link: Link) -> None:
    link.send(("SET", "held", "1", "PX", "10"), ("SET", "other", "1", "PX", "10"))
    link.send(hold("1", "held"))
    link.engine.now = NOW + 1000
    while link.engine.dbs[0].get(b"other") is not None:
        link.engine.expiry.run(link.engine)
    for _ in range(8):
        link.engine.expiry.run(link.engine)
    assert link.engine.dbs[0].get(b"held") is not None
    link.engine.memory.configure(link.engine, 1, 1, "allkeys-random")
    link.engine.memory.used = 100
    assert link.engine.memory.relieve(link.engine) == 0
    assert not link.engine.over_memory


def renamed(link: Link, source: str, target: str) -> tuple[bytes, list[tuple[int, list[bytes]]]]:
    """A RENAME to a key of the other shard, run with its hold: its reply, and [(shard, command), ...] of its record."""
    raw = command("RENAME", source, target)
    entries = pack_entries([(row_of([b"RENAME"]).id, 0, 0, 7, raw)])
    (answer,) = link.send((*hold("1", source, how="RX"), entries))
    assert answer.startswith(b"*2\r\n:1\r\n$")
    said = parse_command(answer.split(b"\r\n", 3)[3][:-2])
    assert len(said) == 2
    parts = unpack(b"EXR1" + struct.pack("<QQH", 1, 1, 2) + said[1]).parts if said[1] else {}
    found = [(shard, parse_command(raw)) for shard, part in parts.items() for _, _, _, _, raw in unpack_entries(part)]
    link.send(("SHARD.ABORT", "1"))
    return said[0], found


def keys_apart() -> tuple[str, str]:
    """A key of shard 0 of two, and one of shard 1."""
    return tuple(next(f"k{i}" for i in range(100) if slot_of(b"k%d" % i) * 2 // 16384 == shard) for shard in (0, 1))


@pytest.mark.parametrize("staged", [False, True])
def test_what_a_rename_writes_on_both_shards(link: Link, monkeypatch: pytest.MonkeyPatch, staged: bool) -> None:
    if staged:  # the long way, that of commands in general
        monkeypatch.setattr("shard.controls.direct_holds.is_large", lambda value: True)
    one, other = (key.encode() for key in keys_apart())
    assert renamed(link, one.decode(), other.decode()) == (b"*1\r\n-ERR no such key\r\n", [])
    link.send(("SET", one, "v"))
    said = renamed(link, one.decode(), other.decode())
    assert (said[0], sorted(said[1])) == (b"*1\r\n+OK\r\n", [(0, [b"DEL", one]), (1, [b"SET", other, b"v"])])
    link.send(("PEXPIREAT", one, str(NOW + 500)))
    assert (1, [b"SET", other, b"v", b"PXAT", b"%d" % (NOW + 500)]) in renamed(link, one.decode(), other.decode())[1]
    link.send(("DEL", one), ("RPUSH", one, "a", "b"))
    (restore,) = [words for shard, words in renamed(link, one.decode(), other.decode())[1] if shard == 1]
    assert restore[:3] == [b"RESTORE", other, b"0"] and restore[4:] == [b"REPLACE", b"ABSTTL"]
    link.send(("SELECT", "0"), ("RESTORE", "copy", "0", restore[3]))
    assert link.send(("LRANGE", "copy", "0", "-1")) == [b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"]
    link.send(("SET", one, "v", "PXAT", str(NOW - 1)))
    assert renamed(link, one.decode(), other.decode()) == (b"*1\r\n-ERR no such key\r\n", [])


@pytest.mark.parametrize("listening", [False, True])
def test_a_commit_does_and_says_the_same_whoever_listens(link: Link, listening: bool) -> None:
    """While somebody listens its handler runs it, else it goes from bytes to bytes."""
    one, other = (key.encode() for key in keys_apart())
    link.send(("SET", one, "v"), ("SET", "free", "1"))
    if listening:
        link.send(("SHARD.WATCH", "9", one))
    link.engine.take_stream()
    changes = link.engine.changes
    blob = record((1, 2), {0: ("DEL", one), 1: ("SET", other, "v")})
    link.send(hold("17", one.decode()))
    link.send(("GET", one))
    assert link.send(("SHARD.COMMIT", "17", blob)) == [b"$-1\r\n"]
    assert link.done[0][0] == b"17" and link.done[0][1] in (b"", b"*1\r\n:1\r\n")
    stream = link.engine.take_stream()
    assert stream.count(blob) == 1 and stream.count(b"$3\r\nDEL\r\n") == 1 + blob.count(b"$3\r\nDEL\r\n")
    assert link.engine.changes == changes + 1 and link.engine.records.last == (1, 2)
    assert not link.engine.holds.count and not link.engine.holds.keys
    # It may come again: then it is applied already.
    link.send(("SET", one, "w"), ("SHARD.COMMIT", "17", blob))
    assert link.done[1][0] == b"17" and link.send(("GET", one)) == [b"$1\r\nw\r\n"]


def test_a_hold_whose_operation_has_ended_before_is_none(link: Link) -> None:
    link.send(hold("1", "held"))
    assert link.send(hold("2", "held")) == []
    link.send(("SHARD.ABORT", "2"))
    assert link.send(("SHARD.ABORT", "1")) == [b"*2\r\n:1\r\n$0\r\n\r\n"]
    assert link.send(("GET", "held")) == [b"$-1\r\n"]
