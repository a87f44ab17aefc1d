"""The sorted set container against a plain model."""

import random

import pytest

from shard.values.zsets import ZSetValue


def in_order(model):
    return [(member, score) for score, member in sorted((score, member) for member, score in model.items())]


def scanned(zset, count=10):
    cursor, found = zset.scan(0, count)
    while cursor:
        cursor, more = zset.scan(cursor, count)
        found += more
    return found


@pytest.mark.parametrize("names, span, steps", [(100, 3, 400), (150, 1000, 1500), (5000, 3, 9000), (5000, 1000, 9000), (5000, 10**6, 9000)])
def test_any_history_of_writes_leaves_what_a_dictionary_would_hold(names, span, steps):
    rng = random.Random(names + span)
    zset, model = ZSetValue(), {}
    for step in range(steps):
        member, chance = b"m%d" % rng.randrange(names), rng.random()
        if chance < 0.65:
            score = float(rng.randrange(span))
            assert zset.add(member, score) == model.get(member)
            model[member] = score
        elif chance < 0.8:
            assert zset.remove(member) == (model.pop(member, None) is not None)
        elif chance < 0.81:
            start = rng.randrange(len(model) + 1)
            count = rng.randrange(len(model) - start + 1)
            zset.delete_slice(start, count)
            for gone, _ in in_order(model)[start : start + count]:
                del model[gone]
        if step % 100 == 0 and model:
            expected = in_order(model)
            at = rng.randrange(len(expected))
            bound = float(rng.randrange(span))
            assert list(zset) == expected == list(zset.copy())
            assert zset.rank(expected[at][0]) == at
            assert zset.pairs(at, 7, reverse=True) == expected[max(0, at - 6) : at + 1][::-1]
            assert zset.before_score(bound, False) == sum(score < bound for _, score in expected)
            assert zset.before_score(bound, True) == sum(score <= bound for _, score in expected)
            assert sorted(scanned(zset)) == sorted(model.items())


def test_a_scan_returns_what_stays_although_the_table_shrinks_and_grows():
    zset = ZSetValue.load((b"m%d" % i, i) for i in range(4000))
    cursor, found = zset.scan(0, 100)
    for i in range(500, 4000):
        zset.remove(b"m%d" % i)
    while cursor:
        cursor, more = zset.scan(cursor, 50)
        found += more
        for i in range(len(found), len(found) + 300):
            zset.add(b"other%d" % i, i)
    assert {b"m%d" % i for i in range(500)} <= {member for member, _ in found}


def test_a_large_set_is_released_a_little_at_a_time():
    zset = ZSetValue.load((b"m%d" % i, i) for i in range(3000))
    assert not zset.release(1000)
    assert not zset.release(1000)
    assert zset.release(2000)
    assert len(zset) == 0


def test_members_over_the_limits_make_a_set_large_for_good():
    zset = ZSetValue.load([(b"a" * 64, 1.0)])
    assert zset.encoding() == b"listpack"
    zset.add(b"a" * 65, 2.0)
    assert zset.encoding() == b"skiplist"
    zset.remove(b"a" * 65)
    assert zset.encoding() == b"skiplist"
    assert ZSetValue.load((b"%d" % i, i) for i in range(128)).encoding() == b"listpack"
    assert ZSetValue.load((b"%d" % i, i) for i in range(129)).encoding() == b"skiplist"


def test_a_set_that_is_loaded_large_keeps_its_minus_zeros():
    loaded = ZSetValue.load([(b"a", -0.0), (b"m" * 65, 0.0)])
    assert loaded.encoding() == b"skiplist"
    assert str(loaded.score(b"a")) == "-0.0"
