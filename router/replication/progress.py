"""How far a snapshot has come, for those who watch: told at each tenth."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

SAY_EVERY_MS = 2000  # in the log
STEP_BYTES = 64 << 20  # where nobody knows how much will come
log = logging.getLogger("elixircache.router")


class Progress:
    """Tells `text` and how much of `total` bytes (0: unknown) is done; `event` goes with it."""

    def __init__(self, tell: Callable[..., None], text: str, total: int, **event: Any):
        self.tell = tell
        self.text = text
        self.total = total
        self.event = event
        self.told = 0

    def at(self, done: int) -> None:
        """So many bytes are done."""
        step = done * 10 // self.total if self.total else done // STEP_BYTES
        if step <= self.told:
            return
        self.told = step
        if self.total:
            percent = done * 100 // self.total
            self.tell(f"{self.text}: {percent} %", kind="snapshot", bytes=done, total=self.total,
                      progress=percent / 100, **self.event)  # fmt: skip
        else:
            self.tell(f"{self.text}: {done >> 20} MB", kind="snapshot", bytes=done, **self.event)


class Spoken:
    """How far a master's snapshot has come, for the log: now and then."""

    def __init__(self, now_ms: int):
        self.next_ms = now_ms + SAY_EVERY_MS

    def at(self, now_ms: int, done: int, total: int) -> None:
        """So many bytes of `total` (0: unknown) have come."""
        if now_ms >= self.next_ms:
            self.next_ms = now_ms + SAY_EVERY_MS
            share = f" ({100 * done // total} %)" if total else ""
            log.info("the master's snapshot: %s bytes have come%s", f"{done:,}", share)
