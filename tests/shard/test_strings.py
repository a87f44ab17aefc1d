"""Strings, bitmaps, HyperLogLogs and keys: what goes into the stream, and what comes back."""

from __future__ import annotations

import pytest


def test_relative_expiries_become_absolute_in_the_stream(shard):
    at = shard.now + 10_000
    assert shard.run("SET k v EX 10") == (b"OK", [f"SET k v PXAT {at}"])
    assert shard.run("SETEX k 10 v") == (b"OK", [f"SET k v PXAT {at}"])
    assert shard.run("EXPIRE k 10") == (1, [f"PEXPIREAT k {at}"])
    assert shard.run("GETEX k PX 10000") == (b"v", [f"PEXPIREAT k {at}"])
    assert shard.run("PTTL k") == (10_000, [])
    shard.advance(10_000)
    assert shard.run("GET k") == (None, ["DEL k"])


def test_set_with_get_nx_and_keepttl(shard):
    assert shard.run("SET k a NX GET") == (None, ["SET k a NX"])
    assert shard.run("SET k b NX GET") == (b"a", [])
    shard.run("EXPIRE k 5")
    shard.run("SET k c KEEPTTL")
    assert shard.reply("TTL k") == 5
    assert shard.reply("SET k d EX 1 KEEPTTL") == "ERR syntax error"


def test_float_sums_are_stored_as_their_result(shard):
    shard.run("SET f 10.5")
    assert shard.run("INCRBYFLOAT f 0.1") == (b"10.6", ["SET f 10.6 KEEPTTL"])


def test_counters_stop_at_64_bits(shard):
    shard.run("SET n 9223372036854775807")
    assert shard.run("INCR n") == ("ERR increment or decrement would overflow", [])


def test_a_reply_does_not_change_with_a_later_append(shard):
    shard.run("APPEND k a")
    shard.run("APPEND k b")
    before = shard.reply("GET k")
    shard.run("APPEND k c")
    assert before == b"ab"


def test_lcs_lists_matches_from_the_end(shard):
    shard.run("MSET a ohmytext b mynewtext")
    assert shard.reply("LCS a b") == b"mytext"
    matches = [[[4, 7], [5, 8], 4], [[2, 3], [0, 1], 2]]
    assert shard.reply("LCS a b IDX WITHMATCHLEN") == [b"matches", matches, b"len", 6]


def test_bitfields_wrap_saturate_or_fail(shard):
    command = "BITFIELD b SET u8 0 255 OVERFLOW SAT INCRBY u8 0 9 OVERFLOW FAIL INCRBY u8 0 1"
    assert shard.run(command) == ([0, 255, None], [command])
    assert shard.run("SETBIT b 0 1") == (1, [])


@pytest.mark.parametrize("count", [100, 5000])
def test_hyperloglog_estimates_within_two_percent_sparse_and_dense(shard, count):
    for start in range(0, count, 100):
        shard.reply("PFADD", "h", *range(start, start + 100))
    assert abs(shard.reply("PFCOUNT h") - count) <= count * 0.02
    assert shard.reply("PFSELFTEST") == b"OK"


def test_rename_moves_value_and_expiry(shard):
    shard.run("SET a 1 EX 10")
    assert shard.run("RENAME a b") == (b"OK", ["RENAME a b"])
    assert shard.reply("TTL b") == 10
    assert shard.reply("RENAME a b") == "ERR no such key"


def test_a_move_is_one_effect_in_the_database_it_left(shard):
    shard.run("SET a 1")
    assert shard.run("MOVE a 1") == (1, ["MOVE a 1"])
    assert shard.reply("EXISTS a") == 0
    assert shard.run("SWAPDB 0 1") == (b"OK", ["SWAPDB 0 1"])
    assert shard.reply("GET a") == b"1"


def test_a_scan_gives_every_key_that_stays_while_others_come_and_go(shard):
    stay = {b"{t}stay:%d" % i for i in range(500)} | {b"free:%d" % i for i in range(300)}
    for key in stay:
        shard.reply(b"SET", key, b"1")
    seen: set[bytes] = set()
    cursor, turn = b"0", 0
    while True:
        cursor, keys, _ = shard.reply(b"SHARD.SCAN", cursor, b"COUNT", b"7")
        seen.update(keys)
        turn += 1
        shard.reply(b"SET", b"{t}come:%d" % turn, b"1")
        shard.reply(b"DEL", b"{t}come:%d" % (turn - 3))
        if cursor == b"0":
            break
    assert stay <= seen
    assert turn > 40
