"""Transactions and commands with many keys on their compiled way, over three shards in one process."""

from __future__ import annotations

import pytest

from cluster.wire import command
from tests.simulation.world import SimClient, World

KEYS = [f"k{i}" for i in range(10)]


@pytest.fixture
def world() -> World:
    return World(7)


@pytest.fixture
def client(world: World) -> SimClient:
    client = SimClient(world)
    client.connect()
    return client


def ask(client: SimClient, *commands: tuple[object, ...]) -> list[object]:
    """Send commands pipelined; all their replies."""
    for words in commands:
        client.send(*words)
    client.world.settle()
    found = [str(reply) if isinstance(reply, Exception) else reply for reply in client.replies]
    client.replies.clear()
    return found


def test_the_keys_are_of_several_shards(world):
    assert {world.router.core.shard_of(key.encode()) for key in KEYS} == {0, 1, 2}


def test_split_commands_answer_in_the_order_of_their_keys(client):
    pairs = [word for key in KEYS for word in (key, "v" + key)]
    assert ask(client, ("MSET", *pairs)) == [b"OK"]
    wanted = [KEYS[3], "nothing", *KEYS, KEYS[3]]
    values = [None if key == "nothing" else b"v" + key.encode() for key in wanted]
    assert ask(client, ("MGET", *wanted)) == [values]
    assert ask(client, ("EXISTS", *KEYS, "nothing", KEYS[0])) == [11]
    assert ask(client, ("DEL", *KEYS[:4], KEYS[0])) == [4]
    assert ask(client, ("TOUCH", *KEYS), ("UNLINK", *KEYS), ("EXISTS", *KEYS)) == [6, 6, 0]


@pytest.mark.parametrize("key", KEYS[:4])
def test_a_read_of_streams_finds_its_shards_whatever_its_options_and_names_are(client, key):
    entry = [b"1-1", [b"f", b"v"]]
    other = KEYS[(KEYS.index(key) + 1) % 4]
    assert ask(client, ("XADD", key, "1-1", "f", "v"), ("XADD", other, "1-1", "f", "v")) == [b"1-1", b"1-1"]
    for name in ("streams", "BLOCK", "group"):
        assert ask(client, ("XGROUP", "CREATE", key, name, "0")) == [b"OK"]
        wanted = ("xreadgroup", "COUNT", "1", "GROUP", name, name, "NOACK", "STREAMS", key, ">")
        assert ask(client, wanted, wanted) == [[[key.encode(), [entry]]], None]
    assert ask(client, ("XREAD", "count", "1", "sTREAMS", key, "0")) == [[[key.encode(), [entry]]]]
    both = [[key.encode(), [entry]], [other.encode(), [entry]]]
    assert ask(client, ("XREAD", "STREAMS", key, other, "0", "0")) == [both]
    assert ask(client, ("XREAD", "BLOCK", "1000", "STREAMS", key, other, "0", "0")) == [both]
    assert "Unbalanced" in ask(client, ("XREAD", "STREAMS", key, other, "0"))[0]
    assert ask(client, ("XREAD", "STREAMS", key)) == ["ERR wrong number of arguments for 'xread' command"]


def test_commands_that_come_byte_by_byte_are_cut_alike(client, world):
    pairs = [word for key in KEYS for word in (key, "x" * 40)]
    data = command("MSET", *pairs) + command("MULTI") + b"".join(command("APPEND", key, "y") for key in KEYS)
    data += command("EXEC") + command("MGET", *KEYS)
    for at in range(len(data)):
        world.router.core.receive_data(client.conn, data[at : at + 1])
    world.pump()
    world.settle()
    replies = list(client.replies)
    assert replies == [b"OK", b"OK", *[b"QUEUED"] * 10, [41] * 10, [b"x" * 40 + b"y"] * 10]


def test_odd_arguments_of_mset_are_an_error_and_change_nothing(client):
    assert ask(client, ("MSET", "k0", "1", "k1"), ("EXISTS", *KEYS)) == [
        "ERR wrong number of arguments for 'mset' command", 0]


def test_a_failing_command_of_exec_over_shards_does_not_undo_the_others(client):
    ask(client, ("SET", "k0", "text"))
    units = [("MULTI",), *(("INCR", key) for key in KEYS), ("EXEC",)]
    *queued, replies = ask(client, *units)
    assert queued == [b"OK", *[b"QUEUED"] * 10]
    assert "not an integer" in str(replies[0])
    assert replies[1:] == [1] * 9


def test_a_transaction_that_only_reads_leaves_no_record(client, world):
    assert ask(client, ("MULTI",), *(("GET", key) for key in KEYS), ("EXEC",))[-1] == [None] * 10
    assert world.router.records.sequence == 0
    ask(client, ("MULTI",), *(("SET", key, "1") for key in KEYS), ("EXEC",))
    assert world.router.records.sequence == 1
    assert not world.router.records.open


@pytest.mark.parametrize("bad", [("NOSUCH",), ("GET",), ("SUBSCRIBE_", "x")])
def test_what_could_not_be_queued_aborts_exec(client, bad):
    replies = ask(client, ("MULTI",), ("SET", "k0", "1"), bad, ("SET", "k1", "1"), ("EXEC",), ("EXISTS", "k0", "k1"))
    assert replies[-2].startswith("EXECABORT")
    assert replies[-1] == 0


def test_a_database_that_is_not_there_is_selected_by_nobody(client):
    units = [("MULTI",), ("SELECT", "4"), ("SET", "k0", "0"), ("MSET", "k1", "1", "k2", "2"), ("EXEC",), ("EXISTS", *KEYS)]
    *_, exec_, here = ask(client, *units)
    assert str(exec_[0]) == "ERR DB index is out of range" and exec_[1:] == [b"OK", b"OK"]
    assert here == 3
    for words in (("COPY", "k0", "k1", "DB", "4"), ("MOVE", "k0", "4"), ("SWAPDB", "0", "4")):
        assert str(ask(client, words)[0]).endswith("index is out of range"), words


def test_what_plain_python_queues_keeps_its_place(client):
    """SELECT, PING and keys on several shards are not for the compiled way."""
    units = [("MULTI",), ("SET", "k0", "0"), ("SELECT", "3"), ("SET", "k1", "3"), ("PING",), ("MSET", "k0", "a", "k2", "b"),
             ("EXEC",), ("EXISTS", *KEYS), ("SELECT", "0"), ("EXISTS", *KEYS)]
    *_, exec_, three, _, zero = ask(client, *units)
    assert exec_ == [b"OK", b"OK", b"OK", b"PONG", b"OK"]
    assert (three, zero) == (3, 1)  # database 3: k1, and k0 and k2 of MSET; database 0: k0


def test_discard_and_nesting(client):
    assert ask(client, ("MULTI",), ("MULTI",), ("SET", "k0", "1"), ("EXEC",)) == [
        b"OK", "ERR MULTI calls can not be nested", b"QUEUED", [b"OK"]]
    assert ask(client, ("MULTI",), ("SET", "k0", "2"), ("DISCARD",), ("GET", "k0")) == [b"OK", b"QUEUED", b"OK", b"1"]


def test_a_lost_shard_answers_for_the_whole_operation(client, world):
    client.send("MSET", *[word for key in KEYS for word in (key, "1")])
    world.kill_shard(1)
    world.settle()
    assert "outcome is unknown" in str(client.replies.popleft())
    world.start_shard(1)
    world.settle()
    assert ask(client, ("EXISTS", *KEYS)) == [10]  # the record was handed over


def test_a_client_that_wants_no_replies_gathers_none(client, world):
    """A master's stream comes on such a connection: nobody takes what is written to it."""
    client.conn.muted = True
    unit = [("MULTI",), *(("INCR", key) for key in KEYS), ("MSET", "a", "1", "b", "2"), ("EXEC",)]
    assert ask(client, *unit) == []
    client.conn.muted = False
    assert ask(client, ("MGET", KEYS[0], "b")) == [[b"1", b"2"]]


def test_a_transaction_that_moves_data_between_shards_may_empty_everything_in_between(client, world):
    owners = {key: world.router.core.shard_of(key.encode()) for key in KEYS}
    far = next(key for key in KEYS if owners[key] != owners["k0"])
    free = next(key for key in KEYS if owners[key] not in (owners["k0"], owners[far]))
    assert ask(client, ("MSET", "k0", "a", far, "b", free, "c", "rest", "d")) == [b"OK"]
    for word in ("FLUSHALL", "FLUSHDB"):
        replies = ask(
            client,
            ("MULTI",),
            ("RENAME", "k0", far),
            ("SET", free, "before"),
            (word,),
            ("GET", free),
            ("SET", "k0", "after"),
            ("RENAME", "k0", far),
            ("EXEC",),
        )
        assert replies[-1] == [b"OK", b"OK", b"OK", None, b"OK", b"OK"]
        assert ask(client, ("DBSIZE",), ("GET", far)) == [1, b"after"]
        assert ask(client, ("MSET", "k0", "a", "rest", "d", free, "c")) == [b"OK"]


CHANGES = [
    ([("SET", "k1", "x")], 1),
    ([("RPUSH", "k1", "a", "b", "c")], 3),
    ([("MULTI",), ("SET", "k1", "x"), ("INCR", "k2"), ("GET", "k1"), ("EXEC",)], 2),
    ([("MULTI",), ("SET", "{k}1", "x"), ("RPUSH", "{k}2", "a", "b"), ("EXEC",)], 3),
    ([("EVAL", "redis.call('SET', KEYS[1], 'x') redis.call('RPUSH', KEYS[2], 1, 2)", "2", "{k}1", "{k}2")], 3),
    ([("MULTI",), ("EVAL", "redis.call('SET', KEYS[1], 'x') return redis.call('INCR', KEYS[2])", "2", "{k}1", "{k}2"), ("SET", "{k}3", "x"), ("EXEC",)], 3),
    ([("MULTI",), ("DEL", "none"), ("EXEC",)], 0),
]


@pytest.mark.parametrize("commands,wanted", CHANGES, ids=lambda value: str(value)[:30])
def test_a_change_counts_once_for_the_save_points(world, client, commands, wanted):
    ask(client, *commands)
    assert sum(shard.engine.changes for shard in world.shards) == wanted


@pytest.mark.parametrize("name", ["CHANNELS", "SHARDCHANNELS"])
def test_pubsub_lists_by_one_pattern(client, name):
    (refused,) = ask(client, ("PUBSUB", name, "*", "+1"))
    assert refused == f"ERR unknown subcommand or wrong number of arguments for '{name}'. Try PUBSUB HELP."
    assert ask(client, ("PUBSUB", name, "*"), ("PUBSUB", name)) == [[], []]
