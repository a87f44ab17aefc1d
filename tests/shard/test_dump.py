"""DUMP and RESTORE: what goes out comes back, and what is no payload is refused."""

from __future__ import annotations

import pytest

from cluster.wire import parse_commands
from shard.engine import Engine
from shard.rdb.plain import to_plain
from shard.values.hashes import HashValue
from shard.values.lists import ListValue
from shard.values.sets import SetValue
from shard.values.streams import StreamValue
from shard.values.zsets import ZSetValue

NOW = 1_700_000_000_000


def stream():
    value = StreamValue()
    value.add((1, 1), [b"a", b"1", b"b", b"2"])
    value.add((1, 2), [b"a", b"3", b"b", b"4"])
    value.add((5, 0), [b"c", b"1"])
    value.remove((1, 2))
    value.set_last_id((7, 0), 3, (1, 2))
    group = value.create_group(b"g", (5, 0), 2)
    group.create(b"idle", NOW, NOW)
    group.add_pending((1, 1), group.create(b"alice", NOW, NOW), NOW - 5, 3)
    return value


VALUES = {
    "int": lambda: b"12345",
    "text": lambda: b"abc" * 50,
    "raw": lambda: bytearray(b"x"),
    "list": lambda: ListValue.load([b"%d" % i for i in range(3000)]),
    "set": lambda: SetValue.load([b"a", b"b", b""]),
    "bigset": lambda: SetValue.load([b"m%d" % i for i in range(2000)]),
    "intset": lambda: SetValue.load([b"1", b"70000", b"-5"]),
    "hash": lambda: HashValue.load([(b"f", b"v"), (b"g", b"12")]),
    "bighash": lambda: HashValue.load([(b"f%d" % i, b"v%d" % i) for i in range(1000)]),
    "zset": lambda: ZSetValue.load([(b"a", 1.5), (b"b", float("-inf")), (b"c", 3.0)]),
    "bigzset": lambda: ZSetValue.load([(b"m%d" % i, i / 7) for i in range(1000)]),
    "stream": stream,
}


def run(engine, *args):
    words = args[0].encode().split() if len(args) == 1 else list(args)
    return engine.run(words)


def plain(value):
    name, form = to_plain(value)
    if name == b"set":
        form = sorted(form)
    if name == b"hash":
        form = dict(zip(form.items[::2], form.items[1::2], strict=True)), form.expiry
    return name, form


@pytest.fixture
def engine():
    made = Engine({})
    made.now = NOW
    return made


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_comes_back_from_its_dump(engine, kind):
    value = VALUES[kind]()
    engine.dbs[0].set(b"key", value)
    payload = run(engine, "DUMP key")
    assert run(engine, b"RESTORE", b"copy", b"0", payload) == b"OK"
    assert plain(engine.dbs[0].get(b"copy")) == plain(value)


def test_expiring_fields_of_a_hash_come_back_from_its_dump(engine):
    value = HashValue.load([(b"f", b"v"), (b"g", b"w")])
    value.set_expire(b"g", NOW + 1000)
    engine.dbs[0].set(b"key", value)
    run(engine, b"RESTORE", b"copy", b"0", run(engine, "DUMP key"))
    copy = engine.dbs[0].get(b"copy")
    assert (copy.expire_at(b"f"), copy.expire_at(b"g")) == (-1, NOW + 1000)


def test_restore_keeps_a_key_that_is_there_unless_told_to_replace_it(engine):
    run(engine, "SET a 1")
    run(engine, "SET b 2")
    payload = run(engine, "DUMP a")
    assert run(engine, b"RESTORE", b"b", b"0", payload).text == "BUSYKEY Target key name already exists."
    assert run(engine, b"RESTORE", b"b", b"0", payload, b"REPLACE") == b"OK"
    assert run(engine, "GET b") == b"1"


def test_a_relative_ttl_is_replicated_as_a_point_in_time(engine):
    run(engine, "SET a 1")
    payload = run(engine, "DUMP a")
    engine.take_stream()
    run(engine, b"RESTORE", b"c", b"5000", payload)
    effects = parse_commands(engine.take_stream())[0]
    assert effects[-1] == [b"RESTORE", b"c", b"%d" % (NOW + 5000), payload, b"ABSTTL"]
    assert run(engine, "PTTL c") == 5000


def test_every_flipped_bit_of_a_payload_is_noticed(engine):
    engine.dbs[0].set(b"l", ListValue.load([b"a", b"b", b"1000000"]))
    payload = run(engine, "DUMP l")
    for at in range(len(payload)):
        for bit in range(8):
            bad = bytearray(payload)
            bad[at] ^= 1 << bit
            reply = run(engine, b"RESTORE", b"bad", b"0", bytes(bad))
            assert reply.text == "ERR DUMP payload version or checksum are wrong"
    assert run(engine, "EXISTS bad") == 0
