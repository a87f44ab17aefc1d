"""A master's snapshot takes the place of all keys: at every shard, or at none that anybody sees.

    file received --> renamed: it is whole --> all shards asked in one go --> each has answered --> file removed

Links are first in, first out, so no reader finds new keys of one shard beside old ones of another. A shard
that dies before it has answered is asked again when it is back, before anything else; a router that dies meanwhile leaves
the file, and its successor finishes. Until all have answered no write is taken (router/gates.py).
"""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.command_table import TABLE
from cluster.wire import command as encode

if TYPE_CHECKING:
    from router.router import Router

log = logging.getLogger("elixircache.router")
LOAD = TABLE["SHARD.LOAD"].id
STREAM_DB = b"\xfa\x0erepl-stream-db"


class Fill:
    """At most one at a time. replid, offset: the snapshot's point; first_db: the database that the stream behind it is in."""

    def __init__(self, router: Router):
        self.router = router
        self.path = ""
        self.replid, self.offset, self.first_db = "?", -1, 0
        self.missing: set[int] = set()
        self.failed = b""
        self.done: Callable[[bytes], None] = lambda failed: None

    @property
    def pending(self) -> bool:
        """Whether a shard has not answered."""
        return bool(self.missing)

    @property
    def part(self) -> str:
        """Where a file is received."""
        return os.path.join(self.router.run_directory, "from-master.part")

    def begin(self, replid: str, offset: int, done: Callable[[bytes], None]) -> None:
        """`part` is whole. `done(error)` once all shards have answered, b"" if they have the keys. OSError."""
        path = os.path.join(self.router.run_directory, f"from-master-{replid}-{offset}.rdb")
        os.rename(self.part, path)
        self._ask(path, replid, offset, done)

    def resume(self) -> bool:
        """A new router: finish what an earlier one began. Whether there was something."""
        for path in glob.glob(os.path.join(glob.escape(self.router.run_directory), "from-master-*-*.rdb")):
            replid, offset = os.path.basename(path).removesuffix(".rdb").split("-")[2:]
            log.warning("the last router began to take over a master's snapshot; it is finished first")
            self._ask(path, replid, int(offset), lambda failed: None)
            return True
        return False

    def _ask(self, path: str, replid: str, offset: int, done: Callable[[bytes], None]) -> None:
        self.path, self.replid, self.offset, self.done = path, replid, offset, done
        self.first_db = stream_db(path)
        self.failed = b""
        self.missing = set(range(self.router.shard_count))
        self.router.gates.settle()
        for shard in sorted(self.missing):
            self.shard_back(shard)
        self.router.kick()

    def shard_back(self, shard: int) -> None:
        """Ask a shard that has not answered, if it is there; before it is asked anything else."""
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
