"""Slow commands that the router itself serves; those of shards are theirs (shard/slowlog.py)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from cluster.slow_entries import shortened
from router.secrets import redacted

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


class SlowLog:
    """entries: (number, unix ms, us, arguments, client id), the oldest first."""

    def __init__(self, router: Router):
        self.router = router
        self.number = 0
        self.entries: deque[tuple[int, int, int, list[bytes], int]] = deque()

    @property
    def length(self) -> int:
        """How many entries all slow logs together show."""
        return int(self.router.config["slowlog-max-len"])

    def took(self, session: Session, us: int, args: list[bytes]) -> None:
        """A command took so long."""
        if 0 <= int(self.router.config["slowlog-log-slower-than"]) <= us:
            self.entries.append((self.number, self.router.now, us, shortened(redacted(args)), session.id))
            self.number += 1
            while len(self.entries) > self.length:
                self.entries.popleft()
