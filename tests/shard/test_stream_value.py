"""The stream container and its groups against plain models."""

import random

from shard.values.pending import Group
from shard.values.streams import StreamValue


def text(entry_id):
    return b"%d-%d" % entry_id


def test_any_history_of_appends_and_removals_leaves_what_a_list_would_hold():
    for seed in range(12):
        rng = random.Random(seed)
        stream, model, last = StreamValue(), [], (0, 0)
        for step in range(3000):
            chance = rng.random()
            if chance < 0.8 or not model:
                ms = last[0] + rng.choice([0, 1, 300, 70000])
                last = (ms, last[1] + rng.choice([1, 1, 900]) if ms == last[0] else rng.choice([0, 5]))
                names = rng.choice([[b"a", b"b"], [b"a", b"b"], [b"other"], [b""]])
                fields = [part for name in names for part in (name, bytes(rng.randrange(200)))]
                stream.add(last, fields)
                model.append((last, fields))
            elif chance < 0.95:
                at = rng.randrange(len(model))
                assert stream.remove(model[at][0])
                assert not stream.remove(model[at][0])
                del model[at]
            elif chance < 0.955:
                model = model[-(len(model) // 2) :]
                excess = len(stream) - len(model)
                for entry_id, _ in list(stream)[:excess]:
                    stream.remove(entry_id)
            if step % 60 == 0 and model:
                assert len(stream) == len(model)
                assert list(stream) == model == list(stream.copy())
                assert stream.first_id == model[0][0]
                low, high = sorted((rng.choice(model)[0], rng.choice(model)[0]))
                low = (low[0], low[1] + rng.randrange(2))
                inside = [[text(entry_id), fields] for entry_id, fields in model if low <= entry_id <= high]
                assert stream.range(low, high) == inside
                assert stream.range(low, high, 7) == inside[:7]
                assert stream.range(low, high, 7, reverse=True) == inside[::-1][:7]
                assert stream.range(reverse=True) == [[text(entry_id), fields] for entry_id, fields in model[::-1]]


def test_the_largest_ids_come_back_as_they_went_in():
    stream, top = StreamValue(), 2**64 - 1
    for entry_id in [(0, 1), (5, top), (top, 0), (top, top)]:
        stream.add(entry_id, [b"f", b"v"])
    assert [entry_id for entry_id, _ in stream] == [(0, 1), (5, top), (top, 0), (top, top)]
    assert stream.range((top, 0))[0][0] == b"18446744073709551615-0"


def test_a_million_byte_value_survives():
    stream = StreamValue()
    stream.add((1, 1), [b"f", b"x" * 1_000_000, b"g", b""])
    stream.add((1, 2), [b"f", b"y" * 300, b"g", b"z"])
    assert list(stream) == [((1, 1), [b"f", b"x" * 1_000_000, b"g", b""]), ((1, 2), [b"f", b"y" * 300, b"g", b"z"])]


def test_pending_entries_stay_ordered_and_belong_to_one_consumer():
    rng = random.Random(3)
    group, model = Group(), {}
    consumers = [group.create(b"c%d" % i) for i in range(4)]
    for step in range(6000):
        entry_id = (rng.randrange(40), rng.randrange(40))
        consumer = rng.choice(consumers)
        group.add_pending(entry_id, consumer, step, step % 7)
        model[entry_id] = (entry_id, step, step % 7, consumer)
    assert group.pel.items() == [model[entry_id] for entry_id in sorted(model)]
    for consumer in consumers:
        mine = [row[0] for row in consumer.pel.items()]
        assert mine == sorted(entry_id for entry_id, row in model.items() if row[3] is consumer)
    assert group.remove(b"c1") == sum(row[3] is consumers[1] for row in model.values())
    assert len(group.pel) == sum(row[3] is not consumers[1] for row in model.values())
    copied = group.copy()
    assert [row[:3] for row in copied.pel.items()] == [row[:3] for row in group.pel.items()]
