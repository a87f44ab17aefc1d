"""The engine's own behaviour, seen through simple commands."""

from __future__ import annotations


def test_a_write_is_its_own_effect_and_a_read_has_none(shard):
    assert shard.run("SET a 1") == (b"OK", ["SET a 1"])
    assert shard.run("GET a") == (b"1", [])


def test_binary_keys_and_values_are_kept(shard):
    shard.run(b"SET", b"k\r\n\0", b"\xff\0")
    assert shard.reply(b"GET", b"k\r\n\0") == b"\xff\0"
