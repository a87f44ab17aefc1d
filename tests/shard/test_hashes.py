"""Hash commands and the expiry of fields."""

import pytest

from cluster.config import Config
from shard.commands.hash_expiry import expire_fields
from shard.engine import Engine


def test_hset_counts_new_fields_only(shard):
    assert shard.run("HSET h a 1 b 2") == (2, ["HSET h a 1 b 2"])
    assert shard.reply("HSET h a 3 c 4") == 1
    assert shard.reply("HMGET h a x c") == [b"3", None, b"4"]
    assert shard.reply("HSET h a") == "ERR wrong number of arguments for 'hset' command"


def test_the_last_field_takes_the_key_along(shard):
    shard.reply("HSET h a 1 b 2")
    assert shard.reply("HDEL h a b c") == 2
    assert shard.reply("EXISTS h") == 0


def test_hincrbyfloat_is_journalled_as_its_result_and_keeps_the_expiry(shard):
    assert shard.run("HINCRBYFLOAT h f 10.5") == (b"10.5", ["HSET h f 10.5"])
    at_ms = shard.now + 9000
    shard.run("HPEXPIRE h 9000 FIELDS 1 f")
    assert shard.run("HINCRBYFLOAT h f 0.1") == (
        b"10.6", ["MULTI", "HSET h f 10.6", f"HPEXPIREAT h {at_ms} FIELDS 1 f", "EXEC"],
    )
    assert shard.reply("HPTTL h FIELDS 1 f") == [9000]


def test_hincrby_refuses_text_and_overflow(shard):
    shard.reply("HSET h t abc n 9223372036854775807")
    assert shard.reply("HINCRBY h t 1") == "ERR hash value is not an integer"
    assert shard.reply("HINCRBY h n 1") == "ERR increment or decrement would overflow"


def test_a_field_expires_when_its_hash_is_looked_up(shard):
    shard.reply("HSET h a 1 b 2")
    assert shard.reply("HEXPIRE h 10 FIELDS 2 a x") == [1, -2]
    assert shard.reply("HTTL h FIELDS 3 a b x") == [10, -1, -2]
    shard.effects()
    shard.advance(10_000)
    assert shard.run("HGETALL h") == ([b"b", b"2"], ["HDEL h a"])


def test_a_field_expires_though_nobody_looks(shard):
    shard.reply("HSET h a 1")
    shard.reply("HSET keep a 1")
    shard.reply("HPEXPIRE h 5 FIELDS 1 a")
    shard.effects()
    shard.advance(5)
    expire_fields(shard.engine, 0, 0)
    shard.engine.end_unit()
    assert [b" ".join(args) for args in shard.effects()] == [b"HDEL h a"]
    assert shard.reply("EXISTS h keep") == 1


def test_a_replica_hides_an_expired_field_and_waits_for_its_master(shard):
    shard.reply("HSET h a 1 b 2")
    shard.reply("HPEXPIRE h 5 FIELDS 1 a")
    shard.effects()
    shard.engine.master = False
    shard.advance(5)
    assert shard.run("HKEYS h") == ([b"b"], [])
    shard.engine.apply([b"HDEL", b"h", b"a"])
    assert len(shard.engine.dbs[0].get(b"h")) == 1


def test_conditions_of_hexpire(shard):
    shard.reply("HSET h a 1")
    assert shard.reply("HPEXPIRE h 100 XX FIELDS 1 a") == [0]
    assert shard.reply("HPEXPIRE h 100 GT FIELDS 1 a") == [0]
    assert shard.reply("HPEXPIRE h 100 LT FIELDS 1 a") == [1]
    assert shard.reply("HPEXPIRE h 200 NX FIELDS 1 a") == [0]
    assert shard.reply("HPEXPIRE h 200 LT FIELDS 1 a") == [0]
    assert shard.reply("HPEXPIRE h 200 GT FIELDS 1 a") == [1]
    assert shard.reply("HPERSIST h FIELDS 1 a") == [1]
    assert shard.reply("HPERSIST h FIELDS 1 a") == [-1]


def test_a_time_that_has_passed_deletes_at_once(shard):
    shard.reply("HSET h a 1 b 2")
    shard.effects()
    assert shard.run("HEXPIRE h 0 FIELDS 1 a") == ([2], ["HDEL h a"])
    assert shard.reply("HEXPIRE h 0 FIELDS 1 b") == [2]
    assert shard.reply("EXISTS h") == 0


def test_setting_a_field_takes_its_expiry_away(shard):
    shard.reply("HSET h a 1")
    shard.reply("HEXPIRE h 10 FIELDS 1 a")
    shard.reply("HSET h a 2")
    assert shard.reply("HTTL h FIELDS 1 a") == [-1]


@pytest.mark.parametrize(
    ("commands", "reply"),
    [  # the examples of Redis's documentation of each command, 7.4
        (["HEXPIRE no-key 20 NX FIELDS 2 field1 field2"], [-2, -2]),
        (["HSET h f1 a f2 b", "HEXPIRE h 10 FIELDS 3 f1 f2 f3"], [1, 1, -2]),
        (["HSET h f1 a f2 b", "HPEXPIRE h 2000 FIELDS 2 f1 f2"], [1, 1]),
        (["HSET h f1 a f2 b", "HEXPIREAT h 1 FIELDS 2 f1 nope"], [2, -2]),
        (["HSET h f1 a f2 b", "HPEXPIREAT h 1700000300000 FIELDS 2 f1 f2", "HPTTL h FIELDS 2 f1 f2"], [300000, 300000]),
        (["HSET h f1 a f2 b", "HEXPIRE h 300 FIELDS 2 f1 f2", "HTTL h FIELDS 3 f1 f2 f3"], [300, 300, -2]),
        (["HSET h f1 a f2 b", "HEXPIRE h 300 FIELDS 1 f1", "HEXPIRETIME h FIELDS 2 f1 f2"], [1700000300, -1]),
        (["HSET h f1 a f2 b", "HEXPIRE h 300 FIELDS 1 f1", "HPEXPIRETIME h FIELDS 1 f1"], [1700000300000]),
        (["HSET h f1 a f2 b", "HEXPIRE h 300 FIELDS 2 f1 f2", "HPERSIST h FIELDS 1 f2", "HTTL h FIELDS 2 f1 f2"], [300, -1]),
        (["HPERSIST no-key FIELDS 1 f"], [-2]),
        (["HTTL no-key FIELDS 2 f g"], [-2, -2]),
        (["HSET h f 1", "HEXPIRE h 300 FIELDS 1 f", "HINCRBY h f 5", "HTTL h FIELDS 1 f"], [300]),
        (["HSET h f 1", "HEXPIRE h 300 FIELDS 1 f", "HDEL h f", "HSET h f 2", "HTTL h FIELDS 1 f"], [-1]),
        (["SET s x", "HEXPIRE s 300 FIELDS 1 f"], "WRONGTYPE Operation against a key holding the wrong kind of value"),
    ],
)
def test_documented_examples_of_hexpire_and_kin(shard, commands, reply):
    assert [shard.reply(command) for command in commands][-1] == reply


def test_arguments_of_hexpire(shard):
    assert shard.reply("HEXPIRE h 10 FIELDS 2 a b") == [-2, -2]
    assert shard.reply("HEXPIRE h 10 FIELDS 0 a") == "ERR Parameter `numFields` should be greater than 0"
    for command in ("HTTL", "HPEXPIRETIME", "HPERSIST"):
        assert shard.reply(f"{command} h FIELDS 0 a") == "ERR Number of fields must be a positive integer"
    assert shard.reply("HEXPIRE h 10 FIELDS 2 a") == "ERR The `numfields` parameter must match the number of arguments"
    assert shard.reply("HEXPIRE h -1 FIELDS 1 a") == "ERR invalid expire time, must be >= 0"
    assert shard.reply("HEXPIRE h 10 FOO 1 a") == (
        "ERR Mandatory argument FIELDS is missing or not at the right position"
    )


def test_config_set_moves_the_size_up_to_which_hashes_stay_packed():
    engine = Engine(Config())
    engine.run([b"SHARD.CONFIG", b"hash-max-listpack-entries", b"1"])
    engine.run([b"HSET", b"h", b"a", b"1", b"b", b"2"])
    assert engine.run([b"OBJECT", b"ENCODING", b"h"]) == b"hashtable"
    Engine()  # the limits are the process's: back to the defaults
    engine.run([b"HSET", b"g", b"a", b"1", b"b", b"2"])
    assert engine.run([b"OBJECT", b"ENCODING", b"g"]) == b"listpack"
