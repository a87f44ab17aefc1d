"""Lists, hashes and sets against Python's own, in all their forms."""

import random

import pytest

from shard.values.hashes import HashValue
from shard.values.lists import ListValue
from shard.values.sets import SetValue


@pytest.mark.parametrize("seed", range(12))
def test_a_list_does_what_a_python_list_does(seed):
    rng = random.Random(seed)
    value, model = ListValue(), []
    sizes = [0, 3, 60, 200, 3000, 9000] if seed % 2 else [1, 5]
    for _ in range(1500):
        item = b"%d" % rng.randrange(5) * rng.choice(sizes)
        what = rng.randrange(11)
        if what < 2:
            value.push_left(item)
            model.insert(0, item)
        elif what < 5:
            value.push_right(item)
            model.append(item)
        elif model and what == 5:
            assert value.pop_left() == model.pop(0)
        elif model and what == 6:
            assert value.pop_right() == model.pop()
        elif what == 7:
            i = rng.randrange(len(model) + 1)
            value.insert(i, item)
            model.insert(i, item)
        elif model and what == 8:
            i = rng.randrange(-len(model), len(model))
            assert value.set(i, item) and value.get(i) == item
            model[i] = item
        elif model and what == 9 and rng.random() < 0.3:
            start = rng.randrange(len(model))
            stop = start + rng.randrange(20)
            assert value.delete_range(start, stop) == len(model[start : stop + 1])
            del model[start : stop + 1]
        elif what == 10 and rng.random() < 0.1:
            count = rng.choice([-2, 2, 0])
            places = [i for i, other in enumerate(model) if other == item]
            places = places[:count] if count > 0 else places[count:] if count < 0 else places
            assert value.remove(item, count) == len(places)
            for i in reversed(places):
                del model[i]
        assert len(value) == len(model)
        if model:
            i = rng.randrange(len(model))
            assert value.get(i) == model[i] == value.get(i - len(model))
            assert value.range(i, i + 5) == model[i : i + 6]
            assert value.find(model[i], 1, 1, 0) == [model.index(model[i])]
    assert list(value) == model == list(value.copy())
    assert value.find(b"1", -1, 0, 0) == [i for i in range(len(model) - 1, -1, -1) if model[i] == b"1"]
    while not value.release(50):
        pass
    assert len(value) == 0


@pytest.mark.parametrize("names", [20, 100, 5000])
def test_a_hash_does_what_a_dict_does(names):
    rng = random.Random(names)
    value, model = HashValue(), {}
    for _ in range(20000):
        field = b"f%d" % rng.randrange(names)
        if rng.random() < 0.6:
            content = b"v" * rng.choice([0, 1, 20, 70 if names > 20 else 2])
            assert value.set(field, content) == (field not in model)
            model[field] = content
        else:
            assert value.delete(field) == (model.pop(field, None) is not None)
        assert len(value) == len(model)
        assert value.get(field) == model.get(field)
    assert dict(value.items()) == model == dict(value.copy().items())
    assert dict(zip(value.fields(), value.values())) == model
    assert value.encoding() == (b"listpack" if names == 20 else b"hashtable")
    assert value.random(rng)[0] in model
    while not value.release(100):
        pass
    assert len(value) == 0


@pytest.mark.parametrize("form", [b"intset", b"listpack", b"hashtable"])
def test_a_set_does_what_a_python_set_does(form):
    rng = random.Random(1)
    value, model = SetValue(), set()
    for _ in range(8000):
        if form == b"intset":
            member = b"%d" % rng.choice([rng.randrange(200), 40000 + rng.randrange(9), -(2**40), 2**63 - 1])
        else:
            member = b"m%d" % rng.randrange(100 if form == b"listpack" else 3000)
        if rng.random() < 0.6:
            assert value.add(member) == (member not in model)
            model.add(member)
        else:
            assert value.remove(member) == (member in model)
            model.discard(member)
        assert len(value) == len(model)
        assert value.has(member) == (member in model)
    assert value.encoding() == form
    assert set(value) == model == set(value.copy()) and len(value.members()) == len(model)
    assert value.pop(rng) in model and len(value) == len(model) - 1


@pytest.mark.parametrize("change", [-3000, -1, 0, 1, 3000])
def test_a_scan_gives_what_was_there_all_the_time(change):
    rng = random.Random(change)
    value = SetValue.load(b"stay%d" % i for i in range(2000))
    others = [b"other%d" % i for i in range(6000)]
    for member in others[:3000]:
        value.add(member)
    seen, cursor, step = set(), 0, 0
    while True:
        cursor, part = value.scan(cursor, 10)
        seen.update(part)
        if cursor == 0:
            break
        for _ in range(abs(change) and rng.randrange(60)):
            step += 1
            member = others[(3000 + step) % 6000 if change > 0 else step % 3000]
            value.add(member) if change > 0 or (abs(change) == 1 and step % 2) else value.remove(member)
    assert {b"stay%d" % i for i in range(2000)} <= seen


def test_random_members_are_uniform():
    rng = random.Random(5)
    value = SetValue.load(b"m%d" % i for i in range(200))
    assert value.encoding() == b"hashtable"
    drawn: dict[bytes, int] = {}
    for _ in range(40000):
        member = value.random(rng)
        drawn[member] = drawn.get(member, 0) + 1
    chi = sum((n - 200) ** 2 / 200 for n in drawn.values())
    assert len(drawn) == 200 and chi < 290  # 199 degrees of freedom, 1 in 10^5


def test_fields_expire_by_what_the_caller_says_the_time_is():
    value = HashValue.load([(b"a", b"1"), (b"b", b"2")])
    value.set_expire(b"a", 50)
    value.set_expire(b"b", 70)
    assert value.encoding() == b"listpackex" and value.earliest() == 50
    assert value.due(49) == [] and value.due(50) == [b"a"]
    value.delete(b"a")
    assert value.expire_at(b"a") == -1 and value.due(60) == [] and value.earliest() == 70
    assert value.persist(b"b") and not value.persist(b"b") and not value.has_expiries()
