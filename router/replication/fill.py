"""A master's snapshot takes the place of all keys: at every shard, or at none that anybody sees.

    file received, renamed --> preloading: every shard reads it, beside the old keys, which are served
                           --> loading: all shards asked in one go to change over; until all have answered no write is taken
                           --> file removed

Links are first in, first out, so no reader finds new keys of one shard beside old ones of another. A shard
that dies before it has changed over is asked again when it is back, before anything else; a router that dies leaves
the file, and its successor finishes. Up to the change nothing has happened, and it can be given up.
"""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cluster.command_table import TABLE
from cluster.records import Place
from cluster.wire import command as encode
from router.replication.progress import Shares, Spoken

if TYPE_CHECKING:
    from router.router import Router

log = logging.getLogger("elixircache.router")
PRELOAD = TABLE["SHARD.PRELOAD"].id
LOAD = TABLE["SHARD.LOAD"].id
SILENCE_MS_MAX = 120_000
STREAM_DB = b"\xfa\x0erepl-stream-db"


class Fill:
    """At most one at a time. replid, offset: the snapshot's point; first_db: the database that the stream behind it is in."""

    def __init__(self, router: Router):
        self.router = router
        self.path = ""
        self.replid, self.offset, self.first_db = "?", -1, 0
        self.preloading: set[int] = set()
        self.missing: set[int] = set()
        self.failed = b""
        self.changing: Callable[[], None] = lambda: None
        self.done: Callable[[bytes], None] = lambda failed: None
        self.began_ms = self.size = 0
        self.read = Shares(router.shard_count)
        self.spoken = Spoken(router.now)
        router.event_handlers[b"preloaded"] = self._on_preloaded
        router.event_handlers[b"preloading"] = self._on_preloading

    @property
    def pending(self) -> bool:
        """Whether the change has begun and a shard has not answered."""
        return bool(self.missing)

    @property
    def place(self) -> Place:
        """The snapshot's point in the stream."""
        return (self.replid, self.offset, self.first_db)

    @property
    def part(self) -> str:
        """Where a file is received."""
        return os.path.join(self.router.run_directory, "from-master.part")

    def begin(self, replid: str, offset: int, changing: Callable[[], None], done: Callable[[bytes], None]) -> None:
        """`part` is whole. `changing()` when the shards are asked to change over, `done(error)` once all have
        answered, b"" if they have the keys. OSError."""
        self._take(os.path.join(self.router.run_directory, f"from-master-{replid}-{offset}.rdb"), replid, offset)
        os.rename(self.part, self.path)
        self.changing, self.done = changing, done
        self.began_ms, self.size = self.router.now, os.path.getsize(self.path)
        self.read, self.spoken = Shares(self.router.shard_count), Spoken(self.router.now)
        self.preloading = set(range(self.router.shard_count))
        for shard in sorted(self.preloading):
            self.shard_back(shard)
        self.router.kick()

    def _take(self, path: str, replid: str, offset: int) -> None:
        self.path, self.replid, self.offset = path, replid, offset
        self.failed = b""

    def give_up(self) -> None:
        """Forget a snapshot that the shards only read yet."""
        if self.preloading:
            self.preloading = set()
            os.unlink(self.path)
            self._tell_all(encode(b"SHARD.PRELOAD", b""))

    def _tell_all(self, raw: bytes) -> None:
        for link in self.router.core.links:
            if link.up:
                self.router.core.submit(link.index, PRELOAD, 0, 0, 0, raw, lambda raw: None)
        self.router.kick()

    def resume(self) -> bool:
        """A new router: finish what an earlier one began. Whether there was something."""
        for path in glob.glob(os.path.join(glob.escape(self.router.run_directory), "from-master-*-*.rdb")):
            replid, offset = os.path.basename(path).removesuffix(".rdb").split("-")[2:]
            log.warning("the last router began to take over a master's snapshot; it is finished first")
            self._take(path, replid, int(offset))
            self.changing, self.done = lambda: None, lambda failed: None
            self._change()
            return True
        return False

    def _on_preloading(self, shard: int, event: list[bytes]) -> None:
        """("preloading", path, done, in all)"""
        if event[1].decode() == self.path and shard in self.preloading:
            self.read.heard(shard, int(event[2]), int(event[3]))
            if self.spoken.due(self.router.now):
                log.info("the master's snapshot: the shards have read %d %% of it", 100 * self.read.share)

    def fields(self) -> dict[str, Any]:
        """INFO's loading_* fields, as Redis has them while it loads beside what it serves (`async_loading`)."""
        share, took_s = self.read.share, (self.router.now - self.began_ms) / 1000
        return {
            "loading_start_time": self.began_ms // 1000,
            "loading_total_bytes": self.size,
            "loading_loaded_bytes": int(self.size * share),
            "loading_loaded_perc": f"{100 * share:.2f}",
            "loading_eta_seconds": round(took_s / share - took_s) if share else 1,
        }

    def _on_preloaded(self, shard: int, event: list[bytes]) -> None:
        """("preloaded", path)"""
        if event[1].decode() == self.path and shard in self.preloading:
            self.preloading.discard(shard)
            self.read.heard(shard, 1, 1)
            if not self.preloading:
                self._change()

    def _change(self) -> None:
        self.first_db = stream_db(self.path)
        self.missing = set(range(self.router.shard_count))
        # A shard writes its journal's new base before it answers: with many keys it is silent for a while.
        self.router.excused_ms = max(self.router.excused_ms, self.router.now + SILENCE_MS_MAX)
        self.router.gates.settle()
        for shard in sorted(self.missing):
            self.shard_back(shard)
        self.changing()
        self.router.kick()

    def shard_back(self, shard: int) -> None:
        """Ask a shard that has not answered, if it is there; before it is asked anything else."""
        if shard in self.preloading and self.router.core.links[shard].up:
            raw = encode(b"SHARD.PRELOAD", self.path)
            self.router.core.submit(shard, PRELOAD, 0, 0, 0, raw, lambda raw: None)
        if shard not in self.missing or not self.router.core.links[shard].up:
            return

        def answered(raw: bytes | None) -> None:
            if raw is None:
                return  # it died; it will be back
            if raw.startswith(b"-"):
                self.failed = raw.strip()
            self.missing.discard(shard)
            if not self.missing:
                self._finish()

        self.router.core.submit(shard, LOAD, 0, 0, 0, encode(b"SHARD.LOAD", self.path), answered)

    def _finish(self) -> None:
        os.unlink(self.path)
        self.router.excused_ms = self.router.now
        self.router.gates.settle()
        if self.failed:
            log.error("the master's snapshot could not be loaded: %s", self.failed.decode(errors="replace"))
        self.done(self.failed)


def stream_db(path: str) -> int:
    """The database that an RDB file's header names as selected in the stream behind it, 0 if it names none."""
    with open(path, "rb") as file:
        head = file.read(1024)
    at = head.find(STREAM_DB)
    if at < 0:
        return 0
    at += len(STREAM_DB)
    if head[at] == 0xC0:  # an integer of 8 bits
        return head[at + 1] if head[at + 1] < 128 else 0
    text = head[at + 1 : at + 1 + head[at]]
    return int(text) if text.isdigit() else 0
