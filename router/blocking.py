"""Blocking commands at the router.

    keys on one shard      SHARD.BLOCK: the shard keeps the queue and answers when it is our turn
    keys on several        try; if there is nothing, SHARD.AWAIT at every shard, and try again
                           each time one says "ready" (it keeps the key's queue for us meanwhile)

A blocked client is not read from, but its connection is watched: when it goes, its waiters go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.command_table import TABLE
from cluster.command_table.model import Command
from cluster.errors import CommandError
from cluster.frames import RESP3, TRACK
from cluster.records import pack_entries
from cluster.replies import NIL_ARRAY
from cluster.reply_parts import split_reply
from cluster.wire import command as encode
from router.asking import value_of
from router.dataflow import Dataflow
from router.placement import home_of, keys_by_shard
from router.registry import LATER

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

NILS = (b"*-1\r\n", b"$-1\r\n", b"_\r\n")
SECONDS_MAX = 1e15
MOVES = ("BLMOVE", "BRPOPLPUSH")


class Blocked:
    """One client that waits. shards: where it has waiters."""

    def __init__(self, blocking: Blocking, session: Session, row: Command, args: list[bytes], token: bytes, place: int):
        self.blocking = blocking
        self.session = session
        self.row = row
        self.args = args
        self.token = token
        self.place = place
        self.shards: set[int] = set()
        self.keys: dict[int, list[tuple[int, bytes]]] = {}
        self.deadline_ms = 0
        self.spread = False
        self.trying = False
        self.again = False
        self.ended = False

    def finish(self, raw: bytes) -> None:
        """The wait is over."""
        if self.ended:
            return
        self.ended = True
        self.blocking.forget(self)
        self.session.blocked = None
        if not self.session.conn.closed:
            self.session.fulfil_raw(self.place, raw)
            self.session.resume()


class Blocking:
    """All blocked clients of a router."""

    def __init__(self, router: Router):
        self.router = router
        self.sequence = 0
        self.blocked: dict[bytes, Blocked] = {}
        self.moving = 0  # of them, those that wait to move an element to another key
        router.event_handlers[b"unblock"] = self._on_unblock
        router.event_handlers[b"ready"] = self._on_ready
        router.leave_listeners.append(self._left)

    def start(self, session: Session, row: Command, args: list[bytes]) -> Any:
        """Run a command that may block."""
        keys = keys_by_shard(self.router, session.db, [(row, args)])
        shards = sorted(keys) or [0]
        for shard in shards:
            self.router.require(shard)
        self.sequence += 1
        token = b"%d" % self.sequence
        blocked = Blocked(self, session, row, args, token, session.reserve())
        blocked.keys = keys
        self.blocked[token] = blocked
        self.moving += row.name in MOVES
        session.pause()
        session.blocked = blocked
        if len(shards) == 1:
            self._on_one(blocked, shards[0])
        else:
            blocked.spread = True
            blocked.deadline_ms = self._deadline(row, args)
            if blocked.deadline_ms > 0:
                self.router.wake_at(blocked.deadline_ms)
            self._try(blocked)
        return LATER

    def _on_one(self, blocked: Blocked, shard: int) -> None:
        session = blocked.session
        raw = encode(b"SHARD.BLOCK", blocked.token, encode(*blocked.args))
        blocked.shards = {shard}

        def answered(reply: bytes | None) -> None:
            if reply is None:
                blocked.finish(_error(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
            elif reply != b"+BLOCKED\r\n":
                blocked.shards.clear()
                blocked.finish(reply)

        row = TABLE["SHARD.BLOCK"].id
        self.router.core.submit(shard, row, session.db, session.conn.flags & (RESP3 | TRACK), session.id, raw, answered)

    def _deadline(self, row: Command, args: list[bytes]) -> int:
        """Unix ms, 0: never. A malformed timeout is left to the shard, whose handler says so."""
        try:
            if row.name in ("XREAD", "XREADGROUP"):
                at = [word.upper() for word in args].index(b"BLOCK")
                seconds = int(args[at + 1]) / 1000
            elif row.name in ("BLMPOP", "BZMPOP"):
                seconds = float(args[1])
            else:
                seconds = float(args[-1])
        except (ValueError, IndexError):
            return -1
        if not 0 <= seconds < SECONDS_MAX:
            return -1
        return self.router.now + int(seconds * 1000) if seconds else 0

    # -- keys on several shards --------------------------------------------------------------

    def _try(self, blocked: Blocked) -> None:
        """Run the command once over all its shards, without blocking."""
        if blocked.trying:
            blocked.again = True
            return
        blocked.trying = True
        session = blocked.session
        entries = [(blocked.row.id, session.db, session.conn.flags & 1, session.id, encode(*blocked.args))]
        newest = _newest(blocked.row, blocked.args)
        if newest:
            last = encode(b"SHARD.LASTIDS", *(blocked.args[at] for at in newest))
            entries.append((TABLE["SHARD.LASTIDS"].id, session.db, 0, session.id, last))
        home = home_of(self.router, blocked.row, blocked.args, blocked.keys)

        def done(replies: dict[int, bytes], error: CommandError | None) -> None:
            blocked.trying = False
            if blocked.ended:
                return
            if error is not None:
                blocked.finish(_error(error.text))
                return
            raw, *ids = split_reply(next(iter(replies.values())))
            if ids and raw in NILS:
                for at, last in zip(newest.values(), split_reply(ids[0]), strict=True):
                    blocked.args[at] = value_of(last)
            if raw not in NILS or blocked.deadline_ms < 0:
                blocked.finish(raw)
            elif 0 < blocked.deadline_ms <= self.router.now:
                blocked.finish(self._nil(blocked))  # its time was over while it tried
            else:
                self._wait(blocked)

        self.router.operations.launch(
            Dataflow(self.router.operations, blocked.keys, home, pack_entries(entries), True, done)
        )
        self.router.tracking.read(session, [(blocked.row, blocked.args)])

    def _wait(self, blocked: Blocked) -> None:
        """Nothing there: stand in the queues, or say that we stay."""
        word = b"SHARD.RETRIED" if blocked.shards else b"SHARD.AWAIT"
        row = TABLE[word.decode()].id
        for shard, keys in blocked.keys.items():
            if not self.router.core.links[shard].up:
                blocked.finish(_error(errors.SHARD_DOWN.format(shard=shard)))
                return
            names = [key for _, key in keys] if word == b"SHARD.AWAIT" else []
            raw = encode(word, blocked.token, *names)
            self.router.core.submit(shard, row, blocked.session.db, 0, 0, raw, lambda raw: None)
        blocked.shards = set(blocked.keys)
        if blocked.again:
            blocked.again = False
            self._try(blocked)
        self.router.kick()

    # -- what shards say ---------------------------------------------------------------------

    def _on_unblock(self, shard: int, event: list[bytes]) -> None:
        """("unblock", token, reply)"""
        blocked = self.blocked.get(event[1])
        if blocked is not None:
            blocked.shards.discard(shard)
            blocked.finish(event[2])

    def _on_ready(self, shard: int, event: list[bytes]) -> None:
        """("ready", token)"""
        blocked = self.blocked.get(event[1])
        if blocked is not None:
            self._try(blocked)

    # -- ends --------------------------------------------------------------------------------

    def forget(self, blocked: Blocked) -> None:
        """Take a client's waiters out of the shards' queues."""
        if self.blocked.pop(blocked.token, None) is not None and blocked.row.name in MOVES:
            self.moving -= 1
            self.router.core.watches.may_have_written()
        row = TABLE["SHARD.UNBLOCK"].id
        raw = encode(b"SHARD.UNBLOCK", blocked.token)
        for shard in blocked.shards:
            if self.router.core.links[shard].up:
                self.router.core.submit(shard, row, 0, 0, 0, raw, lambda raw: None)
        blocked.shards = set()
        self.router.kick()

    def _left(self, session: Session) -> None:
        blocked = session.blocked
        if blocked is not None and not isinstance(blocked, Blocked):
            session.blocked = None
            blocked.left()
        elif blocked is not None:
            blocked.ended = True
            session.blocked = None
            self.forget(blocked)

    def unblock(self, session: Session, error: bool) -> bool:
        """CLIENT UNBLOCK; whether the client was blocked."""
        blocked = session.blocked
        if blocked is None:
            return False
        if not isinstance(blocked, Blocked):  # in WAIT
            blocked.unblock(error)
        elif error:
            blocked.finish(_error(errors.UNBLOCKED))
        else:
            blocked.finish(self._nil(blocked))
        return True

    def unblock_all(self, text: str) -> None:
        """Every blocked client gets an error; what is pushed from now on is not for them."""
        for blocked in list(self.blocked.values()):
            blocked.finish(_error(text))

    def _nil(self, blocked: Blocked) -> bytes:
        from cluster.wire import encoded

        return encoded(NIL_ARRAY, blocked.session.resp)  # also for BLMOVE, as Redis does

    def shard_lost(self, shard: int) -> None:
        """Waiters on a lost shard are gone."""
        for blocked in list(self.blocked.values()):
            if shard in blocked.shards or shard in blocked.keys:
                blocked.shards.discard(shard)
                blocked.finish(_error(errors.SHARD_DOWN.format(shard=shard)))

    def tick(self, now_ms: int) -> None:
        """End the waits over several shards whose time is over."""
        for blocked in list(self.blocked.values()):
            if blocked.spread and 0 < blocked.deadline_ms <= now_ms and not blocked.trying:
                blocked.finish(self._nil(blocked))


def _newest(row: Command, args: list[bytes]) -> dict[int, int]:
    """Of an XREAD the keys whose id is `$`, what is newer than now: where each and its id stand."""
    keys = row.key_indexes(args) if row.name == "XREAD" else []
    return {at: at + len(keys) for at in keys if args[at + len(keys)] == b"$"}


def _error(text: str) -> bytes:
    return b"-" + text.encode() + b"\r\n"
