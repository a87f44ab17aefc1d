"""The engine's own behaviour, seen through simple commands."""

from __future__ import annotations

from cluster.config import Config
from shard.engine import Engine


def test_a_write_is_its_own_effect_and_a_read_has_none(shard):
    assert shard.run("SET a 1") == (b"OK", ["SET a 1"])
    assert shard.run("GET a") == (b"1", [])


def test_binary_keys_and_values_are_kept(shard):
    shard.run(b"SET", b"k\r\n\0", b"\xff\0")
    assert shard.reply(b"GET", b"k\r\n\0") == b"\xff\0"


def test_there_are_as_many_databases_as_configured():
    assert [len(Engine(Config({"databases": count})).dbs) for count in (1, 16, 256)] == [1, 16, 256]


def test_a_writable_replica_writes_an_expired_key_anew(shard):
    shard.run("SET k 5 PX 10")
    shard.engine.master = False
    shard.advance(11)
    assert shard.reply("GET k") is None
    assert shard.reply("INCR k") == 1
    assert (shard.reply("GET k"), shard.reply("PTTL k")) == (b"1", -1)
    shard.run("SET h 5 PX 10")
    shard.advance(11)
    assert shard.reply("HSET h f v") == 1
    assert shard.reply("PTTL h") == -1
