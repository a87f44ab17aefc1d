"""MULTI, EXEC, DISCARD, WATCH, UNWATCH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.command_table import TABLE
from cluster.errors import CommandError
from cluster.replies import NIL_ARRAY, OK
from cluster.wire import command as encode
from router import transactions
from router.queued import Queue
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


@handles("MULTI")
def multi(router: Router, session: Session, args: list[bytes]) -> Any:
    """MULTI: queue what follows until EXEC or DISCARD."""
    if session.multi is not None:
        # Said, but the queue stays good: Redis does not abort its EXEC for this.
        return CommandError("ERR MULTI calls can not be nested")
    session.multi = Queue(session.id)
    session.settle()
    return OK


@handles("DISCARD")
def discard(router: Router, session: Session, args: list[bytes]) -> Any:
    """DISCARD: drop the queue and the watched keys."""
    if session.multi is None:
        raise CommandError("ERR DISCARD without MULTI")
    drop(router, session)
    return OK


@handles("EXEC")
def exec_(router: Router, session: Session, args: list[bytes]) -> Any:
    """EXEC: run the queue at one point of the total order."""
    if session.multi is None:
        raise CommandError("ERR EXEC without MULTI")
    if session.multi_failed:
        drop(router, session)
        raise CommandError(errors.EXEC_ABORT)
    if session.watch_lost:
        drop(router, session)
        return NIL_ARRAY
    for shard in transactions.involved(router, session):
        router.require(shard)
    commands, session.multi = session.multi, None
    watch_shards, session.watch_shards = session.watch_shards, set()
    session.watched.clear()
    session.settle()
    return transactions.execute(router, session, commands, watch_shards)


@handles("WATCH")
def watch(router: Router, session: Session, args: list[bytes]) -> Any:
    """WATCH key [key ...]"""
    if session.multi is not None:
        return CommandError("ERR WATCH inside MULTI is not allowed")
    by_shard: dict[int, list[bytes]] = {}
    for key in args[1:]:
        by_shard.setdefault(router.core.shard_of(key), []).append(key)
    for shard in by_shard:
        router.require(shard)
    for shard, keys in by_shard.items():
        raw = encode(b"SHARD.WATCH", str(session.id), *keys)
        router.core.submit(shard, TABLE["SHARD.WATCH"].id, session.db, 0, session.id, raw, _ignore)
        session.watch_shards.add(shard)
        session.watched.update((session.db, key) for key in keys)
    return OK


@handles("UNWATCH")
def unwatch(router: Router, session: Session, args: list[bytes]) -> Any:
    """UNWATCH: forget all watched keys."""
    forget_watches(router, session)
    return OK


def drop(router: Router, session: Session) -> None:
    """Forget a transaction's queue and watches (DISCARD, RESET, a client that has gone)."""
    session.multi = None
    forget_watches(router, session)
    if not session.conn.closed:
        session.settle()


def forget_watches(router: Router, session: Session) -> None:
    """Tell the shards that a client watches nothing any more."""
    raw = encode(b"SHARD.UNWATCH", str(session.id))
    for shard in session.watch_shards:
        if router.core.links[shard].up:
            router.core.submit(shard, TABLE["SHARD.UNWATCH"].id, 0, 0, session.id, raw, _ignore)
    session.watch_shards.clear()
    session.watched.clear()
    session.watch_lost = False
    router.kick()


def _ignore(raw: bytes | None) -> None:
    """Nobody waits for this answer."""
