"""All or nothing for Python functions: what the keys were before the first write to them."""

from __future__ import annotations

from typing import Any

from cluster.errors import CommandError

NO_KEYS = "ERR a command that writes without naming its keys cannot be undone and is not allowed in a Python function"


class Undo:
    """Copies of the keys that one function call writes to, and the way back to them.

    steps: what to put back, the last first: (database, key, value, expiry), or (None, all databases' states) where
    whole databases were emptied or swapped.
    """

    def __init__(self, engine: Any):
        self.engine = engine
        self.steps: list[tuple[Any, ...]] = []
        self.saved: set[tuple[int, bytes]] = set()  # since the last step on whole databases
        self.unit = len(engine.unit)
        self.events = len(engine.events)
        self.dirty = engine.dirty
        self.counted = engine.counted
        self.staged: Any = None

    def before(self, entry: Any, args: list[bytes]) -> None:
        """A write command is about to run: keep its keys as they are."""
        engine = self.engine
        if entry.command.whole:
            self.staged = set(engine.staged) if engine.staged is not None else None
            self.steps.append((None, [db.state() for db in engine.dbs], len(engine.lazy)))
            self.saved.clear()
            return
        indexes = entry.command.key_indexes(args)
        if not indexes:
            raise CommandError(NO_KEYS)
        place = engine.db.index
        for at in indexes:
            key = args[at]
            if (place, key) not in self.saved:
                value = engine.lookup(key)
                expiry = engine.expire_at(key) if value is not None else -1
                self.saved.add((place, key))
                self.steps.append((place, key, copied(value), expiry))

    def restore(self) -> None:
        """Put everything back; the effects of the call are gone as if it had not been."""
        engine = self.engine
        del engine.unit[self.unit :]
        del engine.events[self.events :]
        db = engine.db
        for place, *step in reversed(self.steps):
            if place is None:
                states, lazy = step
                for database, state in zip(engine.dbs, states, strict=True):
                    database.restore(state)
                del engine.lazy[lazy:]  # what was emptied is in use again
                continue
            key, value, expiry = step
            engine.db = engine.dbs[place]
            if value is None:
                engine.delete(key)
                continue
            engine.overwrite(key, value)
            if expiry >= 0:
                engine.set_expire(key, expiry)
        engine.db = db
        del engine.unit[self.unit :]
        engine.dirty = self.dirty
        engine.changes -= engine.counted - self.counted
        engine.counted = self.counted


def copied(value: Any) -> Any:
    """A value that later writes to the original do not change."""
    if value is None or isinstance(value, bytes):
        return value
    return bytearray(value) if isinstance(value, bytearray) else value.copy()
