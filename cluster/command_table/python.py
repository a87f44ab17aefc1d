"""Rows of the Python functions, an extension. Every shard keeps a copy of each function, so
what changes them goes to all shards as one operation."""

from cluster.command_table.model import At, Command, Effect, F, Merge, NumKeys, Spread

RUN = F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS
DEPENDS = "Depends on the function that is executed"

ROWS = [
    Command(
        "PY.CALL", -3, RUN, NumKeys(2), access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="python",
        complexity=DEPENDS, summary="Call a Python function",
    ),
    Command(
        "PY.CALL_RO", -3, RUN | F.READONLY, NumKeys(2), access="RO ACCESS", group="python",
        complexity=DEPENDS, summary="Call a Python function that only reads",
    ),
    Command(
        "PY.EVAL", -3, RUN, NumKeys(2), access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="python",
        complexity=DEPENDS, summary="Run a pickled Python function",
    ),
    Command(
        "PY.LOAD", -3, F.WRITE | F.DENYOOM | F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="python",
        summary="Store a pickled Python function under a name",
    ),
    Command(
        "PY.DELETE", 2, F.WRITE | F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="python",
        summary="Delete a Python function",
    ),
    Command(
        "PY.LIST", 1, F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="python",
        complexity="O(N) where N is the number of functions", summary="List the Python functions",
    ),
    Command(
        "PY.DUMP", 2, F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="python",
        summary="Return the pickle of a Python function",
    ),
    Command(
        "PY.STATS", 1, F.NOSCRIPT, spread=Spread.ALL, merge=Merge.CUSTOM, group="python",
        complexity="O(N) where N is the number of functions", summary="Calls, errors and time of each Python function",
    ),
    Command(
        "PY.KILL", 1, F.NOSCRIPT | F.ALLOW_BUSY, at=At.ROUTER, group="python",
        summary="End the running Python function",
    ),
]
