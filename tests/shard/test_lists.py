"""List commands: a command in, a reply and effects out."""

import pytest

from shard.signals import Block


def test_pushes_go_to_their_ends_and_pops_take_from_them(shard):
    assert shard.run("RPUSH l b c") == (2, ["RPUSH l b c"])
    assert shard.run("LPUSH l a z") == (4, ["LPUSH l a z"])
    assert shard.reply("LRANGE l 0 -1") == [b"z", b"a", b"b", b"c"]
    assert shard.run("LPOP l") == (b"z", ["LPUSH l a z", "LPOP l"][1:])
    assert shard.run("RPOP l 2") == ([b"c", b"b"], ["RPOP l 2"])
    assert shard.reply("LPOP l 0") == []


def test_a_list_that_runs_empty_is_no_key(shard):
    shard.reply("RPUSH l a")
    assert shard.reply("LPOP l") == b"a"
    assert shard.reply("EXISTS l") == 0
    assert shard.run("LPOP l") == (None, ["RPUSH l a", "LPOP l"])


def test_pushx_makes_no_key(shard):
    assert shard.run("LPUSHX l a") == (0, [])
    assert shard.run("RPUSHX l a") == (0, [])


def test_lmove_rotates_one_list_and_joins_two(shard):
    shard.reply("RPUSH l a b c")
    assert shard.reply("LMOVE l l LEFT RIGHT") == b"a"
    assert shard.reply("RPOPLPUSH l m") == b"a"
    assert shard.reply("LRANGE l 0 -1") == [b"b", b"c"]
    assert shard.reply("LRANGE m 0 -1") == [b"a"]
    assert shard.reply("LMOVE l m UP RIGHT") == "ERR syntax error"


def test_lpos_finds_from_either_end(shard):
    shard.reply("RPUSH l a b c 1 2 3 c c")
    assert shard.reply("LPOS l c") == 2
    assert shard.reply("LPOS l c RANK 2") == 6
    assert shard.reply("LPOS l c RANK -1 COUNT 2") == [7, 6]
    assert shard.reply("LPOS l c COUNT 0 MAXLEN 3") == [2]
    assert shard.reply("LPOS l c RANK 0").startswith("ERR RANK can't be zero")


def test_a_blocking_pop_is_journalled_as_a_pop(shard):
    shard.reply("RPUSH l a b")
    shard.effects()
    assert shard.run("BLPOP none l 0") == ([b"l", b"a"], ["LPOP l"])
    assert shard.run("BLMPOP 0 2 none l RIGHT COUNT 5") == ([b"l", [b"b"]], ["RPOP l 1"])


def test_a_blocking_pop_of_nothing_says_what_it_waits_for(shard):
    with pytest.raises(Block) as caught:
        shard.engine.run([b"BLPOP", b"k", b"j", b"0.5"])
    assert caught.value.keys == [b"k", b"j"] and caught.value.timeout_ms == 500


def test_ltrim_lrem_lset_and_linsert_change_what_they_say(shard):
    shard.reply("RPUSH l a b a c a")
    assert shard.reply("LREM l -2 a") == 2
    assert shard.reply("LINSERT l AFTER b x") == 4
    assert shard.reply("LSET l -1 z") == b"OK"
    assert shard.reply("LTRIM l 1 -1") == b"OK"
    assert shard.reply("LRANGE l 0 -1") == [b"b", b"x", b"z"]
    assert shard.reply("LSET l 9 q") == "ERR index out of range"
    assert shard.run("LTRIM l 5 9")[1][-1] == "LTRIM l 5 9"
    assert shard.reply("EXISTS l") == 0
