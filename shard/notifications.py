"""Keyspace notifications: which classes of events are published (notify-keyspace-events)."""

from __future__ import annotations

from typing import Any

from shard import signals
from shard.signals import NOTIFIER

LETTERS = {
    "g": signals.N_GENERIC,
    "$": signals.N_STRING,
    "l": signals.N_LIST,
    "s": signals.N_SET,
    "h": signals.N_HASH,
    "z": signals.N_ZSET,
    "t": signals.N_STREAM,
    "x": signals.N_EXPIRED,
    "e": signals.N_EVICTED,
    "d": signals.N_MODULE,
    "m": signals.N_KEYMISS,
    "n": signals.N_NEW,
}
ALL = "g$lshztxed"


class Notifier:
    """kinds: bits of the classes; keyspace, keyevent: which of the two channels are published."""

    def __init__(self) -> None:
        self.kinds = 0
        self.keyspace = False
        self.keyevent = False

    def follow(self, engine: Any, config: Any) -> None:
        """Take the letters from a configuration, now and whenever they change."""

        def changed(*_: Any) -> None:
            self.configure(engine, str(config["notify-keyspace-events"]))

        changed()
        config.on_change(changed, "notify-keyspace-events")

    def configure(self, engine: Any, flags: str) -> None:
        """Follow the letters of notify-keyspace-events."""
        letters = flags.replace("A", ALL)
        self.keyspace = "K" in letters
        self.keyevent = "E" in letters
        self.kinds = 0
        for letter in letters:
            self.kinds |= LETTERS.get(letter, 0)
        if self.kinds and (self.keyspace or self.keyevent):
            engine.listening |= NOTIFIER
        else:
            engine.listening &= ~NOTIFIER

    def notify(self, engine: Any, kind: int, event: bytes, key: bytes) -> None:
        """Events ("publish", channel, message) for the router's PUBLISH."""
        if not self.kinds & kind:
            return
        db = engine.db.index
        if self.keyspace:
            engine.events.append((b"publish", b"__keyspace@%d__:%s" % (db, key), event))
        if self.keyevent:
            engine.events.append((b"publish", b"__keyevent@%d__:%s" % (db, event), key))


class StagedNotifier:
    """Keeps the events of commands that run on a staged keyspace: what they write may yet come to nothing.

    events: database, class, event, key.
    """

    def __init__(self, real: Any) -> None:
        self.real = real
        self.events: list[tuple[int, int, bytes, bytes]] = []

    def notify(self, engine: Any, kind: int, event: bytes, key: bytes) -> None:
        """As `Notifier.notify`."""
        if self.real.kinds & kind:
            self.events.append((engine.db.index, kind, event, key))

    def tell(self, engine: Any) -> None:
        """Nothing is to be committed: misses, and what was written and taken back again."""
        for db, kind, event, key in self.events:
            engine.db = engine.dbs[db]
            self.real.notify(engine, kind, event, key)
