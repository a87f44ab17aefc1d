"""Client-side caching on the shard: which client read which key, and who must hear of a change.

The router sends TRACK with the reads of tracking clients and knows their options; the shard
only says what changed:

    ("invalidate", writer, key, client, client, ...)   clients of the default mode that read the key
    ("changed", writer, key)                           somebody is in BCAST mode
    ("flushed",)                                       every key may have changed

writer: the client whose command it was (NOLOOP), 0 for expiry and eviction.
Source: Redis documentation, "Client-side caching".
"""

from __future__ import annotations

from typing import Any

from shard.signals import TRACKERS


class Tracking:
    """readers: key -> clients that have it in their cache. A key is told of once, then forgotten."""

    def __init__(self) -> None:
        self.readers: dict[bytes, set[int]] = {}
        self.broadcast = False
        self.keys_max = 1_000_000

    def read(self, client: int, entry: Any, args: list[bytes]) -> None:
        """A tracking client has read a command's keys, or failed to. A script's reads are told one by one."""
        if entry.command.group in ("scripting", "python"):
            return
        self.remember(client, [args[at] for at in entry.command.key_indexes(args)])

    def remember(self, client: int, keys: list[bytes]) -> None:
        """A tracking client has keys in its cache."""
        for key in keys:
            self.readers.setdefault(key, set()).add(client)

    def listen(self, engine: Any) -> None:
        """Some client tracks from now on."""
        engine.listening |= TRACKERS

    def touched(self, engine: Any, key: bytes, by_client: bool) -> None:
        """A key was changed by the client whose command runs, or has expired or was evicted."""
        writer = b"%d" % (engine.controls.client if by_client and engine.controls is not None else 0)
        clients = self.readers.pop(key, None)
        if clients:
            engine.events.append((b"invalidate", writer, key, *[b"%d" % client for client in sorted(clients)]))
        if self.broadcast:
            engine.events.append((b"changed", writer, key))

    def flushed(self, engine: Any) -> None:
        """Whole databases were emptied or swapped."""
        self.readers.clear()
        engine.events.append((b"flushed",))

    def trim(self, engine: Any) -> None:
        """Keep the table within its limit: what is dropped is told as changed."""
        while self.keys_max and len(self.readers) > self.keys_max:
            key, clients = self.readers.popitem()
            engine.events.append((b"invalidate", b"0", key, *[b"%d" % client for client in sorted(clients)]))

    def forget(self, client: int) -> None:
        """A client tracks nothing any more."""
        for key in [key for key, clients in self.readers.items() if client in clients]:
            self.readers[key].discard(client)
            if not self.readers[key]:
                del self.readers[key]
