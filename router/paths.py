"""Which commands may take the router's fast path, and what must be looked at first. `router/core.py`
reads this once, into C."""

from __future__ import annotations

from cluster.command_table.model import At, Command, F, Keyword, NumKeys, Range, Spread

SLOW = 0
ONE_KEY = 1  # its one key says the shard
ANY_KEYS = 2  # only where one shard owns everything
NUM_KEYS = 3  # says how many keys it has: none or one, or one shard owns everything
STREAMS = 4  # a read of streams without BLOCK: of one, or one shard owns everything

PLAIN = 0
SCRIPT = 1
TEXT = 2  # a script that brings its text, which all shards must have first
PYTHON = 3  # a pickle is code: not for every client


def path_of(row: Command) -> int:
    """Which fast path a row of the command table may take."""
    if row.at is not At.SHARD or "|" in row.name or row.container or row.flags & F.INTERNAL:
        return SLOW
    if isinstance(row.keys, Keyword):
        return STREAMS
    if row.flags & F.BLOCKING:
        return SLOW
    if row.keys is None or row.spread is Spread.ALL:
        return SLOW
    if isinstance(row.keys, Range) and row.spread is Spread.ONE and row.keys.first == row.keys.last:
        return ONE_KEY if row.keys.first <= 3 else SLOW
    if isinstance(row.keys, NumKeys) and row.spread is Spread.ONE and row.keys.at <= 2 and not row.keys.also:
        return NUM_KEYS
    return ANY_KEYS


def script_of(row: Command) -> int:
    """What kind of script a row runs."""
    if row.keys is None or row.group not in ("scripting", "python"):
        return PLAIN
    if row.group == "python":
        return PYTHON
    return TEXT if row.name in ("EVAL", "EVAL_RO") else SCRIPT
