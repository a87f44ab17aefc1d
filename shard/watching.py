"""WATCH: which client watches which key, and whether one was touched since."""

from __future__ import annotations

from typing import Any

from shard.signals import WATCHERS

DbKey = tuple[int, bytes]


class Watching:
    """watched: client -> {(db, key): unix ms at which it was going to expire, -1 if never,
    None if it was not there}. A key that was there and expires counts as touched."""

    def __init__(self) -> None:
        self.watchers: dict[DbKey, set[int]] = {}
        self.watched: dict[int, dict[DbKey, int | None]] = {}
        self.touched_clients: set[int] = set()

    def watch(self, engine: Any, client: int, key: bytes) -> None:
        """A client watches a key of the engine's current database."""
        place = (engine.db.index, key)
        there = engine.lookup(key) is not None
        self.watched.setdefault(client, {}).setdefault(place, engine.expire_at(key) if there else None)
        self.watchers.setdefault(place, set()).add(client)
        engine.listening |= WATCHERS

    def touched(self, db: int, key: bytes) -> None:
        """A key was changed."""
        clients = self.watchers.get((db, key))
        if clients:
            self.touched_clients |= clients

    def flushed(self, engine: Any, db: int) -> None:
        """A database is about to lose all its keys: those that are there are touched."""
        for place, clients in self.watchers.items():
            if place[0] == db and engine.dbs[db].get(place[1]) is not None:
                self.touched_clients |= clients

    def swapped(self, engine: Any, one: int, other: int) -> None:
        """Two databases are about to trade places: keys that are in one of them are touched."""
        for (db, key), clients in self.watchers.items():
            if db in (one, other) and any(engine.dbs[i].get(key) is not None for i in (one, other)):
                self.touched_clients |= clients

    def dirty(self, engine: Any, client: int) -> bool:
        """Whether a key that the client watches was changed, deleted or has expired."""
        if client in self.touched_clients:
            return True
        return any(
            at_ms is not None and 0 <= at_ms <= engine.now for at_ms in self.watched.get(client, {}).values()
        )

    def forget(self, engine: Any, client: int) -> None:
        """A client watches nothing any more."""
        self.touched_clients.discard(client)
        for place in self.watched.pop(client, {}):
            clients = self.watchers[place]
            clients.discard(client)
            if not clients:
                del self.watchers[place]
        if not self.watchers:
            engine.listening &= ~WATCHERS
