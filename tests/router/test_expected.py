"""The ring of what a link waits for."""

import gc
import random
import weakref
from collections import deque

from router.expected import Expected


class Target:
    pass


def test_it_is_first_in_first_out_while_it_grows():
    ring, model, dice = Expected(), deque(), random.Random(3)
    for number in range(5000):
        if dice.random() < 0.6:
            target = Target()
            ring.append(target, number)
            model.append((target, number))
        elif model and dice.random() < 0.02:
            assert ring.take_all() == list(model)
            model.clear()
        assert len(ring) == len(model)
    assert ring.take_all() == list(model)
    assert ring.take_all() == []


def test_what_is_taken_is_let_go_and_a_ring_in_a_cycle_is_collected():
    ring, target = Expected(), Target()
    gone = weakref.ref(target)
    ring.append(target, 1)
    del target
    assert gone() is not None
    ring.take_all()
    assert gone() is None
    target = Target()
    target.ring = ring
    ring.append(target, 2)
    gone = weakref.ref(target)
    del target, ring
    gc.collect()
    assert gone() is None
