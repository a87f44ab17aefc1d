"""What running scripts ask for, and the questions to shards that this takes.

    script on a shard --("calls", token, command)--> a router command runs --LENT--> the script goes on
                                                        |  ASIDE to shards, also to the one that waits
                                                        <- ("aside", token, reply)

A shard whose script waits executes nothing of its link, and a shard that is held puts off what comes behind a held
key: neither could answer a question that stands in the order of the link. An ASIDE is answered at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cluster import errors, frames
from cluster.command_table.model import F
from cluster.errors import CommandError
from cluster.wire import command as encode
from cluster.wire import encoded
from router.connection import Conn
from router.dispatch import resolve
from router.registry import HANDLERS, LATER
from router.session import Session
from router.waits import ShardAway

if TYPE_CHECKING:
    from router.router import Router

log = logging.getLogger("elixircache.router")
Answers = dict[int, bytes | None]
NOT_FROM_SCRIPT = "ERR This Redis command is not allowed from script"


class Asides:
    """Questions that are under way: token -> (shards that have not answered, answers, who waits)."""

    def __init__(self, router: Router):
        self.router = router
        self.count = 0
        self.waiting: dict[bytes, tuple[set[int], Answers, Callable[[Answers], None]]] = {}
        router.event_handlers[b"aside"] = self.on_aside
        router.event_handlers[b"calls"] = self.on_call

    def ask(self, shards: list[int], db: int, args: list[bytes], done: Callable[[Answers], None]) -> None:
        """Ask shards something; `done` gets shard -> raw reply, None of one that was lost."""
        self.count += 1
        token = b"%d" % self.count
        up = {shard for shard in shards if self.router.core.links[shard].up}
        answers: Answers = dict.fromkeys(set(shards) - up)
        if not up:
            done(answers)
            return
        self.waiting[token] = (up, answers, done)
        for shard in up:
            self.router.send_alone(shard, frames.ASIDE + encode(token, b"%d" % db, *args))

    def on_aside(self, shard: int, event: list[bytes]) -> None:
        """("aside", token, raw reply)"""
        self._answered(event[1], shard, event[2])

    def shard_lost(self, shard: int) -> None:
        """A shard's link is gone."""
        for token, (missing, _, _) in list(self.waiting.items()):
            if shard in missing:
                self._answered(token, shard, None)

    def _answered(self, token: bytes, shard: int, raw: bytes | None) -> None:
        if token not in self.waiting:
            return
        missing, answers, done = self.waiting[token]
        answers[shard] = raw
        missing.discard(shard)
        if not missing:
            del self.waiting[token]
            done(answers)

    def on_call(self, shard: int, event: list[bytes]) -> None:
        """("calls", token, database, protocol, command...): a script's call of a command of the router."""
        token, db, resp, *args = event[1:]

        def answer(raw: bytes) -> None:
            self.router.send_alone(shard, frames.LENT + encode(token, b"ok", raw))
            self.router.kick()

        caller = Caller(self.router, int(db), int(resp), answer)
        try:
            reply = self._run(caller, args)
        except ShardAway as away:
            reply = CommandError(errors.SHARD_DOWN.format(shard=away.shard))
        except CommandError as error:
            reply = error
        except Exception as error:  # a bug of ours: the shard must not wait for ever
            log.exception("a script's %r failed", args[0])
            reply = CommandError(f"ERR internal error: {type(error).__name__}: {error}")
        if reply is not LATER:
            caller.fulfil(0, reply)

    def _run(self, caller: Caller, args: list[bytes]) -> Any:
        row = resolve(args)
        if row.name in ("PUBLISH", "SPUBLISH"):  # how many would get it; it is sent when the script has ended
            return self.router.pubsub.receivers(args[1], row.name == "SPUBLISH")
        handler = HANDLERS.get(row.name)
        if handler is None or row.flags & (F.WRITE | F.NOSCRIPT):
            raise CommandError(NOT_FROM_SCRIPT)
        return handler(Answering(self.router), caller, args)


class Answering:
    """The router, as a script's command sees it: shards are asked aside."""

    def __init__(self, router: Router):
        self._router = router

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)

    def ask_all(self, args: list[bytes], done: Callable[[Answers], None]) -> None:
        """Ask every shard something; `done` gets shard -> raw reply."""
        self._router.asides.ask(list(range(self._router.shard_count)), 0, args, done)


class Caller(Session):
    """A script, where a client is expected: its reply goes to the shard that waits for it."""

    def __init__(self, router: Router, db: int, resp: int, answer: Callable[[bytes], None]):
        super().__init__(router, Conn(0))
        self.db, self.resp = db, resp
        self._answer = answer

    def reserve(self) -> int:
        return 0

    def fulfil(self, place: int, value: Any) -> None:
        self.fulfil_raw(place, encoded(value, self.resp))

    def fulfil_raw(self, place: int, raw: bytes) -> None:
        self._answer(raw)
        self.conn.session = None  # the two are needed no more, and refer to each other

    def pause(self) -> None:
        """Nothing else comes from a script meanwhile."""

    def resume(self) -> None:
        """See `pause`."""
