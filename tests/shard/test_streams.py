"""Stream commands: replies and effects."""

import pytest

from cluster.replies import NIL_ARRAY
from shard.signals import Block


def test_xadd_puts_the_id_that_it_made_into_the_effect(shard):
    made = b"%d-0" % shard.now
    assert shard.run("XADD s * f v") == (made, [f"XADD s {made.decode()} f v"])
    assert shard.run("XADD s * f v")[0] == b"%d-1" % shard.now
    assert shard.run("XADD s 1-1 f v")[0].startswith("ERR The ID specified in XADD is equal or smaller")
    assert shard.run("XADD none NOMKSTREAM * f v") == (None, [])


def test_trimming_about_removes_whole_nodes_and_says_exactly_what_it_did(shard):
    for i in range(1, 251):
        shard.run(f"XADD s {i}-0 f v")
    assert shard.run("XTRIM s MAXLEN ~ 120") == (100, ["XTRIM s MAXLEN = 150"])
    assert shard.run("XADD s MAXLEN = 10 300-* f v") == (b"300-0", ["XADD s MAXLEN = 10 300-0 f v"])
    assert shard.reply("XLEN s") == 10


def test_ranges_with_open_ends_and_in_reverse(shard):
    for i in (1, 2, 3):
        shard.run(f"XADD s {i}-1 f {i}")
    assert shard.reply("XRANGE s (1-1 +") == [[b"2-1", [b"f", b"2"]], [b"3-1", [b"f", b"3"]]]
    assert shard.reply("XREVRANGE s + - COUNT 1") == [[b"3-1", [b"f", b"3"]]]


def test_a_blocking_read_waits_with_the_id_that_dollar_meant(shard):
    shard.run("XADD s 5-5 f v")
    with pytest.raises(Block) as waiting:
        shard.engine.run([b"XREAD", b"BLOCK", b"100", b"STREAMS", b"s", b"$"])
    assert list(waiting.value.args) == [b"XREAD", b"BLOCK", b"100", b"STREAMS", b"s", b"5-5"]
    assert shard.reply("XREAD STREAMS s +") == [[b"s", [[b"5-5", [b"f", b"v"]]]]]


def test_what_a_group_delivers_is_pending_until_it_is_acknowledged(shard):
    shard.run("XADD s 1-1 f v")
    shard.run("XGROUP CREATE s g 0")
    reply, effects = shard.run("XREADGROUP GROUP g alice STREAMS s >")
    assert reply == [[b"s", [[b"1-1", [b"f", b"v"]]]]]
    assert effects == [
        "MULTI",
        "XGROUP CREATECONSUMER s g alice",
        f"XCLAIM s g alice 0 1-1 TIME {shard.now} RETRYCOUNT 1 FORCE JUSTID LASTID 1-1",
        "XGROUP SETID s g 1-1 ENTRIESREAD 1",
        "EXEC",
    ]
    shard.advance(500)
    assert shard.reply("XPENDING s g - + 10") == [[b"1-1", b"alice", 500, 1]]
    assert shard.reply("XAUTOCLAIM s g bob 100 0") == [b"0-0", [[b"1-1", [b"f", b"v"]]], []]
    assert shard.reply("XPENDING s g") == [1, b"1-1", b"1-1", [[b"bob", b"1"]]]
    assert shard.reply("XACK s g 1-1") == 1
    assert shard.reply("XACK s g 1-1") == 0


def test_effects_applied_to_an_empty_engine_give_the_same_groups(shard):
    from tests.shard.conftest import Shard

    for command in (
        "XADD s 1-1 f v", "XADD s 2-1 f v", "XADD s 3-1 f v", "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g alice COUNT 2 STREAMS s >", "XREADGROUP GROUP g alice STREAMS s 0",
        "XREADGROUP GROUP g bob NOACK STREAMS s >", "XDEL s 2-1", "XAUTOCLAIM s g bob 0 0",
    ):  # fmt: skip
        shard.reply(command)
    copy = Shard()
    for args in shard.effects():
        if args[0] not in (b"MULTI", b"EXEC"):
            copy.engine.apply(args)
    ours, theirs = (one.reply("XINFO STREAM s FULL") for one in (shard, copy))
    assert ours == theirs


def test_a_group_read_from_the_last_id_reads_what_is_new(shard):
    top = 2**64 - 1
    shard.reply("XGROUP CREATE s g 0 MKSTREAM")
    assert shard.reply(f"XREADGROUP GROUP g alice STREAMS s {top}-{top}") is NIL_ARRAY
    shard.reply("XADD s 1-1 f v")
    assert shard.reply(f"XREADGROUP GROUP g alice STREAMS s {top}-{top}") == [[b"s", [[b"1-1", [b"f", b"v"]]]]]


def test_a_bad_id_is_told_of_before_a_limit_out_of_place(shard):
    assert shard.reply("XADD x MAXLEN 4 LIMIT 5 -1 f v") == "ERR Invalid stream ID specified as stream command argument"
    assert shard.reply("XADD x MAXLEN 4 LIMIT 5 1-* f v") == (
        "ERR syntax error, LIMIT cannot be used without the special ~ option"
    )
