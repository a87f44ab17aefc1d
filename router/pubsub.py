"""Publish and subscribe: who listens to which channel. All of it lives in the router.

A message is encoded once for each protocol version and pushed to every listener; what a slow
listener does not read is bounded by its class of client-output-buffer-limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.replies import PushReply
from cluster.wire import encoded
from router.globs import matches

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

Listeners = dict[bytes, dict["Session", None]]  # in the order of subscription


class PubSub:
    """channels, shard_channels: name -> listeners; patterns: glob -> listeners."""

    def __init__(self, router: Router):
        self.router = router
        self.channels: Listeners = {}
        self.patterns: Listeners = {}
        self.shard_channels: Listeners = {}
        router.leave_listeners.append(self.leave)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Give a message to everybody who listens; how many that were."""
        count = self._send(self.channels.get(channel, {}), [b"message", channel, message])
        for pattern, listeners in self.patterns.items():
            if matches(pattern, channel):
                count += self._send(listeners, [b"pmessage", pattern, channel, message])
        return count

    def receivers(self, channel: bytes, shard_channel: bool) -> int:
        """How many would get a message."""
        if shard_channel:
            return len(self.shard_channels.get(channel, ()))
        patterned = sum(len(listeners) for pattern, listeners in self.patterns.items() if matches(pattern, channel))
        return len(self.channels.get(channel, ())) + patterned

    def publish_shard(self, channel: bytes, message: bytes) -> int:
        """The same for SPUBLISH."""
        return self._send(self.shard_channels.get(channel, {}), [b"smessage", channel, message])

    def _send(self, listeners: dict[Session, None], parts: list[bytes]) -> int:
        raws: dict[int, bytes] = {}
        for session in listeners:
            raw = raws.get(session.resp)
            if raw is None:
                raw = raws[session.resp] = encoded(PushReply(parts), session.resp)
            session.push_raw(raw)
        return len(listeners)

    def subscribe(self, session: Session, kind: bytes, table: Listeners, mine: set[bytes], names: list[bytes]) -> None:
        """Add a client to channels or patterns; each is confirmed by a push of its own."""
        for name in names:
            if name not in mine:
                mine.add(name)
                table.setdefault(name, {})[session] = None
            session.confirm([kind, name, self._count(session, mine)])
        session.settle()

    def unsubscribe(self, session: Session, kind: bytes, table: Listeners, mine: set[bytes], names: list[bytes]) -> None:
        """Take a client out of channels; without names out of all of them."""
        for name in names or sorted(mine):
            self._remove(session, table, mine, name)
            session.confirm([kind, name, self._count(session, mine)])
            names = names or [name]
        if not names:
            session.confirm([kind, None, self._count(session, mine)])
        session.settle()

    @staticmethod
    def _count(session: Session, mine: set[bytes]) -> int:
        """Shard channels are counted apart, as in Redis."""
        if mine is session.shard_channels:
            return len(mine)
        return len(session.channels) + len(session.patterns)

    @staticmethod
    def _remove(session: Session, table: Listeners, mine: set[bytes], name: bytes) -> None:
        if name in mine:
            mine.discard(name)
            listeners = table[name]
            listeners.pop(session, None)
            if not listeners:
                del table[name]

    def leave(self, session: Session) -> None:
        """A client has gone (or RESET): it listens to nothing any more."""
        for table, mine in (
            (self.channels, session.channels),
            (self.patterns, session.patterns),
            (self.shard_channels, session.shard_channels),
        ):
            for name in list(mine):
                self._remove(session, table, mine, name)

    def names(self, table: Listeners, pattern: bytes | None) -> list[Any]:
        """Channels with listeners, of PUBSUB CHANNELS."""
        return [name for name in table if pattern is None or matches(pattern, name)]
