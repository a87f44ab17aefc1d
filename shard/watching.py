"""WATCH: which client watches which key, and whether one was touched since. Compiled."""

import cython
from cython.cimports.shard.engine import Engine

from shard.signals import WATCHERS
from shard.values.hashes import HashValue

LISTENED = cython.declare(cython.int, WATCHERS)


@cython.cclass
class Watching:
    """watchers: (database, key) -> clients. watched: client -> {(database, key): unix ms at which it was going to expire, -1
    if never, None if it was not there}. A key that was there and expires counts as touched. touched_clients: whose
    keys were."""

    watchers = cython.declare(dict, visibility="public")
    watched = cython.declare(dict, visibility="public")
    touched_clients = cython.declare(set, visibility="public")

    def __init__(self):
        self.watchers = {}
        self.watched = {}
        self.touched_clients = set()

    def watch(self, engine: Engine, client: int, key: bytes) -> bool:
        """A client watches a key of the engine's current database. Whether it, or a field of it, may expire."""
        place: tuple = (engine.db.index, key)
        mine: dict = self.watched.get(client)
        value: object = engine.lookup(key)
        expires: cython.bint = value is not None and (engine.expire_at(key) >= 0 or (type(value) is HashValue and value.has_expiries()))
        if mine is None:
            mine = self.watched[client] = {}
        if place in mine:
            return expires
        mine[place] = engine.expire_at(key) if value is not None else None
        clients: set = self.watchers.get(place)
        if clients is None:
            self.watchers[place] = {client}
        else:
            clients.add(client)
        engine.listening |= LISTENED
        return expires

    def touched(self, db: int, key: bytes):
        """A key was changed."""
        clients: set = self.watchers.get((db, key))
        if clients is not None:
            self.touched_clients |= clients

    def flushed(self, engine: Engine, db: int):
        """A database is about to lose all its keys: those that are there are touched."""
        for place, clients in self.watchers.items():
            if place[0] == db and engine.dbs[db].get(place[1]) is not None:
                self.touched_clients |= clients

    def swapped(self, engine: Engine, one: int, other: int):
        """Two databases are about to trade places: keys that are in one of them are touched."""
        for (db, key), clients in self.watchers.items():
            if db in (one, other) and (engine.dbs[one].get(key) is not None or engine.dbs[other].get(key) is not None):
                self.touched_clients |= clients

    def dirty(self, engine: Engine, client: int) -> bool:
        """Whether a key that the client watches was changed, deleted or has expired."""
        mine: dict = self.watched.get(client)
        if client in self.touched_clients:
            return True
        if mine is None:
            return False
        for at_ms in mine.values():
            if at_ms is not None and 0 <= cython.cast(cython.longlong, at_ms) <= engine.now:
                return True
        return False

    def forget(self, engine: Engine, client: int):
        """A client watches nothing any more."""
        mine: dict = self.watched.pop(client, None)
        self.touched_clients.discard(client)
        if mine is not None:
            for place in mine:
                clients: set = self.watchers[place]
                clients.discard(client)
                if not clients:
                    del self.watchers[place]
        if not self.watchers:
            engine.listening &= ~LISTENED
