"""The shard process: a thin shell of sockets, clock and files around the batch loop.

    router --batches--> DEALER socket --> Loop.execute --> journal.append --> replies

The order of the last two steps is rule 2 of the design: a reply leaves only after the effect
of its command has been written to the journal.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

import zmq

from cluster import frames
from cluster.config import Config
from cluster.process import Control, fork_dies_with_parent
from cluster.wire import parse_commands
from shard.engine import Engine
from shard.loop import Loop
from shard.stream import segments

log = logging.getLogger("elixircache.shard")
TICK_MS = 100


class Worker:
    """One shard's process: owns the sockets and the files, lends the engine its clock."""

    def __init__(self, index: int, shards: int, endpoint: str, directory: str, config: Config, control: Control):
        self.directory = directory
        self.control = control
        self.index = index
        self.shards = shards
        self.config = config
        self.endpoint = endpoint
        self.engine = Engine(config)
        self.loop = Loop(self.engine)
        self.engine.worker = self
        self.engine.shard_index = index
        self.engine.worker_shards = shards
        self.engine.controls = self.loop
        self.context = zmq.Context(io_threads=1)
        self.link = self.context.socket(zmq.DEALER)
        self.link.setsockopt(zmq.LINGER, 0)
        self.link.setsockopt(zmq.SNDHWM, 0)
        self.link.setsockopt(zmq.RCVHWM, 0)
        self.poller = select.epoll()
        self.running = True
        self.next_tick_ms = 0
        self.unwritten: list[bytes] = []
        self.fed_db = -1
        self.children: dict[int, Callable[[bool], None]] = {}

    def open(self) -> None:
        """Bind the link; afterwards a router can be told of it."""
        self.link.bind(self.endpoint)
        if self.control.fileno() >= 0:
            self.poller.register(self.control.fileno(), select.EPOLLIN)
        self.poller.register(self.link.getsockopt(zmq.FD), select.EPOLLIN)

    def stop(self, *_: Any) -> None:
        """End after the batch at hand (signal handler)."""
        self.running = False

    def run(self) -> None:
        """Serve until stopped."""
        while self.running:
            now_ms = time.time_ns() // 1_000_000
            if now_ms >= self.next_tick_ms:
                self.tick(now_ms)
                self.next_tick_ms = now_ms + TICK_MS
            if not self.receive():
                self.poller.poll(max(0.0, (self.next_tick_ms - now_ms) / 1000))

    def receive(self) -> bool:
        """Run the batches that are there; whether there were any."""
        worked = False
        while True:
            try:
                message = self.link.recv(zmq.NOBLOCK)
            except zmq.Again:
                return worked
            worked = True
            if message.startswith(frames.HELLO):
                self.greet(message)
            else:
                echo = len(message) > 4 and message[4] & frames.ECHO
                if self.loop.execute(message):
                    if self.engine.records.kept:
                        self.engine.records.trim((self.loop.epoch, self.loop.watermark))
                    self.finish(bool(echo))

    def collect(self) -> None:
        """Take the effects so far: to the journal with them, and to the router that feeds replicas."""
        effects = self.engine.take_stream()
        if not effects:
            return
        self.unwritten.append(effects)
        self.loop.offset += len(effects)
        units, self.engine.units = self.engine.units, []
        if self.engine.feeding:
            self.engine.events.extend(segments(effects, units, self.fed_db, self.engine.stream_db, self.blob_of))
        self.fed_db = self.engine.stream_db

    @staticmethod
    def blob_of(prologue: bytes) -> bytes:
        """The record in the ECHO that opens its unit."""
        return bytes(parse_commands(prologue)[0][-1][1])

    def finish(self, always: bool = False) -> None:
        """Journal what the batch changed, then let its replies go."""
        self.collect()
        self.unwritten.clear()
        reply = self.loop.take()
        if not reply and always:
            reply = frames.REPLY_HEADER.pack(self.loop.generation, 0, self.loop.offset)
        if reply:
            self.link.send(reply)

    def fork(self, work: Callable[[], None], done: Callable[[bool], None]) -> None:
        """Do `work` in a child process that sees the keys of this moment; `done(ok)` later."""
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                fork_dies_with_parent(parent)
                work()
                code = 0
            except BaseException:
                log.exception("a child's work failed")
            finally:
                # No clean-up of the parent's sockets: they are not ours.
                os._exit(code)
        self.children[pid] = done

    def reap(self) -> None:
        """Hear of children that have ended."""
        for pid in list(self.children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.children.pop(pid)(status == 0)

    def replaced_keyspace(self) -> None:
        """All keys are others now (a full synchronisation): a journal must begin anew."""

    def greet(self, message: bytes) -> None:
        """A router opened a link: the new generation begins, and it learns what we have."""
        hello = json.loads(message[len(frames.HELLO) :])
        self.loop.start(hello["generation"])
        records = self.engine.records
        answer = {
            "generation": hello["generation"],
            "pid": os.getpid(),
            "shard": self.index,
            "last_record": records.last,
            "records": [blob.hex() for _, blob in records.kept],
        }
        self.link.send(frames.HELLO + json.dumps(answer).encode())

    def tick(self, now_ms: int) -> None:
        """Ten times a second: expiry, freeing, deadlines."""
        self.control.receive()
        if self.control.closed:
            log.error("the supervisor is gone; stopping")
            self.running = False
        engine = self.engine
        if now_ms > engine.now:
            engine.now = now_ms
        self.reap()
        engine.free_some()
        engine.end_unit()
        self.finish()

    def close(self) -> None:
        """Give the sockets back."""
        self.link.close(0)
        self.context.term()


def run(index: int, shards: int, endpoint: str, directory: str, config: Config, control: Control) -> int:
    """The whole life of a shard process. Returns its exit code."""
    # A full collection over millions of keys is a stall; nothing here forms cycles.
    gc.disable()
    gc.freeze()
    worker = Worker(index, shards, endpoint, directory, config, control)
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker.open()
    control.send(ready=True, shard=index, endpoint=endpoint)
    try:
        worker.run()
    finally:
        worker.close()
    return 0
