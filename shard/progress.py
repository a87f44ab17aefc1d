"""How far the loading of a shard's files is: a line in the log each second, and word to whoever asked for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger("elixircache.shard")
EVERY_S = 1.0
Report = Callable[[dict[str, Any]], None]


class Progress:
    """Counts the bytes of all files of one loading. `report` hears {"total", "loaded" (bytes), "keys",
    "bytes_per_s"} at the start and then once a second."""

    def __init__(self, total: int, report: Report = lambda said: None, clock: Callable[[], float] = time.monotonic):
        self.total = total
        self.report = report
        self.clock = clock
        self.started = self.said = clock()
        self.before = 0  # bytes of the files that are done
        self.name = ""
        self.size = 0
        report({"total": total, "loaded": 0, "keys": 0, "bytes_per_s": 0})

    def begin(self, name: str, size: int) -> None:
        """The next file's turn."""
        self.before += self.size
        self.name, self.size = name, size

    def __call__(self, offset: int, keys: int) -> None:
        """So many bytes of the file are read, so many keys are there in all."""
        now = self.clock()
        if now - self.said < EVERY_S:
            return
        self.said = now
        loaded = self.before + offset
        rate = loaded / (now - self.started)
        left_s = max(self.total - loaded, 0) / max(rate, 1)
        log.info("loading %s: %d keys, %.0f MB/s, %.0f s left", self.name, keys, rate / 1e6, left_s)
        self.report({"total": self.total, "loaded": loaded, "keys": keys, "bytes_per_s": int(rate)})
