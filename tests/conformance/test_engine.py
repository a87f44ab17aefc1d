"""Generated sequences on a bare engine and on a real redis-server.

`make conformance` runs as many as wanted; here a short run with one seed. Hypothesis drives
the same grammars, so that it can shrink what it finds.
"""

import os
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .sequences import TYPES, check, sequence, shown, shrink
from .targets import EngineTarget

SEED = int(os.environ.get("SEED", "1"))
COUNT = int(os.environ.get("COUNT", "25"))


@pytest.mark.parametrize("kind", TYPES)
def test_sequences_of_one_type_give_the_replies_and_the_state_of_redis(oracle, kind):
    target = EngineTarget()
    for seed in range(SEED, SEED + COUNT):
        rng = random.Random(f"{kind}{seed}")
        resp = rng.choice([2, 2, 3])
        commands = sequence(rng, 40, [kind])
        found = check(target, oracle, commands, resp)
        if found is not None:
            commands, found = shrink(target, oracle, commands, resp, found)
            pytest.fail(f"seed {seed}, RESP{resp}: {found}\n{shown(commands)}")


@settings(max_examples=COUNT, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))
@given(rng=st.randoms(use_true_random=False), resp=st.sampled_from([2, 3]))
def test_mixed_sequences_give_the_replies_and_the_state_of_redis(oracle, rng, resp):
    commands = sequence(rng, 30)
    found = check(EngineTarget(), oracle, commands, resp)
    assert found is None, f"{found}\n{shown(commands)}"
