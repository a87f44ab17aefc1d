"""MULTI, EXEC, DISCARD, WATCH, UNWATCH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.errors import CommandError
from cluster.replies import NIL_ARRAY, OK
from router import transactions
from router.queued import Queue
from router.registry import handles
from router.watched import Watch
from router.watching import forget_watch, tell_shards

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
    watch = session.conn.watch
    if watch is not None and watch.broken:
        drop(router, session)
        return NIL_ARRAY
    for shard in transactions.involved(router, session):
        router.require(shard)
    commands, session.multi = session.multi, None
    session.conn.watch = None
    session.settle()
    return transactions.execute(router, session, commands, watch)


@handles("WATCH")
def watch(router: Router, session: Session, args: list[bytes]) -> Any:
    """WATCH key [key ...]"""
    if session.multi is not None:
        return CommandError("ERR WATCH inside MULTI is not allowed")
    for key in args[1:]:
        router.require(router.core.shard_of(key))
    if session.conn.watch is None:
        session.conn.watch = Watch()
    session.conn.watch.untold += [(session.db, key) for key in args[1:]]
    tell_shards(router.core, session.conn, session.conn.watch)
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
    watch, session.conn.watch = session.conn.watch, None
    if watch is not None:
        forget_watch(router.core, session.conn, watch)
        router.kick()
