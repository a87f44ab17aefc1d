"""CLIENT PAUSE: commands (or only writes) are held back until a time, or until UNPAUSE; a failover holds writes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.command_table.model import Command, F

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


FOREVER_MS = 1 << 62


class Pause:
    """until_ms: 0 when nothing is paused. A client whose command is held back is not read from."""

    def __init__(self, router: Router):
        self.router = router
        self.until_ms = 0
        self.everything = False
        self.switching = False
        self.held: list[tuple[Session, list[bytes]]] = []

    def start(self, until_ms: int, everything: bool) -> None:
        """Pause. A pause that is there already only grows, as in Redis."""
        active = self.until_ms > self.router.now
        self.until_ms = max(until_ms, self.until_ms) if active else until_ms
        self.everything = everything or (active and self.everything)
        self.router.settle_paths()

    def hold_writes(self, on: bool) -> None:
        """Writes wait, whatever clients say about it, until this is taken back."""
        self.switching = on
        if on:
            self.until_ms = FOREVER_MS
            self.router.settle_paths()
        else:
            self.end()

    def holds(self, session: Session, row: Command) -> bool:
        """Whether a command must wait now."""
        if not self.until_ms or session.replica is not None:
            return False
        if self.everything:
            return True
        if row.name == "EXEC" and session.multi is not None:
            return any(_may_write(queued) for queued, _ in session.multi)
        return _may_write(row)

    def hold(self, session: Session, args: list[bytes]) -> None:
        """Keep a command for later."""
        session.pause()
        self.held.append((session, args))

    def tick(self, now_ms: int) -> None:
        """End the pause when its time has come."""
        if self.until_ms and self.until_ms <= now_ms:
            self.end()

    def end(self) -> None:
        """All go on, in the order in which they came."""
        self.until_ms = FOREVER_MS if self.switching else 0
        self.everything = False
        self.router.settle_paths()
        held, self.held = self.held, []
        for session, args in held:
            if not session.conn.closed:
                session.conn.paused = False
                self.router.execute(session, args)
                if not session.conn.paused:
                    session.resume()


def _may_write(row: Command) -> bool:
    return bool(row.flags & (F.WRITE | F.MAY_REPLICATE))
