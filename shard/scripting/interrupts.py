"""What a shard still hears while a script runs: the request to end it, and how long it takes.

A long script calls `poll` now and then. Batches that arrive meanwhile wait in `waiting`; a
KILL message is answered at once with an event, and after busy-reply-threshold ms the router is
told, which then answers -BUSY to clients until the script has ended.
"""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any

from cluster import frames
from cluster.errors import CommandError
from cluster.wire import command, parse_command
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

    def poll(self) -> bytes:
        """Look for messages, at most every 20 ms. Always b"": who is to end finds it in the context."""
        now_s = time.monotonic()
        if now_s < self.next_s:
            return b""
        if now_s - self.next_s > 10 * POLL_S or not self.started_s:
            self.started_s = now_s  # nobody has polled for a while: another script
        self.next_s = now_s + POLL_S
        while (message := self.worker.link.receive()) is not None:
            if message.startswith(frames.KILL):
                self.kill(message)
            else:
                self.waiting.append(message)
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

    def ask(self, op: bytes, db: int, key: bytes) -> list[bytes]:
        """Ask the router for a key of another shard, which is held as this one is: [kind, value, expiry in ms]
        as `pack_value` has them. Everything else that comes meanwhile waits. CommandError if nobody lends it."""
        self.send(b"op", op, b"asks", b"%d" % db, key)
        while True:
            message = self.worker.link.receive()
            if message is None:
                self.worker.link.wait(100, -1)
            elif message.startswith(frames.KILL):
                self.kill(message)
            elif message.startswith(frames.LENT):
                answer = parse_command(message[len(frames.LENT) :])
                if answer[0] != op:
                    continue
                if answer[1] == b"error":
                    raise CommandError(answer[2].decode())
                return answer[1:]
            else:
                self.waiting.append(message)
                if message.startswith(frames.HELLO):
                    raise CommandError("ERR the router was restarted; nothing was changed")

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
