"""The hash table of a slot against a dictionary."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shard.blocks import free_bytes
from shard.slot_table import EMBEDDED_MAX, SlotTable

KEYS = st.binary(max_size=40) | st.integers(0, 300).map(lambda n: b"key:%d" % n)
VALUES = st.binary(max_size=2 * EMBEDDED_MAX) | st.lists(st.integers(), max_size=2)
STEPS = st.lists(st.tuples(st.sampled_from(["set", "set", "set", "pop", "get", "popitem"]), KEYS, VALUES), max_size=400)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_it_does_what_a_dictionary_does(steps):
    table, model = SlotTable(), {}
    for what, key, value in steps:
        if what == "set":
            assert table.set(key, value) == (key not in model)
            model[key] = value
        elif what == "pop":
            assert table.pop(key) == model.pop(key, None)
        elif what == "popitem" and model:
            gone, found = table.popitem()
            assert model.pop(gone) == found
        assert table.get(key) == model.get(key)
        assert (key in table) == (key in model)
        assert len(table) == len(model)
    assert dict(table.items()) == model
    assert sorted(table) == sorted(model)
    assert dict(table.objects(list)) == {key: value for key, value in model.items() if type(value) is list}


def test_a_hundred_thousand_keys_come_and_go():
    rng = random.Random(7)
    table = SlotTable()
    names = [b"%d" % rng.getrandbits(64) for _ in range(100_000)]
    for name in names:
        table.set(name, name * 2)
    rng.shuffle(names)
    for name in names[1000:]:
        assert table.pop(name) == name * 2
    assert sorted(table.keys()) == sorted(names[:1000])
    assert all(table.get(name) == name * 2 for name in names[:1000])
    for name in names[1000:2000]:
        table.set(name, b"")
    assert len(table) == 2000
    while table:
        table.popitem()
    assert table.items() == []
    with pytest.raises(KeyError):
        table.popitem()


def test_places_that_are_passed_by_many_stay_right():
    """Full tables of one bucket size after the other: keys far from home are found, and the absent are not."""
    for count in (6, 7, 12, 13, 24, 25, 48, 49, 96, 97):
        table = SlotTable()
        for i in range(count):
            table.set(b"%d" % i, b"%d" % i)
        for turn in range(30):
            for i in range(turn % 2, count, 2):
                assert table.pop(b"%d" % i) == b"%d" % i
            assert table.get(b"x") is None
            for i in range(turn % 2, count, 2):
                assert table.get(b"%d" % i) is None
                table.set(b"%d" % i, b"%d" % i)
        assert [table.get(b"%d" % i) for i in range(count)] == [b"%d" % i for i in range(count)]


def test_values_that_are_objects_are_kept_and_let_go():
    table = SlotTable()
    value = bytearray(b"x")
    before = sys.getrefcount(value)
    table.set(b"k", value)
    assert sys.getrefcount(value) == before + 1
    assert table.get(b"k") is value
    table.set(b"k", b"short")
    assert sys.getrefcount(value) == before
    table.set(b"k", value)
    table.set(b"k", value)
    assert sys.getrefcount(value) == before + 1
    assert table.pop(b"k") is value
    assert sys.getrefcount(value) == before
    table.set(b"a", value)
    table.set(b"b", value)
    assert table.popitem()[1] is value
    del table
    assert sys.getrefcount(value) == before


def test_a_sampled_key_is_one_of_the_keys_wherever_one_starts():
    table = SlotTable()
    with pytest.raises(KeyError):
        table.near(0)
    names = {b"%d" % i for i in range(20)}
    for name in names:
        table.set(name, b"")
    assert {table.near(i) for i in range(500)} == names


def test_memory_of_tables_that_grow_and_go_is_whole_again():
    """Halves become wholes: what small tables leave behind serves large ones."""

    def fill(tables, keys):
        for table in tables:
            for i in range(keys):
                table.set(b"%d" % i, b"")

    before = free_bytes()
    fill(tables := [SlotTable() for _ in range(2000)], 100)
    fill(more := [SlotTable() for _ in range(300)], 1000)
    del tables, more
    grown = free_bytes()
    assert grown > before
    fill(large := [SlotTable() for _ in range(40)], 6 * 512)
    assert free_bytes() <= grown - 40 * 512 * 64
    del large
    assert free_bytes() == grown
