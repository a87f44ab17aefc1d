"""Packs of small byte strings against a plain list."""

import random

import pytest

from shard.values.packed import Packed


def test_an_empty_pack_holds_nothing():
    pack = Packed()
    assert len(pack) == 0 and pack.items() == [] and pack.memory() == 0
    with pytest.raises(IndexError):
        pack.get(0)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 16383, 16384, 3_000_000])
def test_an_entry_of_any_size_is_found_from_both_ends(size):
    pack = Packed()
    big = b"x" * size
    for item in (b"a", big, b"b"):
        pack.append(item)
    assert [pack.get(i) for i in (-3, -2, -1)] == [b"a", big, b"b"] == [pack.get(i) for i in range(3)]


def test_finding_skips_what_stands_between_the_compared_entries():
    pack = Packed()
    for item in (b"f", b"v", b"v", b"g"):
        pack.append(item)
    assert pack.find(b"v") == 1
    assert pack.find(b"v", 0, 1) == 2
    assert pack.find(b"g", 0, 1) == -1


@pytest.mark.parametrize("seed", range(20))
def test_a_pack_does_what_a_list_does(seed):
    rng = random.Random(seed)
    pack, model = Packed(), []
    for _ in range(600):
        what = rng.randrange(7)
        size = rng.choice([0, 1, 5, 30, 126, 127, 128, 200, 20000 if rng.random() < 0.05 else 3])
        item = bytes([97 + rng.randrange(26)]) * size
        if what == 0:
            pack.append(item)
            model.append(item)
        elif what == 1:
            pack.prepend(item)
            model.insert(0, item)
        elif what == 2:
            i = rng.randrange(len(model) + 1)
            pack.insert(i, item)
            model.insert(i, item)
        elif model and what == 3:
            i = rng.randrange(-len(model), len(model))
            pack.replace(i, item)
            model[i] = item
        elif model and what == 4:
            i, n = rng.randrange(len(model)), rng.choice([1, 1, 1, 2, 5])
            pack.delete(i, n)
            del model[i : i + n]
        elif model and what == 5:
            i = rng.choice([0, -1])
            pack.delete(i)
            model.pop(i)
        assert len(pack) == len(model)
        assert pack.find(item) == (model.index(item) if item in model else -1)
    assert pack.items() == model
    assert [pack.get(-1 - i) for i in range(len(model))] == model[::-1]
