"""The inner connection that carries a master's stream: a client's session without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.session import Session


class Stream(Session):
    """The inner connection that carries the master's stream. at_rest: called once the operation under way has ended,
    before the next command."""

    at_rest: Callable[[], None] | None = None

    def resume(self) -> None:
        """The operation has ended. Who waits for that comes when nobody is reading from the connection any more."""
        if self.at_rest is None:
            super().resume()
        else:
            asyncio.get_running_loop().call_soon(self._rested)

    def _rested(self) -> None:
        called, self.at_rest = self.at_rest, None
        self.conn.paused = False
        if called is not None and not self.conn.closed:
            called()
        super().resume()
