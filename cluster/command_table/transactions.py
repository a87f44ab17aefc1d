"""Rows of the commands of transactions."""

from cluster.command_table.model import EACH, At, Command, F

ROWS = [
    Command(
        "DISCARD", 1, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.ALLOW_BUSY, at=At.ROUTER, group="transactions",
        since="2.0.0", complexity="O(N), when N is the number of queued commands",
        summary="Discard all commands issued after MULTI",
    ),
    Command(
        "EXEC", 1, F.NOSCRIPT | F.LOADING | F.STALE | F.SKIP_SLOWLOG, at=At.ROUTER, group="transactions",
        since="1.2.0", complexity="Depends on commands in the transaction",
        summary="Execute all commands issued after MULTI",
    ),
    Command(
        "MULTI", 1, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.ALLOW_BUSY, at=At.ROUTER, group="transactions",
        since="1.2.0", summary="Mark the start of a transaction block",
    ),
    Command(
        "UNWATCH", 1, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.ALLOW_BUSY, at=At.ROUTER, group="transactions",
        since="2.2.0", summary="Forget about all watched keys",
    ),
    Command(
        "WATCH", -2, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.ALLOW_BUSY, EACH, access="RO", at=At.ROUTER,
        group="transactions", since="2.2.0", complexity="O(1) for every key.",
        summary="Watch the given keys to determine execution of the MULTI/EXEC block",
    ),
]
