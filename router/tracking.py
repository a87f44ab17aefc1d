"""Client-side caching at the router: who tracks how, and how invalidations reach them.

The shards remember who read which key (shard/tracking.py) and say what changed; options, prefixes,
NOLOOP and redirection are the router's. A shard that is restarted has forgotten who read what: then
every tracking client is told that all it has cached may be stale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.command_table import TABLE
from cluster.command_table.model import F
from cluster.errors import CommandError
from cluster.frames import TRACK
from cluster.replies import PushReply
from cluster.wire import command as encode
from router.registry import LATER

if TYPE_CHECKING:
    from cluster.command_table.model import Command
    from router.router import Router
    from router.session import Session

CHANNEL = b"__redis__:invalidate"
FLUSH_MS = 100


@dataclass
class State:
    """How one client tracks. caching: what CLIENT CACHING said of the next command, or None."""

    redirect: int = 0
    bcast: bool = False
    optin: bool = False
    optout: bool = False
    noloop: bool = False
    prefixes: list[bytes] = field(default_factory=list)
    caching: bool | None = None
    broken: bool = False

    def before(self, session: Session, row: Any, args: list[bytes]) -> None:
        """A command of the client is about to go to a shard: are its reads to be remembered?"""
        remember = not self.bcast
        if self.optin:
            remember = self.caching is True
        elif self.optout:
            remember = self.caching is not False
        if self.optin or self.optout:
            mark(session, remember)
            if session.multi is None:
                self.caching = None


def mark(session: Session, remember: bool) -> None:
    """Set or clear the flag that tells a shard to remember a client's reads."""
    session.conn.flags = (session.conn.flags & ~TRACK) | (TRACK if remember else 0)


class Tracking:
    """All tracking clients of a router."""

    def __init__(self, router: Router):
        self.router = router
        self.sessions: dict[int, Session] = {}
        router.event_handlers[b"invalidate"] = self._on_invalidate
        router.event_handlers[b"changed"] = self._on_changed
        router.event_handlers[b"flushed"] = self._on_flushed
        self.flushed: set[int] = set()  # shards that have said so of one FLUSHALL, and since when the others are waited for
        self.flushed_ms = 0
        router.leave_listeners.append(self.stop)

    def start(self, session: Session, state: State) -> None:
        """A client tracks from now on, or in another way."""
        session.tracking = state
        self.sessions[session.id] = session
        mark(session, not (state.bcast or state.optin))
        session.settle()
        self._tell(b"ON")
        if state.bcast:
            self._tell(b"BCAST", b"ON")

    def once_told(self, session: Session, act: Callable[[], Any]) -> Any:
        """Do what changes how a client is told, and reply with its result, after the invalidations that are on their way."""
        if session.tracking is None:
            return act()
        place = session.reserve()
        session.pause()

        def asked(replies: dict[int, bytes | None]) -> None:
            self.router.ask_all([b"SHARD.TRACK", b"KEYS"], told)  # an answer comes before the events of its batch

        def told(replies: dict[int, bytes | None]) -> None:
            try:
                reply = act()
            except CommandError as error:
                reply = error
            session.fulfil(place, reply)
            session.resume()

        self.router.ask_all([b"SHARD.TRACK", b"KEYS"], asked)
        return LATER

    def stop(self, session: Session) -> None:
        """A client tracks nothing any more."""
        if self.sessions.pop(session.id, None) is None:
            return
        bcast = session.tracking is not None and session.tracking.bcast
        session.tracking = None
        mark(session, False)
        if not session.conn.closed:
            session.settle()
        if not self.sessions:
            self._tell(b"OFF")
            return
        self._tell(b"FORGET", b"%d" % session.id)
        if bcast and not any(other.tracking.bcast for other in self.sessions.values()):
            self._tell(b"BCAST", b"OFF")

    def read(self, session: Session, commands: list[tuple[Command, list[bytes]]]) -> None:
        """An operation over several shards has just been sent: its client has in its cache what these commands read. Each
        shard hears it behind its part of the operation, when the key is lent and nobody has changed it since."""
        if not session.conn.flags & TRACK:
            return
        keys: dict[int, list[bytes]] = {}
        for row, args in commands:
            if row.flags & F.READONLY or row.group == "scripting":
                for at in row.key_indexes(args):
                    keys.setdefault(self.router.core.shard_of(args[at]), []).append(args[at])
        for shard, mine in keys.items():
            raw = encode(b"SHARD.TRACK", b"READ", *mine)
            self.router.core.submit(shard, TABLE["SHARD.TRACK"].id, session.db, 0, session.id, raw, lambda raw: None)

    def _tell(self, *words: bytes) -> None:
        self.router.ask_all([b"SHARD.TRACK", *words], lambda replies: None)

    def shard_back(self) -> None:
        """A shard was restarted and has forgotten who read what."""
        if self.sessions:
            self._tell(b"ON")
            if any(session.tracking.bcast for session in self.sessions.values()):
                self._tell(b"BCAST", b"ON")
            self.all_stale()

    # -- invalidations -----------------------------------------------------------------------

    def _on_invalidate(self, shard: int, event: list[bytes]) -> None:
        """("invalidate", writer, key, client, ...)"""
        writer = int(event[1])
        for one in event[3:]:
            session = self.sessions.get(int(one))
            if session is not None and not (session.tracking.noloop and session.id == writer):
                self._send(session, [event[2]])

    def _on_changed(self, shard: int, event: list[bytes]) -> None:
        """("changed", writer, key)"""
        writer, key = int(event[1]), event[2]
        for session in list(self.sessions.values()):
            state = session.tracking
            if not state.bcast or (state.noloop and session.id == writer):
                continue
            if any(key.startswith(prefix) for prefix in state.prefixes):
                self._send(session, [key])

    def _on_flushed(self, shard: int, event: list[bytes]) -> None:
        """A shard was emptied, as the others are: their clients hear of it once, when the last one has been."""
        if not self.flushed or shard in self.flushed:
            self.tick(self.router.now + FLUSH_MS)
            self.flushed_ms = self.router.now
        self.flushed.add(shard)
        if len(self.flushed) == self.router.shard_count:
            self.all_stale()

    def tick(self, now_ms: int) -> None:
        """A shard that was emptied alone is told of, too."""
        if self.flushed and now_ms - self.flushed_ms >= FLUSH_MS:
            self.all_stale()

    def all_stale(self) -> None:
        """Everything that anybody has cached may be stale."""
        self.flushed.clear()
        for session in list(self.sessions.values()):
            self._send(session, None)

    def _send(self, session: Session, keys: list[bytes] | None) -> None:
        state = session.tracking
        target = session
        if state.redirect:
            found = self.router.clients.get(state.redirect)
            if found is None:
                if not state.broken and session.resp == 3:
                    session.push(PushReply([b"tracking-redir-broken", state.redirect]))
                state.broken = True
                return
            target = found
        if target.resp == 3:
            target.push(PushReply([b"invalidate", keys]))
        elif CHANNEL in target.channels:
            target.push([b"message", CHANNEL, keys])
