"""SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE: asked of all shards at one point of the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.errors import CommandError
from cluster.replies import Raw, Status
from router.asking import ask_json
from router.registry import LATER, handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


def _all(router: Router, session: Session, command: list[bytes], answer: Any) -> Any:
    """Ask every shard; the first error, or `answer()`."""
    for shard in range(router.shard_count):
        router.require(shard)
    place = session.reserve()
    session.pause()

    def done(replies: dict[int, bytes | None]) -> None:
        failed = next((raw for raw in replies.values() if raw is None or raw[:1] == b"-"), b"")
        if failed is None:
            session.fulfil(place, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard="?")))
        elif failed:
            session.fulfil(place, Raw(failed))
        else:
            session.fulfil(place, answer())
        session.resume()

    router.ask_all(command, done)
    return LATER


@handles("SAVE")
def save(router: Router, session: Session, args: list[bytes]) -> Any:
    """SAVE: write a snapshot of every shard, and wait for it."""

    return _all(router, session, [b"SHARD.SAVE", b"now"], lambda: Status(b"OK"))


@handles("BGSAVE")
def bgsave(router: Router, session: Session, args: list[bytes]) -> Any:
    """BGSAVE [SCHEDULE]"""
    if len(args) > 2 or (len(args) == 2 and args[1].upper() != b"SCHEDULE"):
        raise errors.syntax_error()

    return _all(router, session, [b"SHARD.SAVE", b"background"], lambda: Status(b"Background saving started"))


@handles("BGREWRITEAOF")
def bgrewriteaof(router: Router, session: Session, args: list[bytes]) -> Any:
    """BGREWRITEAOF"""
    return _all(
        router, session, [b"SHARD.REWRITE"], lambda: Status(b"Background append only file rewriting started")
    )


@handles("LASTSAVE")
def lastsave(router: Router, session: Session, args: list[bytes]) -> Any:
    """LASTSAVE: unix time of the last snapshot of all shards that is whole, seconds."""
    if not router.serving:
        return router.started_ms // 1000
    return ask_json(
        router,
        session,
        [b"SHARD.INFO"],
        lambda shards: min(int(found["persistence"]["rdb_last_save_time"]) for found in shards.values()),
    )
