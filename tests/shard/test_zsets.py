"""Sorted set commands: replies and effects."""

import pytest

from shard.signals import Block


def test_zadd_gt_raises_a_score_but_never_lowers_it(shard):
    assert shard.run("ZADD z 5 a 5 b") == (2, ["ZADD z 5 a 5 b"])
    assert shard.run("ZADD z GT CH 9 a 1 b") == (1, ["ZADD z GT CH 9 a 1 b"])
    assert shard.run("ZADD z GT 1 a") == (0, [])


def test_zadd_reads_every_score_before_it_writes_one(shard):
    assert shard.run("ZADD z 1 a x b") == ("ERR value is not a valid float", [])
    assert shard.reply("EXISTS z") == 0


def test_an_increment_from_inf_to_nan_is_an_error(shard):
    shard.run("ZADD z inf a")
    assert shard.run("ZINCRBY z -inf a") == ("ERR resulting score is not a number (NaN)", [])
    assert shard.run("ZADD z INCR -inf a") == ("ERR resulting score is not a number (NaN)", [])
    assert shard.reply("ZSCORE z a") == float("inf")


def test_ranges_go_by_rank_by_score_and_by_lexical_order(shard):
    shard.run("ZADD z 1 a 2 b 3 c 4 d")
    assert shard.reply("ZRANGE z 1 -2") == [b"b", b"c"]
    assert shard.reply("ZRANGE z 0 0 REV WITHSCORES") == [b"d", 4.0]
    assert shard.reply("ZRANGE z (1 +inf BYSCORE LIMIT 1 1") == [b"c"]
    assert shard.reply("ZREVRANGEBYSCORE z 3 (1") == [b"c", b"b"]
    assert shard.reply("ZCOUNT z (1 3") == 2
    shard.run("ZADD lex 0 a 0 b 0 c")
    assert shard.reply("ZRANGEBYLEX lex [b +") == [b"b", b"c"]
    assert shard.reply("ZRANGE lex + (a BYLEX REV") == [b"c", b"b"]
    assert shard.reply("ZLEXCOUNT lex - (c") == 2


def test_zrank_counts_from_either_end_also_with_the_score(shard):
    shard.run("ZADD z 1 a 2 b 3 c")
    assert shard.reply("ZRANK z b WITHSCORE") == [1, 2.0]
    assert shard.reply("ZREVRANK z a") == 2
    assert shard.reply("ZRANK z nobody") is None


def test_unions_add_weighted_scores_and_take_plain_sets_as_ones(shard):
    shard.run("ZADD a 1 x 2 y")
    shard.run("ZADD b 10 y 20 w")
    assert shard.reply("ZUNION 2 a b WEIGHTS 2 1 WITHSCORES") == [b"x", 2.0, b"y", 14.0, b"w", 20.0]
    assert shard.reply("ZINTER 2 a b AGGREGATE MAX WITHSCORES") == [b"y", 10.0]
    assert shard.reply("ZDIFF 2 a b") == [b"x"]
    assert shard.reply("ZINTERCARD 2 a b LIMIT 1") == 1
    assert shard.run("ZUNIONSTORE out 2 a b") == (3, ["ZUNIONSTORE out 2 a b"])
    assert shard.run("ZDIFFSTORE out 2 a a")[0] == 0
    assert shard.reply("EXISTS out") == 0


def test_popping_the_last_member_deletes_the_key(shard):
    shard.run("ZADD z 1 a 2 b")
    assert shard.reply("ZPOPMAX z") == [b"b", 2.0]
    assert shard.reply("ZMPOP 2 none z MIN COUNT 5") == [b"z", [[b"a", 1.0]]]
    assert shard.reply("EXISTS z") == 0


def test_a_blocking_pop_of_nothing_waits_and_of_something_is_a_plain_pop(shard):
    with pytest.raises(Block) as waiting:
        shard.engine.run([b"BZPOPMIN", b"z", b"y", b"1.5"])
    assert (waiting.value.keys, waiting.value.timeout_ms) == ([b"z", b"y"], 1500)
    shard.run("ZADD y 7 m")
    assert shard.run("BZPOPMIN z y 0") == ([b"y", b"m", 7.0], ["ZPOPMIN y"])


def test_removing_ranges(shard):
    shard.run("ZADD z 1 a 2 b 3 c 4 d 5 e")
    assert shard.reply("ZREMRANGEBYRANK z 0 0") == 1
    assert shard.reply("ZREMRANGEBYSCORE z (2 3") == 1
    assert shard.reply("ZRANGE z 0 -1") == [b"b", b"d", b"e"]
    assert shard.run("ZREMRANGEBYLEX z - +")[0] == 3
    assert shard.reply("EXISTS z") == 0
