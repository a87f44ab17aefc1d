"""GET, SET, DEL, INCR and DECR from bytes to bytes do what their handlers do, whatever stands in the way."""

import itertools

import pytest

from cluster import frames
from cluster.command_table import TABLE
from cluster.wire import command
from shard.engine import Engine
from shard.loop import Loop

NIL = {2: b"$-1\r\n", 3: b"_\r\n"}
RESP3 = 1
LARGE = b"x" * 300


def batch(loop, commands, now=1000, flags=frames.END_OF_RUN):
    """Run commands as one batch of a client: their replies."""
    rows = [(TABLE[args[0].decode().upper()].id, 0, flags, 1, command(*args)) for args in commands]
    assert loop.execute(frames.request(loop.generation, now, rows))
    _, _, _, entries = frames.parse_reply(loop.take(True))
    return [payload for kind, payload in entries if kind == frames.RUN]


@pytest.fixture
def loop():
    engine = Engine()
    made = Loop(engine)
    engine.controls = made
    made.start(1)
    return made


def test_what_is_set_is_got_in_any_size_and_both_protocols(loop):
    for value, flags in itertools.product((b"", b"a", b"\r\n\0", b"y" * 192, b"y" * 193, LARGE), (0, RESP3)):
        replies = batch(loop, [(b"set", b"k", value), (b"get", b"k"), (b"GET", b"none")], flags=frames.END_OF_RUN | flags)
        assert replies == [b"+OK\r\n", b"$%d\r\n%s\r\n" % (len(value), value), NIL[3 if flags else 2]]


def test_a_set_is_an_effect_and_a_get_is_none(loop):
    batch(loop, [(b"SET", b"k", b"1"), (b"GET", b"k"), (b"SET", b"k", b"2")])
    effects = loop.engine.take_stream()
    assert effects.count(b"SET\r\n") == 2 and b"GET" not in effects
    assert loop.engine.changes == 2 and loop.engine.db.size == 1


def test_expiry_is_seen_and_taken_away(loop):
    batch(loop, [(b"SET", b"k", b"1", b"PX", b"50"), (b"SET", b"o", b"1", b"PX", b"50")])
    assert batch(loop, [(b"GET", b"k"), (b"SET", b"o", b"2")], now=1049) == [b"$1\r\n1\r\n", b"+OK\r\n"]
    assert batch(loop, [(b"GET", b"k"), (b"GET", b"o")], now=1050) == [NIL[2], b"$1\r\n2\r\n"]
    assert loop.engine.db.size == 1 and loop.engine.db.volatile == 0


def test_other_types_other_forms_and_refusals_go_to_the_handlers(loop):
    batch(loop, [(b"RPUSH", b"l", b"a"), (b"APPEND", b"s", b"ab"), (b"APPEND", b"s", b"cd")])
    wrong = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
    assert batch(loop, [(b"GET", b"l"), (b"GET", b"s")]) == [wrong, b"$4\r\nabcd\r\n"]
    assert batch(loop, [(b"SET", b"s", b"1", b"NX"), (b"SET", b"l", b"now a string"), (b"GET", b"l")]) == [
        NIL[2],
        b"+OK\r\n",
        b"$12\r\nnow a string\r\n",
    ]
    loop.engine.over_memory = True
    assert batch(loop, [(b"SET", b"s", b"1")])[0].startswith(b"-OOM ")
    assert batch(loop, [(b"INCR", b"n")])[0].startswith(b"-OOM ")
    loop.engine.over_memory = False
    loop.engine.write_error = b"No space left on device"
    assert batch(loop, [(b"SET", b"s", b"1"), (b"GET", b"s")])[0].startswith(b"-MISCONF ")


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (None, b"INCR", 1),
        (None, b"decr", -1),
        (b"0", b"DECR", -1),
        (b"-1", b"INCR", 0),
        (b"99", b"INCR", 100),
        (b"-1000", b"INCR", -999),
        (b"9223372036854775806", b"INCR", 2**63 - 1),
        (b"-9223372036854775807", b"DECR", -(2**63)),
        (b"9223372036854775807", b"INCR", "would overflow"),
        (b"-9223372036854775808", b"DECR", "would overflow"),
        (b"9223372036854775808", b"INCR", "not an integer"),
        (b"01", b"INCR", "not an integer"),
        (b"", b"INCR", "not an integer"),
        (b"1 ", b"INCR", "not an integer"),
        (b"1" * 300, b"INCR", "not an integer"),
    ],
)
def test_counting(loop, before, name, after):
    batch(loop, [(b"SET", b"{k}o", b"1")] + ([(b"SET", b"k", before)] if before is not None else []))
    loop.engine.take_stream()
    changes = loop.engine.changes
    # Twice: from the batch's bytes, and in a form that only the handler takes, with the same values.
    handled = [(b"SETEX", b"h", b"100", before)] if before is not None else []
    replies = batch(loop, [(name, b"k"), *handled, (name, b"h")])
    value = batch(loop, [(b"GET", b"k")])[0]
    if isinstance(after, int):
        text = b"%d" % after
        assert replies[0] == replies[-1] == b":" + text + b"\r\n"
        assert value == b"$%d\r\n%s\r\n" % (len(text), text)
        assert loop.engine.changes == changes + len(replies)
        assert name + b"\r\n$1\r\nk\r\n" in loop.engine.take_stream()
        assert loop.engine.db.size == 3
    else:
        assert after in replies[0].decode() and replies[0] == replies[-1]
        assert value == b"$%d\r\n%s\r\n" % (len(before), before)
        assert loop.engine.changes == changes + 1


def test_what_is_deleted_is_gone_whatever_it_was(loop):
    batch(loop, [(b"SET", b"s", b"1"), (b"SET", b"x", LARGE), (b"SET", b"t", b"1", b"PX", b"50"), (b"RPUSH", b"l", b"a")])
    batch(loop, [(b"SADD", b"m", *(b"member:%d" % i for i in range(5000)))])
    loop.engine.take_stream()
    changes = loop.engine.changes
    keys = [b"s", b"x", b"t", b"l", b"m", b"none", b"s"]
    assert batch(loop, [(b"del", key) for key in keys]) == [b":%d\r\n" % (at < 5) for at in range(7)]
    assert batch(loop, [(b"EXISTS", *keys)]) == [b":0\r\n"]
    assert loop.engine.take_stream().count(b"\r\ndel\r\n") == 5 and loop.engine.changes == changes + 5
    assert loop.engine.db.size == loop.engine.db.volatile == 0 and loop.engine.db.slots.count(None) == len(loop.engine.db.slots)
    assert loop.engine.lazy  # the set goes a little at a time


def test_hits_and_misses_of_reads_are_counted(loop):
    batch(
        loop,
        [(b"SET", b"k", b"1"), (b"GET", b"k"), (b"GET", b"no"), (b"STRLEN", b"k"), (b"STRLEN", b"no"), (b"INCR", b"k")],
    )
    assert (loop.engine.hits, loop.engine.misses) == (2, 2)


def test_more_commands_than_the_loop_looks_ahead(loop):
    steps = [(b"SET", b"k%d" % (i % 7), b"%d" % i) if i % 3 else (b"GET", b"k%d" % (i % 7)) for i in range(200)]
    model, expected = {}, []
    for step in steps:
        if step[0] == b"SET":
            model[step[1]] = step[2]
            expected.append(b"+OK\r\n")
        else:
            expected.append(
                NIL[2] if step[1] not in model else b"$%d\r\n%s\r\n" % (len(model[step[1]]), model[step[1]])
            )
    assert batch(loop, steps) == expected


def test_a_master_s_stream_is_executed_and_not_answered(loop, caplog):
    stream = frames.FROM_MASTER | frames.SILENT
    assert batch(loop, [(b"SET", b"k", b"1"), (b"APPEND", b"k", b"2"), (b"RPUSH", b"l", b"a")], flags=stream) == []
    assert not caplog.records
    assert batch(loop, [(b"INCR", b"l")], flags=stream) == []
    assert "INCR: WRONGTYPE" in caplog.text  # it was no error at the master
    assert batch(loop, [(b"GET", b"k")]) == [b"$2\r\n12\r\n"]
    assert loop.engine.changes == 3


def test_what_is_fed_to_replicas_is_apart_from_other_events(loop):
    loop.engine.fed.append((b"stream", 0, 0, b"x"))
    loop.engine.events.append((b"other",))
    _, flags, _, entries = frames.parse_reply(loop.take())
    assert flags & frames.FEEDING
    assert [kind for kind, _ in entries] == [frames.EVENT, frames.STREAM]
