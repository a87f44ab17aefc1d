"""Set commands."""


def members(shard, key):
    return sorted(shard.reply(f"SMEMBERS {key}"))


def test_sadd_counts_new_members_and_journals_only_changes(shard):
    assert shard.run("SADD s a b a") == (2, ["SADD s a b a"])
    assert shard.run("SADD s a") == (0, [])
    assert shard.reply("SMISMEMBER s a x b") == [1, 0, 1]


def test_the_last_member_takes_the_key_along(shard):
    shard.reply("SADD s a")
    assert shard.reply("SREM s a b") == 1
    assert shard.reply("EXISTS s") == 0


def test_spop_is_journalled_as_what_it_took(shard):
    shard.reply("SADD s a b c")
    shard.effects()
    member, effects = shard.run("SPOP s")
    assert effects == [f"SREM s {member.decode()}"]
    taken, effects = shard.run("SPOP s 1")
    assert effects == [f"SREM s {taken[0].decode()}"]
    assert shard.run("SPOP s 5")[1] == ["DEL s"]
    assert shard.reply("SPOP s") is None


def test_srandmember_gives_distinct_members_or_draws(shard):
    shard.reply("SADD s a b c")
    assert sorted(shard.reply("SRANDMEMBER s 9")) == [b"a", b"b", b"c"]
    assert len(shard.reply("SRANDMEMBER s -9")) == 9
    assert len(set(shard.reply("SRANDMEMBER s 2"))) == 2


def test_sdiffstore_of_a_large_set_and_small_ones_keeps_the_encoding_of_the_large_one(shard):
    """Redis takes what the others have out of a copy there; else it adds what the others lack."""
    shard.reply("SADD a 1 2 3 4 5 6 x")
    shard.reply("SADD b x")
    assert shard.reply("SDIFFSTORE t a b b") == 6
    assert shard.reply("OBJECT ENCODING t") == b"listpack"
    assert shard.reply("SDIFFSTORE t a b") == 6
    assert shard.reply("OBJECT ENCODING t") == b"intset"
    shard.reply("SADD c 7 8 9 10 11 12 x")
    assert shard.reply("SDIFFSTORE t a c") == 6
    assert shard.reply("OBJECT ENCODING t") == b"intset"
    assert shard.reply("SDIFFSTORE t a b a") == 0
    assert shard.reply("EXISTS t") == 0


def test_algebra(shard):
    shard.reply("SADD a 1 2 3 x")
    shard.reply("SADD b 2 3 4")
    assert sorted(shard.reply("SINTER a b")) == [b"2", b"3"]
    assert sorted(shard.reply("SDIFF a b")) == [b"1", b"x"]
    assert len(shard.reply("SUNION a b none")) == 5
    assert shard.reply("SINTERCARD 2 a b LIMIT 1") == 1
    assert shard.reply("SINTERSTORE d a b") == 2 and members(shard, "d") == [b"2", b"3"]
    assert shard.reply("SDIFFSTORE d a a") == 0 and shard.reply("EXISTS d") == 0


def test_algebra_refuses_other_types_also_behind_a_missing_key(shard):
    shard.reply("SET t 1")
    assert shard.reply("SINTER none t").startswith("WRONGTYPE")
    assert shard.reply("SUNIONSTORE t none") == 0


def test_smove_takes_the_member_along(shard):
    shard.reply("SADD a x")
    shard.reply("SADD b y")
    assert shard.reply("SMOVE a b x") == 1
    assert members(shard, "b") == [b"x", b"y"] and shard.reply("EXISTS a") == 0
    assert shard.reply("SMOVE a b x") == 0
