"""Every row of the command table is exercised by some grammar, or is listed here with the reason why not."""

import random

from cluster.command_table import TABLE
from cluster.command_table.model import F

from .draw import RULES, Draw
from .sequences import TYPES

NOT_COMPARED = {
    # reason: names (a container stands for its subcommands)
    "the two servers cannot say the same: they tell of themselves": "",
}


def generated() -> set[str]:
    """Names, with subcommand where there is one, that the grammars make."""
    names: set[str] = set()
    rng = random.Random(1)
    for grammar, rules in RULES.items():
        for rule, _ in rules:
            for _ in range(150):
                made = rule(Draw(rng, grammar if grammar in TYPES else "lists"))
                for args in [made] if isinstance(made[0], bytes) else made:
                    words = [arg.upper().decode("latin-1") for arg in args[:2]]
                    names.update((words[0], "|".join(words)))
    return names


def test_every_command_is_compared_with_redis_or_says_why_not():
    excused = {name for names in NOT_COMPARED.values() for name in names.split()}
    made = generated()
    missing = [
        name
        for name, row in TABLE.items()
        if name not in made and not row.flags & F.INTERNAL and not {name, name.partition("|")[0]} & excused
    ]
    assert missing == []
