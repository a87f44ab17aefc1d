"""How far a snapshot has come, for those who watch: told at each tenth, and now and then in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SAY_EVERY_MS = 2000  # in the log
STEP_BYTES = 64 << 20  # where nobody knows how much will come


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
    """Whether it is time to say in the log how far something is."""

    def __init__(self, now_ms: int):
        self.next_ms = now_ms + SAY_EVERY_MS

    def due(self, now_ms: int) -> bool:
        """Now and then."""
        if now_ms < self.next_ms:
            return False
        self.next_ms = now_ms + SAY_EVERY_MS
        return True


class Shares:
    """How much of one task each of the shards has done."""

    def __init__(self, shards: int):
        self.of = [0.0] * shards

    def heard(self, shard: int, done: int, total: int) -> None:
        """A shard's word."""
        self.of[shard] = max(self.of[shard], min(done / total, 1.0) if total else 0.0)

    @property
    def share(self) -> float:
        """Of all of it."""
        return sum(self.of) / len(self.of)
