"""What a shard still hears while a script runs: the request to end it, and how long it takes.

A long script calls `poll` now and then. Batches that arrive meanwhile wait in `waiting`; a
KILL message is answered at once with an event, and after busy-reply-threshold ms the router is
told, which then answers -BUSY to clients until the script has ended.

A script that needs something of another shard or of the router says so with an event and waits for LENT. Meanwhile the
shard answers ASIDE messages, for that answer may need its own figures, or another shard's script may wait for them.
"""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any

from cluster import frames
from cluster.errors import CommandError
from cluster.wire import command, encoded, parse_command
from shard.scripting.resp_values import parse_reply
from shard.scripting.scripts import NOT_BUSY, scripts_of

POLL_S = 0.02


class Interrupts:
    """The worker's ear during scripts. `worker` has link, loop, engine and config."""

    def __init__(self, worker: Any):
        self.worker = worker
        self.waiting: deque[bytes] = deque()
        self.next_s = 0.0
        self.started_s = 0.0
        self.told = False
        self.asking = False
        self.orphaned = False
        self.calls = 0

    def poll(self) -> bytes:
        """Look for messages, at most every 20 ms. Always b"": who is to end finds it in the context."""
        now_s = time.monotonic()
        if now_s < self.next_s or self.asking:
            return b""
        if now_s - self.next_s > 10 * POLL_S or not self.started_s:
            self.started_s = now_s  # nobody has polled for a while: another script
        self.next_s = now_s + POLL_S
        while (message := self.worker.link.receive()) is not None:
            if not self.heard(message):
                self.keep(message)
        threshold_s = int(self.worker.config["busy-reply-threshold"]) / 1000
        if not self.told and now_s - self.started_s > threshold_s:
            context = scripts_of(self.worker.engine).context
            self.told = True
            self.send(b"busy", context.kind.encode(), context.name, *context.command)
        return b""

    def kill(self, message: bytes) -> None:
        """Answer a KILL message."""
        request = json.loads(message[len(frames.KILL) :])
        scripts = self.worker.engine.scripts
        verdict = CommandError(NOT_BUSY) if scripts is None else scripts.kill_reply(request["kind"])
        self.send(b"killed", str(request["token"]).encode(), b"OK" if verdict is True else verdict.text.encode())

    def ask(self, token: bytes, *event: bytes) -> list[bytes]:
        """Say an event and wait for its answer, which begins with the token: the words behind that. Everything else
        that comes meanwhile waits. CommandError: there is none."""
        self.asking = True  # `poll`, which a signal may call meanwhile, is not to take the answer
        try:
            self.send(*event)
            return self._answer(token)
        finally:
            self.asking = False

    def _answer(self, token: bytes) -> list[bytes]:
        while not self.orphaned:
            message = self.worker.link.receive()
            if message is None:
                self.worker.link.wait(100, -1)
            elif message.startswith(frames.LENT):
                answer = parse_command(message[len(frames.LENT) :])
                if answer[0] == token and answer[1] == b"error":
                    raise CommandError(answer[2].decode())
                if answer[0] == token:
                    return answer[1:]
            elif not self.heard(message):
                self.keep(message)
        raise CommandError("ERR the router was restarted")

    def keep(self, message: bytes) -> None:
        """A message waits for the end of what runs. If it is a new router's greeting, nobody answers any more what is
        asked until then."""
        self.waiting.append(message)
        self.orphaned = self.orphaned or message.startswith(frames.HELLO)

    def greeted(self) -> None:
        """A greeting was taken out of what waits."""
        self.orphaned = any(message.startswith(frames.HELLO) for message in self.waiting)

    def call(self, context: Any, args: list[bytes]) -> Any:
        """The reply of a command that the router answers, for the running script. CommandError."""
        self.calls += 1
        token = b"call:%d" % self.calls
        db, resp = context.engine.db.index, context.resp
        reply = parse_reply(self.ask(token, b"calls", token, b"%d" % db, b"%d" % resp, *args)[1])
        if isinstance(reply, CommandError):
            raise reply
        return reply

    def heard(self, message: bytes) -> bool:
        """Do what cannot wait for a script's end; whether the message was such."""
        if message.startswith(frames.KILL):
            self.kill(message)
        elif message.startswith(frames.ASIDE):
            self.aside(message)
        else:
            return False
        return True

    def aside(self, message: bytes) -> None:
        """Answer a question about this shard as it is beside what a script or operation has staged."""
        token, db, *args = parse_command(message[len(frames.ASIDE) :])
        engine = self.worker.engine
        staged = engine.dbs, engine.db, engine.staged, engine.resp
        engine.dbs = [getattr(database, "real", database) for database in engine.dbs]
        engine.db, engine.resp = engine.dbs[int(db)], 2
        try:
            raw = encoded(engine.call(args))
        except CommandError as error:
            raw = encoded(error)
        finally:
            engine.dbs, engine.db, engine.staged, engine.resp = staged
        self.send(b"aside", token, raw)

    def finished(self) -> None:
        """After a batch: no script runs any more."""
        if self.told:
            self.told = False
            self.send(b"free")
        self.started_s = 0.0

    def send(self, *event: bytes) -> None:
        """An event by itself, past the replies that are being made."""
        loop, payload = self.worker.loop, command(*event)
        header = frames.REPLY_HEADER.pack(loop.generation, 0, loop.offset)
        self.worker.link.send(header + frames.REPLY_ENTRY.pack(len(payload), frames.EVENT) + payload)
