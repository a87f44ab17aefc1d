"""Clients that wait for keys: BLPOP and its kin on one shard, first come first served per key.

    SHARD.BLOCK -> handler raises Block -> a waiter stands in the queue of each of its keys
    a write to such a key              -> after that command (or transaction) the queue is served:
                                          the first waiter's command runs again; what it gets is an
                                          event ("unblock", waiter, reply)

A waiter of keys on several shards is served by its router: this shard only tells it, in its turn
("ready", waiter), and lets nobody behind it in that queue have the key until the router has
tried (SHARD.RETRIED) or the waiter is taken out.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

from cluster.errors import CommandError
from cluster.wire import encoded
from shard.signals import WAITERS, Block

log = logging.getLogger("elixircache.shard")
DbKey = tuple[int, bytes]


class Waiter:
    """One blocked client. args: what to run when a key is ready; empty: the router serves it.

    offered: its router has been told and tries; missed: a key was written since, maybe after the router had looked.
    """

    __slots__ = ("args", "db", "deadline_ms", "keys", "missed", "nil", "offered", "resp", "token")

    def __init__(self, token: bytes, db: int, keys: list[bytes], args: list[bytes], deadline_ms: int, nil: Any, resp: int):
        self.token = token
        self.db = db
        self.keys = keys
        self.args = args
        self.deadline_ms = deadline_ms
        self.nil = nil
        self.resp = resp
        self.offered = False
        self.missed = False


class Waiting:
    """All waiters of a shard."""

    def __init__(self) -> None:
        self.queues: dict[DbKey, deque[Waiter]] = {}
        self.waiters: dict[bytes, Waiter] = {}
        self.ready: deque[DbKey] = deque()
        self.held: list[DbKey] = []  # became ready, but the first in line asks for keys that an operation holds

    def add(self, engine: Any, waiter: Waiter) -> None:
        """A client begins to wait."""
        self.waiters[waiter.token] = waiter
        for key in dict.fromkeys(waiter.keys):
            self.queues.setdefault((waiter.db, key), deque()).append(waiter)
        engine.listening |= WAITERS

    def remove(self, engine: Any, token: bytes) -> Waiter | None:
        """A client waits no more."""
        waiter = self.waiters.pop(token, None)
        if waiter is None:
            return None
        for key in dict.fromkeys(waiter.keys):
            place = (waiter.db, key)
            queue = self.queues.get(place)
            if queue is not None:
                queue.remove(waiter)
                if not queue:
                    del self.queues[place]
                elif waiter.offered:
                    self.ready.append(place)  # the next in line may have what it was offered
        if not self.waiters:
            engine.listening &= ~WAITERS
        return waiter

    def touched(self, db: int, key: bytes) -> None:
        """A key was changed: serve its queue after this command."""
        if (db, key) in self.queues:
            self.ready.append((db, key))

    def touched_all(self, db: int) -> None:
        """Any key of a database may have changed (SWAPDB)."""
        self.ready.extend(place for place in self.queues if place[0] == db)

    def released(self) -> None:
        """An operation has let keys go."""
        self.ready.extend(self.held)
        self.held.clear()

    def serve(self, engine: Any) -> None:
        """Give the keys that became ready to who waits for them."""
        while self.ready:
            place = self.ready.popleft()
            while place in self.queues:
                waiter = self.queues[place][0]
                if not self._try(engine, waiter, place):
                    break

    def _try(self, engine: Any, waiter: Waiter, place: DbKey) -> bool:
        """Serve the first in a queue; whether the next one may have a look."""
        if not waiter.args:
            engine.db = engine.dbs[place[0]]
            if waiter.offered:
                waiter.missed = True
            elif engine.lookup(place[1]) is not None:
                waiter.offered = True
                engine.events.append((b"ready", waiter.token))
            return False
        if engine.holds.holds_any(waiter.args):
            self.held.append(place)
            return False
        engine.db = engine.dbs[waiter.db]
        engine.resp = waiter.resp
        try:
            reply = engine.call(waiter.args)
        except Block:
            return self._behind(engine, waiter, place)
        except CommandError as error:
            if error.code == "WRONGTYPE":
                return False
            reply = error
        except Exception as error:
            # A bug of ours must not take the shard and its data down with it.
            log.exception("command %s of a blocked client failed", waiter.args[0])
            reply = CommandError(f"ERR internal error: {type(error).__name__}: {error}")
        self.remove(engine, waiter.token)
        engine.end_unit()
        engine.events.append((b"unblock", waiter.token, encoded(reply, waiter.resp)))
        return True

    def _behind(self, engine: Any, waiter: Waiter, place: DbKey) -> bool:
        """The first could not be served (XREADGROUP of another group, XREAD further on): others may."""
        queue = self.queues.get(place)
        if queue is None or engine.db.get(place[1]) is None:
            return False
        served = False
        for other in list(queue)[1:]:
            if not other.args or other.token not in self.waiters or engine.holds.holds_any(other.args):
                break
            engine.db = engine.dbs[other.db]
            engine.resp = other.resp
            try:
                reply = engine.call(other.args)
            except Block:
                continue
            except CommandError as error:
                reply = error
            self.remove(engine, other.token)
            engine.end_unit()
            engine.events.append((b"unblock", other.token, encoded(reply, other.resp)))
            served = True
        return served and place in self.queues and self.queues[place][0] is not waiter

    def retried(self, engine: Any, token: bytes) -> None:
        """A router has tried for its waiter and got nothing: it waits on, at its place."""
        waiter = self.waiters.get(token)
        if waiter is None:
            return
        waiter.offered = False
        if waiter.missed:
            waiter.missed = False
            self.ready.extend((waiter.db, key) for key in waiter.keys)

    def expire(self, engine: Any) -> None:
        """End the waits whose time is over."""
        late = [waiter for waiter in self.waiters.values() if 0 < waiter.deadline_ms <= engine.now]
        for waiter in late:
            self.remove(engine, waiter.token)
            engine.events.append((b"unblock", waiter.token, encoded(waiter.nil, waiter.resp)))
        if self.ready:
            self.serve(engine)

    @property
    def next_deadline_ms(self) -> int:
        """When `expire` has something to do next; 0: never."""
        return min((waiter.deadline_ms for waiter in self.waiters.values() if waiter.deadline_ms), default=0)

    def clear(self, engine: Any) -> None:
        """A new router: its clients are others."""
        self.queues.clear()
        self.waiters.clear()
        self.ready.clear()
        self.held.clear()
        engine.listening &= ~WAITERS
