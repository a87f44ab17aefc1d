"""Rows of the string commands."""

from cluster.command_table.model import EACH, FIRST, PAIRS, Command, Effect, F, Merge, Spread

ROWS = [
    Command("GET", 2, F.READONLY | F.FAST, FIRST, group="string"),
    Command("SET", -3, F.WRITE | F.DENYOOM, FIRST, group="string", effect=Effect.REWRITTEN),
    Command("INCR", 2, F.WRITE | F.DENYOOM | F.FAST, FIRST, group="string"),
    Command("MGET", -2, F.READONLY | F.FAST, EACH, group="string", spread=Spread.SPLIT, merge=Merge.SCATTER),
    Command("MSET", -3, F.WRITE | F.DENYOOM, PAIRS, group="string", spread=Spread.SPLIT, merge=Merge.ALL_OK),
]
