"""SHARD.SAVE and SHARD.REWRITE: snapshots and new bases, asked for by the router."""

from __future__ import annotations

from typing import Any

from cluster.errors import CommandError
from cluster.replies import OK, Status
from shard.registry import handles


@handles("SHARD.SAVE")
def save(engine: Any, args: list[bytes]) -> Any:
    """SHARD.SAVE now|background [path]: write an RDB file of this shard's keys."""
    engine.no_effect()
    worker = engine.worker
    path = args[2].decode() if len(args) > 2 else ""
    if args[1] == b"now":
        try:
            worker.save_now(path)
        except OSError as error:
            raise CommandError(f"ERR cannot write the snapshot: {error.strerror}") from None
        return OK
    if worker.saving:
        raise CommandError("ERR Background save already in progress")
    if not worker.save_in_background(path):
        raise CommandError("ERR cannot fork; the log says why")
    return Status(b"Background saving started")


@handles("SHARD.REWRITE")
def rewrite(engine: Any, args: list[bytes]) -> Any:
    """SHARD.REWRITE: begin a new base of the journal."""
    engine.no_effect()
    journal = engine.worker.journal
    if journal is None:
        raise CommandError("ERR appendonly is off")
    if journal.rewriting:
        raise CommandError("ERR Background append only file rewriting already in progress")
    engine.worker.before_base()
    if not journal.rewrite(engine.worker):
        raise CommandError("ERR the rewriting cannot begin; the log says why")
    return Status(b"Background append only file rewriting started")
