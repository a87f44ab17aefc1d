"""Generated sequences on a bare engine and on a real redis-server.

`make conformance` runs as many as wanted; here a short run with one seed.
"""

import os
import random

import pytest

from .sequences import TYPES, check, sequence, shown, shrink
from .targets import EngineTarget

SEED = int(os.environ.get("SEED", "1"))
COUNT = int(os.environ.get("COUNT", "25"))
MIXED = 2  # times as many: there are more ways in which types meet


@pytest.mark.parametrize("kind", [*TYPES, "mixed"])
def test_sequences_give_the_replies_and_the_state_of_redis(oracle, kind):
    target = EngineTarget()
    kinds, count = (None, COUNT * MIXED) if kind == "mixed" else ([kind], COUNT)
    for seed in range(SEED, SEED + count):
        rng = random.Random(f"{kind}{seed}")
        resp = rng.choice([2, 2, 3])
        commands = sequence(rng, 40, kinds)
        found = check(target, oracle, commands, resp)
        if found is not None:
            commands, found = shrink(target, oracle, commands, resp, found)
            pytest.fail(f"seed {seed}, RESP{resp}: {found}\n{shown(commands)}")
