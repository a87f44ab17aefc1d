"""Commands that wait for a shard to come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster import errors
from cluster.errors import CommandError

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


class ShardAway(Exception):
    """Raised while a command is routed: a shard that it needs has no link now."""

    def __init__(self, shard: int):
        super().__init__(f"shard {shard} is away")
        self.shard = shard


@dataclass(slots=True)
class _Waiting:
    session: Session
    args: list[bytes]
    shard: int
    deadline_ms: int


class ShardWaits:
    """Holds commands back until their shard's link is up, each for a bounded time."""

    def __init__(self, router: Router):
        self.router = router
        self.waiting: list[_Waiting] = []
        self.deadline_ms = 0  # of the command that is tried again, which may have to wait for another shard

    def add(self, session: Session, args: list[bytes], shard: int) -> None:
        """Hold a command (and all that its client sends behind it) back."""
        deadline_ms = self.deadline_ms or self.router.now + int(self.router.config["shard-restart-timeout"])
        session.pause()
        self.waiting.append(_Waiting(session, args, shard, deadline_ms))

    def link_up(self, shard: int) -> None:
        """A shard is back: its commands go on in the order in which they came."""
        ready = [waiting for waiting in self.waiting if waiting.shard == shard]
        self.waiting = [waiting for waiting in self.waiting if waiting.shard != shard]
        for waiting in ready:
            if not waiting.session.conn.closed:
                waiting.session.conn.paused = False
                self.deadline_ms = waiting.deadline_ms
                self.router.execute(waiting.session, waiting.args)
                self.deadline_ms = 0
                if not waiting.session.conn.paused:
                    waiting.session.resume()

    def tick(self, now_ms: int) -> None:
        """Refuse what has waited too long."""
        late = [waiting for waiting in self.waiting if waiting.deadline_ms <= now_ms]
        if not late:
            return
        self.waiting = [waiting for waiting in self.waiting if waiting.deadline_ms > now_ms]
        for waiting in late:
            if not waiting.session.conn.closed:
                if waiting.session.multi is not None:
                    self.router.drop_transaction(waiting.session)  # it was EXEC: what follows is not queued any more
                waiting.session.reply(CommandError(errors.SHARD_DOWN.format(shard=waiting.shard)))
                waiting.session.resume()
