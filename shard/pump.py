"""What a shard does between two ticks when nothing out of the ordinary is at hand. Compiled.

    receive -> Loop.execute -> journal -> send -> sleep

A shard of many clients wakes some thousand times a second for a few commands each, beside other processes that have taken
the caches meanwhile: in Python this shell cost twice as much as the commands. What is out of the ordinary (greetings,
questions, replicas, a limit of memory, clients that wait) is `Worker`'s, which does the same with all cases.
"""

import cython
from cython.cimports.cluster.peer import Peer
from cython.cimports.cpython.exc import PyErr_CheckSignals
from cython.cimports.posix.time import CLOCK_REALTIME, clock_gettime, timespec
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.loop import Loop


@cython.cclass
class Pump:
    """`worker`: the shard.worker.Worker whose link, loop and journal these are."""

    worker = cython.declare(object)
    engine = cython.declare(Engine)
    loop = cython.declare(Loop)
    interrupts = cython.declare(object)

    def __init__(self, worker):
        self.worker = worker
        self.engine = worker.engine
        self.loop = worker.loop
        self.interrupts = worker.interrupts

    def run(self, until_ms: cython.longlong):
        """Serve until this time, until a client has waited long enough, or until Worker is to stop or has a snapshot to
        read. Signal handlers are run in between."""
        worker = self.worker
        link: Peer = worker.link
        control: cython.int = worker.control.fileno()
        waiting = self.engine.waiting
        now_ms: cython.longlong
        wake_ms: cython.longlong
        while True:
            self._receive(link)
            PyErr_CheckSignals()
            preload = worker.preload
            if not worker.running or (preload is not None and not preload.done):
                return
            now_ms = _now_ms()
            wake_ms = until_ms
            if waiting.waiters:
                wake_ms = waiting.next_deadline_ms
                wake_ms = min(wake_ms, until_ms) if wake_ms else until_ms
            if now_ms >= wake_ms:
                return
            link.wait(wake_ms - now_ms, control)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _receive(self, link: Peer) -> cython.int:
        """Run the batches that are there."""
        message: bytes
        while True:
            if self.interrupts.waiting:
                message = self.interrupts.waiting.popleft()
            else:
                message = link.receive()
            if message is None:
                return 0
            if not self.loop.execute(message):
                self.worker.hear(message)
                continue
            if self.interrupts.started_s:
                self.interrupts.finished()
            self._finish(link)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _finish(self, link: Peer) -> cython.int:
        """Worker.finish(True) where no replica is fed, memory has no limit and the last write to the journal succeeded."""
        worker = self.worker
        engine: Engine = self.engine
        journal = worker.journal
        if engine.feeding or engine.memory.limit or worker.sync_wanted or worker.unwritable or worker.unwritten:
            worker.finish(True)
            return 0
        if engine.stream.size:
            effects: bytes = _unfed(engine)
            worker.outlet.db = engine.stream_db
            self.loop.offset += len(effects)
            if journal is not None and not journal.append(effects):
                worker.unwritable = True
                worker.finish(True)
                return 0
        link.send(self.loop.take(True))
        return 0


@cython.cfunc
def _unfed(engine: Engine) -> bytes:
    """The effects so far, where no replica is fed: nobody asks which of them are records, or entries of the batch."""
    if engine.units:
        engine.units = []
    if engine.named_size:
        engine.take_named()
    return engine.stream.take()


@cython.cfunc
@cython.exceptval(check=False)
def _now_ms() -> cython.longlong:
    now: timespec
    clock_gettime(CLOCK_REALTIME, cython.address(now))
    return cython.cast(cython.longlong, now.tv_sec) * 1000 + now.tv_nsec // 1_000_000
