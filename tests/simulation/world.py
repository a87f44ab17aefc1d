"""A whole cluster in one process: real router and shard cores, a fake clock, a seeded network.

    client --> Router --channel--> Loop + Engine + Disk
           <--        <--channel--

Every message waits in a first-in-first-out channel until the scheduler delivers it. A killed
shard loses its memory and its channels and keeps its disk (a power cut also takes from the disk
what was not fsynced); a killed router loses everything. All chance comes from one seed.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis

from cluster.config import Config
from cluster.wire import command
from router import dispatch
from router.connection import Conn
from router.rounds import due_links
from router.router import Router
from router.session import Session
from shard.engine import Engine
from shard.loop import Loop
from shard.replay import replay
from shard.stream import Outlet

START_MS = 1_700_000_000_000


def small_config() -> Config:
    """Few databases: tables for sixteen of them took most of the time of a seed, in which shards start over and over."""
    config = Config()
    config.apply({"databases": 4})
    return config


class Disk:
    """What a shard has written; `synced` bytes of it survive a power cut."""

    def __init__(self) -> None:
        self.data = b""
        self.synced = 0
        self.base = 0  # how often all of it was replaced
        self.last_record = (0, 0)  # of the base

    def append(self, data: bytes) -> None:
        self.data += data

    def sync(self) -> None:
        self.synced = len(self.data)

    def replace(self, engine: Engine) -> None:
        """Other keys than before (strings, here): what was written goes."""
        self.last_record = engine.records.last
        out = [command("ECHO", blob) for _, blob in engine.records.kept]
        for db in engine.dbs:
            out.append(command("SELECT", db.index))
            for key, value, at_ms in db.items():
                life = ("PXAT", at_ms) if at_ms >= 0 else ()
                out.append(command("SET", key, value if isinstance(value, int) else bytes(value), *life))
        engine.stream_db = -1
        engine.records.note = None
        self.data = b"".join(out)
        self.base += 1
        self.sync()

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it ends: (base, bytes, nothing more)."""
        return (self.base, len(self.data), 0)

    def since(self, place: tuple[int, int, int]) -> bytes | None:
        """What was appended behind a place."""
        base, size, _ = place
        return self.data[size:] if base == self.base and size <= len(self.data) else None

    def power_cut(self, rng: random.Random) -> int:
        """What was synced is there, of the rest as much as the kernel happened to have written: how many bytes go."""
        before = len(self.data)
        self.data = self.data[: rng.randint(self.synced, before)]
        return before - len(self.data)


class SimWorker:
    """What controls ask of the process: shard/worker.py without files, forks and sockets."""

    def __init__(self, shard: SimShard):
        self.shard = shard
        self.loop = shard.loop
        self.outlet = Outlet(shard.engine)
        self.unwritten = b""
        self.sync_wanted = False
        self.preload: Any = None

    def begin_preload(self, preload: Any) -> None:
        """It is read in two pieces, some time later."""
        self.preload = preload
        if preload is not None:
            self.shard.children += [lambda ok: preload.work(lambda: True), lambda ok: self._preloaded(preload)]

    def _preloaded(self, preload: Any) -> None:
        preload.work(lambda: False)
        self.shard.engine.events.append((b"preloaded", preload.path))

    def sync(self) -> None:
        self.sync_wanted = True

    def collect(self) -> None:
        self.unwritten += self.outlet.take()

    def fork(
        self, kind: str, work: Callable[[Any], None], done: Callable[[bool], None], report: Callable[[int, int], None] | None = None
    ) -> bool:
        """A child sees the keys of this moment; it ends some time later."""
        work(lambda count: None)
        if report is not None:
            report(1, 2)
        self.shard.children.append(done)
        return True

    def replaced_keyspace(self, base: Any = None) -> None:
        self.collect()
        self.unwritten = b""
        self.shard.disk.replace(self.shard.engine)

    def finish(self, power: bool) -> None:
        self.collect()
        self.shard.disk.append(self.unwritten)
        self.unwritten = b""
        if power and (self.shard.world.fsync_always or self.sync_wanted):
            self.shard.disk.sync()
        self.sync_wanted = False
        if self.shard.engine.feeding:
            self.outlet.tell_place(self.shard.disk.place)


class SimShard:
    """One shard process."""

    def __init__(self, world: World, index: int):
        self.world = world
        self.index = index
        self.disk = Disk()
        self.alive = False
        self.inbox: deque[bytes] = deque()
        self.outbox: deque[bytes] = deque()
        self.children: list[Callable[[bool], None]] = []

    def start(self) -> None:
        self.engine = Engine(self.world.config, seed=self.index)
        self.engine.master = False
        self.engine.shard_index = self.index
        self.engine.worker_shards = self.world.shard_count
        self.engine.now = self.world.now
        self.loop = Loop(self.engine)
        self.engine.controls = self.loop
        self.engine.worker = self.worker = SimWorker(self)
        self.engine.records.last = self.disk.last_record
        kept = replay(self.engine, self.disk.data)
        self.disk.data = self.disk.data[:kept]
        self.disk.synced = min(self.disk.synced, kept)
        self.alive = True

    def kill(self) -> None:
        self.alive = False
        self.inbox.clear()
        self.outbox.clear()
        self.children.clear()

    def child_ends(self) -> None:
        """A child process has done its work."""
        self.children.pop(0)(True)
        self.answer(False)

    @property
    def expiring(self) -> int:
        """Keys with a time to live, seen or hidden."""
        return sum(db.volatile for db in self.engine.dbs)

    def tick(self) -> None:
        """What shard/worker.py does ten times a second about keys that expire."""
        self.engine.now = max(self.engine.now, self.world.now)
        self.engine.expiry.run(self.engine, slots_max=1 << 15)
        self.engine.end_unit()
        self.answer(False)

    def answer(self, to_batch: bool) -> None:
        """Journal, then let the replies go."""
        self.worker.finish(True)
        reply = self.loop.take(to_batch)
        if reply:
            self.outbox.append(reply)

    def deliver(self, power: bool = True) -> None:
        """Take one message: what shard/worker.py does, without its sockets and files. Without power it comes as
        far as its write, and neither to the fsync nor to the reply."""
        message = self.inbox.popleft()
        if message.startswith(b"HELO"):
            import json

            hello = json.loads(message[4:])
            self.loop.start(hello["generation"])
            resumed = self.worker.outlet.greeted(hello.get("place", ""), self.disk.since, self.disk.place)
            answer = {
                "generation": hello["generation"],
                "last_record": self.engine.records.last,
                "records": [blob.hex() for _, blob in self.engine.records.kept],
                "place": self.engine.records.place_at(self.engine.changes),
                "resumed": resumed,
                "whole_scripts": [],
            }
            self.outbox.append(b"HELO" + json.dumps(answer).encode())
            self.answer(False)
            return
        if not self.loop.execute(message):
            return
        if power:
            self.answer(True)
        else:
            self.worker.finish(False)


class SimClient:
    """One client connection; replies are parsed as they come."""

    def __init__(self, world: World):
        self.world = world
        self.replies: deque[Any] = deque()
        self.reader = hiredis.Reader()
        self.closed = True

    def connect(self) -> None:
        router = self.world.router
        assert router is not None
        self.conn = Conn(router.new_id())
        self.session = Session(router, self.conn)
        self.reader = hiredis.Reader()
        self.replies.clear()
        self.closed = False
        router.connect(self.session)
        self.world.clients[self.conn.id] = self

    def send(self, *args: Any) -> None:
        """One command; its reply comes into `replies` some time later."""
        self.send_together(args)

    def send_together(self, *commands: tuple[Any, ...]) -> None:
        """Several commands in one piece."""
        router = self.world.router
        assert router is not None
        router.core.receive_data(self.conn, b"".join(command(*args) for args in commands))
        self.world.pump()


class StrictRouter(Router):
    """A router whose own faults end the run: a real one notes them and goes on."""

    def on_command(self, conn: Any, args: list[bytes]) -> None:
        dispatch.execute(self, conn.session, args)

    def on_internal_error(self, error: Exception) -> None:
        raise error


class World:
    """The cluster and its network."""

    def __init__(self, seed: int, shards: int = 3, config: Config | None = None, *, fsync_always: bool = False):
        self.rng = random.Random(seed)
        self.now = START_MS
        self.shard_count = shards
        self.fsync_always = fsync_always
        self.windows = seed // 4 % 2 == 1  # as the router's shell does: one batch under way to a shard, operations in rounds
        self.config = config or small_config()
        self.shards = [SimShard(self, i) for i in range(shards)]
        self.clients: dict[int, SimClient] = {}
        self.router: Router | None = None
        self.generation = 0
        self.crashes = 0
        self.forgotten = 0  # bytes that power cuts took
        for shard in self.shards:
            shard.start()
        self.start_router()
        self.settle()

    # -- the router ------------------------------------------------------------------------

    def start_router(self) -> None:
        self.generation += 1000
        self.router = StrictRouter(self.shard_count, self.config, self.now, self.generation)
        self.router.send_alone = self._send_alone
        self.router.close = lambda conn, reason: None
        self.prepare(self.router)
        for shard in self.shards:
            shard.outbox.clear()
            if shard.alive:
                self.router.link_opened(shard.index)

    def prepare(self, router: Router) -> None:
        """What a router is told before it greets its shards."""

    def _send_alone(self, shard: int, message: bytes) -> None:
        self.shards[shard].inbox.append(message)

    def kill_router(self) -> None:
        """Batches that it sent may still arrive; its clients' connections close."""
        self.router = None
        self.crashes += 1
        for client in self.clients.values():
            client.closed = True
        self.clients.clear()
        for shard in self.shards:
            shard.outbox.clear()
            keep = self.rng.randrange(len(shard.inbox) + 1)
            while len(shard.inbox) > keep:
                shard.inbox.pop()

    def pump(self) -> None:
        """What the router has for its links and clients goes on its way."""
        router = self.router
        if router is None:
            return
        router.core.now = self.now
        # At moment 0 no time is over: nothing that is held may need the clock to go on.
        due = due_links(router.core.links, 0) if self.windows else [link for link in router.core.links if link.up]
        for link in due:
            batch = router.core.take_batch(link.index)
            if batch and self.shards[link.index].alive:
                self.shards[link.index].inbox.append(batch)
        for conn in router.core.take_dirty():
            client = self.clients.get(conn.id)
            data = conn.peek_output()
            if client is not None and not client.closed:
                client.reader.feed(data)
                while (reply := client.reader.gets()) is not False:
                    client.replies.append(reply)
        if due_links(router.core.links, 0) if self.windows else any(link.batch_size and link.up for link in router.core.links):
            self.pump()

    # -- shards ----------------------------------------------------------------------------

    def kill_shard(self, index: int) -> None:
        self.kill([index])

    def kill(self, shards: list[int], router: bool = False) -> None:
        """Some processes die at one instant; a router that lives hears of it afterwards, one link at a time."""
        died = [index for index in shards if self.shards[index].alive]
        for index in died:
            self.shards[index].kill()
            self.crashes += 1
        if router and self.router is not None:
            self.kill_router()
        for index in died:
            if self.router is not None:
                self.router.link_lost(index)
                self.pump()

    def start_shard(self, index: int) -> None:
        if not self.shards[index].alive:
            self.shards[index].start()
            if self.router is not None:
                self.router.link_opened(index)
                self.pump()

    def power_cut(self) -> None:
        """All processes die, and with them what was not fsynced."""
        for shard in self.shards:
            if shard.alive:
                if shard.inbox and self.rng.random() < 0.7:
                    shard.deliver(power=False)
                shard.kill()
                self.crashes += 1
            self.forgotten += shard.disk.power_cut(self.rng)
            shard.inbox.clear()
        self.kill_router()

    # -- time and messages -----------------------------------------------------------------

    def channels(self) -> list[tuple[str, int]]:
        """Channels with something to deliver."""
        found = []
        for shard in self.shards:
            if shard.alive and shard.inbox:
                found.append(("in", shard.index))
            if shard.outbox and self.router is not None:
                found.append(("out", shard.index))
            if shard.alive and shard.children:
                found.append(("child", shard.index))
        return found

    def deliver(self, channel: tuple[str, int]) -> None:
        kind, index = channel
        shard = self.shards[index]
        if kind == "in":
            shard.deliver()
            return
        if kind == "child":
            shard.child_ends()
            return
        message = shard.outbox.popleft()
        assert self.router is not None
        if not self.router.core.receive_reply(index, message):
            self.router.link_message(index, message)
        self.pump()

    def step(self) -> bool:
        """Deliver one message, chosen by chance; False if there is none."""
        found = self.channels()
        if not found:
            return False
        self.now += self.rng.randrange(3)
        self.deliver(self.rng.choice(found))
        return True

    def settle(self) -> None:
        """Deliver everything; all processes must be up."""
        while self.step():
            pass

    def tick(self) -> None:
        """Time passes."""
        self.now += self.rng.randrange(1, 50)
        if self.router is not None:
            self.router.tick(self.now)
            self.pump()

    def recover(self) -> None:
        """Start whatever is down and let everything come to rest."""
        for shard in self.shards:
            self.start_shard(shard.index)
        if self.router is None:
            self.start_router()
        self.settle()
        self.tick()
        self.settle()
