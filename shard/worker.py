"""The shard process: a thin shell of sockets, clock and files around the batch loop.

    router --batches--> link --> Loop.execute --> journal.append --> replies

The order of the last two steps is rule 2 of the design: a reply leaves only after the effect
of its command has been written to the journal.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster import frames
from cluster.config import Config
from cluster.curve import Links
from cluster.errors import MISCONF, NO_JOURNAL, CommandError
from cluster.process import Control
from cluster.records import done_note
from cluster.reply_parts import split_replies
from cluster.wire import command, encoded
from shard import key_hash
from shard.children import PART, SNAPSHOT, Children, Report
from shard.engine import Engine
from shard.journal import Journal, write_rdb
from shard.loop import Loop
from shard.manifest import Refused
from shard.process_memory import ProcessMemory
from shard.progress import Progress
from shard.pump import Pump
from shard.rdb.errors import DamagedFile
from shard.rdb.reader import load as load_rdb
from shard.scripting.interrupts import Interrupts
from shard.scripting.scripts import scripts_of, whole_scripts
from shard.stream import Outlet

log = logging.getLogger("elixircache.shard")
TICK_MS = 100
PRELOAD_SLICE_S = 0.005
SAVE_RETRY_S = 5  # after a failed snapshot, as Redis waits


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
        self.engine.master = False  # until the router says so: a replica's shard lets nothing expire by itself
        self.loop = Loop(self.engine)
        self.loop.configure(config)
        self.engine.worker = self
        self.interrupts = Interrupts(self)
        self.poll = self.interrupts.poll
        self.engine.shard_index = index
        self.engine.worker_shards = shards
        self.engine.memory.probe = probe = ProcessMemory()
        self.engine.memory.forget = probe.forget
        self.engine.memory.follow(self.engine, config, shards)
        self.engine.controls = self.loop
        self.engine.notifier.follow(self.engine, config)
        self.links = Links(config, "shard")
        self.link: Any = None
        self.running = True
        self.next_tick_ms = 0
        self.unwritten: list[bytes] = []
        self.outlet = Outlet(self.engine)
        self.preload: Any = None
        self.preloads = 0
        self.journal: Journal | None = None
        self.data_directory = Path(directory) / f"shard-{index}"
        self.rdb_path = self.data_directory / str(config["dbfilename"])
        self.sync_wanted = False  # WAITAOF: this batch's replies go only after an fsync
        self.unwritable = False  # a part of this batch's effects could not be journalled
        self.saving = False
        self.saves = 0  # by SAVE
        self.last_save_ok = True
        self.last_save_s = 0
        self.loaded_keys = self.expired_at_load = 0
        self.changes_at_save = 0
        self.save_tried_s = 0
        self.children = Children()

    def load(self) -> None:
        """Bring the data back. Refused says why the files cannot be used."""
        self.data_directory.mkdir(parents=True, exist_ok=True)
        for left in self.data_directory.glob(f"temp-*-{self.rdb_path.name}"):
            left.unlink()
        self.engine.now = time.time_ns() // 1_000_000
        if self.config["appendonly"]:
            self.journal = Journal(self.data_directory, self.engine, self.config, self.report_loading)
            self.journal.open()
        elif self.rdb_path.exists():
            try:
                progress = Progress(self.rdb_path.stat().st_size, self.report_loading)
                progress.begin(self.rdb_path.name, progress.total)
                # A replica keeps what has expired until its master says so; a base of a journal has what follows on it.
                until_ms = -1 if self.config["replicaof"] else self.engine.now
                reader = load_rdb(self.rdb_path, self.engine.dbs, until_ms, progress)
                self.expired_at_load = reader.expired
                for entry in reader.functions:
                    scripts_of(self.engine).restore_entry(entry)
            except DamagedFile as error:
                raise Refused(f"{error}; `elixircache check` can tell more") from None
        self.saved()
        self.loaded_keys = sum(len(db) for db in self.engine.dbs)

    def report_loading(self, said: dict[str, Any]) -> None:
        """Tell the supervisor, and by it the router, how far loading is."""
        self.control.send(loading=said)

    def open(self) -> None:
        """Bind the link; afterwards a router can be told of it."""
        self.link = self.links.bind(self.endpoint)

    def stop(self, *_: Any) -> None:
        """End after the batch at hand (signal handler)."""
        self.running = False

    def run(self) -> None:
        """Serve until stopped."""
        pump = Pump(self)
        while self.running:
            pump.run(self.next_tick_ms)
            now_ms = time.time_ns() // 1_000_000
            if now_ms >= self.next_tick_ms:
                self.tick(now_ms)
                self.next_tick_ms = now_ms + TICK_MS
            self.end_waits(now_ms)
            if self.preload is not None and not self.preload.done:
                self.read_on()

    def begin_preload(self, preload: Any) -> None:
        """Read a snapshot between batches (shard/controls/replication.py); None: no more."""
        self.preload = preload

    def read_on(self) -> None:
        """Some milliseconds of the snapshot that is being read."""
        end_s = time.monotonic() + PRELOAD_SLICE_S
        self.preload.work(lambda: time.monotonic() >= end_s)
        if self.preload.done:
            self.preloaded(self.preload)

    def preloaded(self, preload: Any) -> None:
        """A snapshot has been read. A child writes the journal's base of it, so that changing over takes no time."""
        journal = self.journal

        def ready(ok: bool) -> None:
            if self.preload is preload:
                preload.base = base if ok else None
                self.engine.events.append((b"preloaded", preload.path))
            elif base is not None:
                base.unlink(missing_ok=True)  # it was given up meanwhile

        if journal is None or preload.error:
            base = None
            ready(False)
            self.finish()
            return
        self.preloads += 1
        base = journal.next_base(self.preloads)
        others = (preload.fresh, preload.functions)
        self.fork(
            PART, lambda progress: write_rdb(self.engine, base, True, progress, others), ready, preload.written, preload.fresh
        )

    def end_waits(self, now_ms: int) -> None:
        """Answer blocked clients whose time is over."""
        waiting = self.engine.waiting
        if waiting.waiters and 0 < waiting.next_deadline_ms <= now_ms:
            self.engine.now = max(self.engine.now, now_ms)
            waiting.expire(self.engine)
            self.engine.end_unit()
            self.finish()

    def hear(self, message: bytes) -> None:
        """A message that is no batch of this link."""
        if message.startswith(frames.HELLO):
            self.greet(message)
        elif self.interrupts.heard(message):
            self.engine.end_unit()  # what a question has found expired
            self.finish()

    def collect(self) -> None:
        """Take the effects so far: to the journal with them, and to the router that feeds replicas."""
        effects = self.outlet.take()
        if effects:
            self.unwritten.append(effects)
            self.loop.offset += len(effects)

    def finish(self, answer: bool = False) -> None:
        """Journal what was changed, then let the replies go. `answer`: to a batch, which is
        answered even when there is nothing to say."""
        if self.engine.memory.limit and self.engine.memory.relieve(self.engine):
            self.engine.end_unit()
        written = self.write_out() and not self.unwritable
        self.unwritable = False
        if self.sync_wanted:
            self.sync_wanted = False
            written = written and self.journal is not None and self.journal.sync()
        reply = self.loop.take(answer)
        if not written:
            if reply:
                reply = unacknowledged(reply, self.engine.write_error)
            if self.loop.partial:  # a run that a hold has interrupted
                self.loop.partial = refusals(self.loop.partial, self.engine.write_error)
        if reply:
            self.link.send(reply)

    def write_out(self) -> bool:
        """The effects so far go to the journal; False if it cannot be written."""
        self.collect()
        written = True
        if self.unwritten:
            data = self.unwritten[0] if len(self.unwritten) == 1 else b"".join(self.unwritten)
            self.unwritten = []
            written = self.journal is None or self.journal.append(data)
        if self.engine.feeding:
            self.outlet.tell_place(None if self.journal is None else self.journal.place)
        return written

    def before_base(self) -> None:
        """A base of the keys as they are is begun within a batch: what the batch has done so far is in it, and must not
        stand in the journal behind it as well."""
        self.unwritable = not self.write_out() or self.unwritable

    def sync(self) -> None:
        """What this batch answers goes only after an fsync, if there is a journal."""
        self.sync_wanted = self.sync_wanted or self.journal is not None

    def fork(
        self,
        kind: str,
        work: Callable[[Callable[[int], None]], None],
        done: Callable[[bool], None],
        report: Report | None = None,
        dbs: Any = None,
    ) -> bool:
        """Do `work(progress)` in a child process that sees the keys of this moment, those of `dbs` if they are others;
        `report` now and then, `done(ok)` later. False (after `done(False)`) when there can be no child."""
        try:
            self.children.fork(kind, sum(len(db) for db in dbs or self.engine.dbs), work, done, report)
        except OSError as error:
            log.error("cannot fork: %s", error.strerror)
            done(False)
            return False
        self.loop.slowlog.stalled(b"fork", self.engine.now, self.children.last_fork_us)
        return True

    def switch_journal(self) -> None:
        """Do what `appendonly` says now. CommandError, and it stays as it was."""
        self.before_base()
        if self.config["appendonly"] and self.journal is None:
            journal = Journal(self.data_directory, self.engine, self.config)
            try:
                journal.create()
            except (OSError, Refused) as error:
                log.error("cannot begin a journal: %s", error)
                self.config.set([("appendonly", "no")], True)
                raise CommandError(NO_JOURNAL) from None
            self.journal = journal
        elif not self.config["appendonly"] and self.journal is not None:
            self.journal.close()
            self.journal = None
            self.engine.write_error = b""

    def replaced_keyspace(self, base: Path | None = None) -> None:
        """All keys are others now (a full synchronisation): the journal begins anew, with a base that is written already
        if there is one."""
        self.collect()
        self.unwritten = []  # effects on keys that are gone, in the same batch: not for the new files
        if self.journal is not None:
            self.journal.rewrite_now(base)

    def save_now(self, path: str = "") -> None:
        """Write a snapshot and wait for it. OSError."""
        write_rdb(self.engine, Path(path) if path else self.rdb_path)
        if not path:
            self.saves += 1
            self.last_save_ok = True
            self.saved()

    def save_in_background(self, path: str = "") -> bool:
        """Write a snapshot in a child process; whether one could be begun."""
        self.saving = True
        self.save_tried_s = self.engine.now // 1000
        changes = self.engine.changes

        def done(ok: bool) -> None:
            self.saving = False
            self.last_save_ok = ok
            if ok:
                self.saved(changes)
            else:
                log.error("background saving failed")

        target = Path(path) if path else self.rdb_path
        return self.fork(SNAPSHOT, lambda progress: write_rdb(self.engine, target, progress=progress), done)

    def saved(self, changes: int | None = None) -> None:
        """A snapshot is whole that holds the first so many changes (all): `save` points count from here."""
        self.last_save_s = self.engine.now // 1000
        self.changes_at_save = self.engine.changes if changes is None else changes

    def save_points(self) -> None:
        """Save when one of the `save` points is reached."""
        if self.saving or (not self.last_save_ok and self.engine.now // 1000 - self.save_tried_s < SAVE_RETRY_S):
            return
        changes = self.engine.changes - self.changes_at_save
        quiet = self.engine.now // 1000 - self.last_save_s
        if any(changes >= count and quiet >= seconds for seconds, count in self.config.save_points()):
            self.save_in_background()

    def greet(self, message: bytes) -> None:
        """A router opened a link: the new generation begins, and it learns what we have."""
        hello = json.loads(message[len(frames.HELLO) :])
        self.interrupts.greeted()
        self.loop.start(hello["generation"])
        self.engine.waiting.clear(self.engine)
        records = self.engine.records
        answer = {
            "generation": hello["generation"],
            "pid": os.getpid(),
            "shard": self.index,
            "last_record": records.last,
            "records": [blob.hex() for _, blob in records.kept],
            "whole_scripts": whole_scripts(self.engine),
            "place": records.place_at(self.engine.changes),
            "resumed": self.outlet.greeted(
                hello.get("place", ""),
                self.journal.since if self.journal else lambda place: None,
                self.journal.place if self.journal else None,
            ),
        }
        self.link.send(frames.HELLO + json.dumps(answer).encode())
        if self.engine.over_memory:
            self.engine.events.append((b"over_memory", b"1"))
        self.finish()

    def tick(self, now_ms: int) -> None:
        """Ten times a second: expiry, freeing, deadlines."""
        self.control.receive()
        if self.control.closed:
            log.error("the supervisor is gone; stopping")
            self.running = False
        engine = self.engine
        if now_ms > engine.now:
            engine.now = now_ms
        self.children.reap()
        engine.free_some()
        self.loop.client = 0  # nobody's command: trackers with NOLOOP hear of it too
        began_us = time.monotonic_ns() // 1000
        engine.expiry.run(engine)
        took_us = time.monotonic_ns() // 1000 - began_us
        engine.stats.expire_cycle_us += took_us
        self.loop.slowlog.stalled(b"expire-cycle", engine.now, took_us)
        engine.memory.tick(engine)
        engine.tracking.trim(engine)
        engine.end_unit()
        if self.journal is not None:
            done = engine.records.mark((self.loop.epoch, self.loop.watermark), now_ms)
            if done is not None:
                self.unwritten.insert(0, command(b"ECHO", done_note(done)))  # what is fed stands last (shard/stream.py)
        self.finish()
        if self.journal is not None:
            self.journal.tick(self)
        self.save_points()

    def close(self) -> None:
        """Give the sockets and files back."""
        if self.journal is not None:
            self.journal.close()
        self.link.close()
        self.links.close()


def run(index: int, shards: int, endpoint: str, directory: str, config: Config, control: Control) -> int:
    """The whole life of a shard process. Returns its exit code."""
    # A full collection over millions of keys is a stall; nothing here forms cycles.
    gc.disable()
    gc.freeze()
    key_hash.seed(secrets.randbits(64))
    worker = Worker(index, shards, endpoint, directory, config, control)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        worker.load()  # SIGTERM ends it at once: nothing has been acknowledged
    except Refused as error:
        log.error("%s", error)
        control.send(fatal=str(error), code=1)
        return 1
    signal.signal(signal.SIGTERM, worker.stop)
    worker.open()
    control.send(ready=True, shard=index, endpoint=endpoint)
    try:
        worker.run()
        if worker.journal is None and config.save_points():
            worker.save_now()
    finally:
        worker.close()
    return 0


def unacknowledged(reply: bytes, reason: bytes) -> bytes:
    """A reply message whose effects could not be journalled: every reply of it becomes an error
    that says so, since the shard may yet lose them."""
    generation, flags, offset, entries = frames.parse_reply(reply)
    out = [frames.REPLY_HEADER.pack(generation, flags | frames.WRITE_ERROR, offset)]
    for kind, payload in entries:
        if kind == frames.RUN:
            payload = refusals(payload, reason)
        out += [frames.REPLY_ENTRY.pack(len(payload), kind), payload]
    return b"".join(out)


def refusals(replies: bytes, reason: bytes) -> bytes:
    """An error for each of a run's replies."""
    error = encoded(CommandError(MISCONF.format(reason=reason.decode()) + "; the outcome of this command is unknown"))
    return error * len(split_replies(replies))
