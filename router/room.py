"""Shards over their part of `maxmemory` that evict nothing: which commands are refused before they leave.

A shard refuses what comes to it alone. Where several shards take part each must have said yes before any of them has
changed something, and a transaction is not even queued, as in Redis: so shards say when they are full and when no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.command_table.model import Command, F
from cluster.errors import CommandError

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

ENDS_MULTI = ("EXEC", "DISCARD", "QUIT", "RESET")


class Room:
    """full: the shards that take nothing more now."""

    def __init__(self, router: Router):
        self.router = router
        self.full: set[int] = set()
        router.event_handlers[b"over_memory"] = lambda shard, event: self.told(shard, event[1] == b"1")

    def told(self, shard: int, full: bool) -> None:
        """A shard has become full, or is so no more, or is gone."""
        before = bool(self.full)
        (self.full.add if full else self.full.discard)(shard)
        if bool(self.full) != before:
            self.router.settle_paths()

    def check(self, session: Session, row: Command, args: list[bytes]) -> None:
        """OOM where Redis gives it: to what may need memory, and to whatever a transaction would queue."""
        if session.conn.writer:
            return
        if session.multi is None:
            refused = bool(row.flags & F.DENYOOM) and self._concerns(row, args)
        elif row.name == "EXEC":
            refused = any(queued.flags & F.DENYOOM and self._concerns(queued, words) for queued, words in session.multi)
        else:
            refused = row.name not in ENDS_MULTI and self._concerns(row, args)
        if refused:
            raise CommandError(errors.OOM)

    def _concerns(self, row: Command, args: list[bytes]) -> bool:
        """Whether a full shard has keys of a command. One without keys goes to all, or is queued anywhere."""
        shard_of: Any = self.router.core.shard_of
        keys = row.key_indexes(args)
        return not keys or any(shard_of(args[at]) in self.full for at in keys)
