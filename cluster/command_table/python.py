"""Rows of the commands that load and call Python functions."""

from cluster.command_table.model import At, Command, Effect, F, NumKeys

_CALL = F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.MAY_REPLICATE | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS
_ADMIN = F.WRITE | F.DENYOOM | F.NOSCRIPT

ROWS = [
    Command(
        "PY.CALL", -3, _CALL, NumKeys(2), access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="scripting",
        since="7.2.0", complexity="Depends on the function that is called",
        summary="Calls a loaded Python function on keys of any shards, atomically",
    ),
    Command(
        "PY.CALL_RO", -3, _CALL | F.READONLY, NumKeys(2), access="RO ACCESS", group="scripting", since="7.2.0",
        complexity="Depends on the function that is called",
        summary="Calls a loaded Python function that writes nothing",
    ),
    Command(
        "PY.DELETE", 2, _ADMIN, at=At.ROUTER, group="scripting", since="7.2.0",
        summary="Deletes a loaded Python function",
    ),
    Command(
        "PY.DUMP", 2, F.NOSCRIPT, at=At.ROUTER, group="scripting", since="7.2.0",
        summary="Returns the pickled blob of a loaded Python function",
    ),
    Command(
        "PY.EVAL", -3, _CALL, NumKeys(2), access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="scripting",
        since="7.2.0", complexity="Depends on the function that is run",
        summary="Runs a pickled Python function on keys of any shards, atomically",
    ),
    Command(
        "PY.KILL", 1, F.NOSCRIPT | F.ALLOW_BUSY, at=At.ROUTER, group="scripting", since="7.2.0",
        summary="Ends a running Python function that has not written yet",
    ),
    Command(
        "PY.LIST", 1, F.NOSCRIPT, at=At.ROUTER, group="scripting", since="7.2.0",
        complexity="O(N) where N is the number of functions", summary="Lists the loaded Python functions",
    ),
    Command(
        "PY.LOAD", -3, _ADMIN, at=At.ROUTER, group="scripting", since="7.2.0",
        summary="Stores a pickled Python function under a name",
    ),
    Command(
        "PY.STATS", 1, F.NOSCRIPT, at=At.ROUTER, group="scripting", since="7.2.0",
        summary="Returns calls, time and errors of each Python function",
    ),
]
