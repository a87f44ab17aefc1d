"""Several groups that replicate, in one process: World's clusters, and a network between their routers.

    client --> master group  ==wire==>  replica group  ==wire==>  replica of the replica
                 <== REPLCONF ACK ==

The followers are the real ones (router/replication/upstream.py), coroutines on an event loop whose clock is the world's.
A wire carries bytes each way in order and in pieces of any size; it may break, or fall silent so that only
time tells. Which wire, link or process goes on next is drawn from the seed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.config import Config
from router.connection import Conn
from router.replication.link import Take
from router.replication.master import PIECE_MS
from router.replication.upstream import Upstream
from router.router import Router
from router.session import Session
from tests.simulation.world import START_MS, World

PORT = 6379


class Clock(asyncio.SelectorEventLoop):
    """An event loop that never waits: its time is the simulated one."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        super().__init__()

    def time(self) -> float:
        return self.now_ms / 1000


class Wire:
    """One connection from a replica's router to its master's. It is a client of the master's World as SimClient is,
    and the MasterLink of the replica's follower."""

    def __init__(self, net: Net, replica: Group, master: Group):
        router = master.router
        assert router is not None
        self.net, self.replica, self.master = net, replica, master
        self.up = bytearray()
        self.down = bytearray()
        self.silent = False
        self.closed = False  # by the master's router
        self.hung_up = False  # by the replica's
        self.broken = self.told_replica = False
        self.came = asyncio.StreamReader(limit=1 << 20)
        self.reader = self  # what World.pump feeds
        self.router = router
        self.conn = Conn(router.new_id())
        self.session = Session(router, self.conn, f"10.0.0.{replica.number}:1")
        router.connect(self.session)
        master.clients[self.conn.id] = self  # type: ignore[assignment]

    # What World.pump asks of a client:

    def feed(self, data: bytes) -> None:
        if not self.broken:
            self.down += data

    @staticmethod
    def gets() -> bool:
        return False

    # What the follower asks of its link:

    async def readline(self) -> bytes:
        return await self.came.readuntil(b"\n")

    async def read(self, most: int) -> bytes:
        return await self.came.read(most)

    async def stream(self, core: Any, conn: Any, take: Take) -> None:
        while (data := await self.came.read(1 << 18)) and not self.hung_up:
            take(data)

    def write(self, data: bytes) -> None:
        if not (self.hung_up or self.broken):
            self.up += data

    def close(self) -> None:
        self.hung_up = True
        self.came.feed_eof()

    # What befalls it:

    def cut(self) -> None:
        """What is on its way is lost; both ends learn that it is over, each in its time."""
        self.up.clear()
        self.down.clear()
        self.broken = True

    @property
    def ended(self) -> bool:
        """Whether both ends know."""
        return self.conn.closed and (self.hung_up or self.told_replica)

    @property
    def moves(self) -> list[str]:
        """What may happen next."""
        found = []
        if not self.silent:
            if self.down or ((self.closed or self.broken) and not self.told_replica):
                found.append("down")
            if self.up or ((self.hung_up or self.broken) and not self.conn.closed):
                found.append("up")
        return found

    def move(self, way: str) -> None:
        rng = self.net.rng
        if way == "down":
            if not self.down:
                self.told_replica = True
                self.came.feed_eof()
                return
            size = rng.choice((1, 7, 1000, 1 << 20))
            if not self.hung_up:
                self.came.feed_data(bytes(self.down[:size]))
            del self.down[:size]
        elif self.up:
            size = rng.choice((1, 20, 1 << 20))
            piece = bytes(self.up[:size])
            del self.up[:size]
            if not self.conn.closed:
                self.router.core.receive_data(self.conn, piece)
                self.master.pump()
        else:
            self.master.close_conn(self.conn, "closed by client")


class Group(World):
    """One group of a net."""

    def __init__(self, net: Net, number: int, shards: int):
        self.net = net
        self.number = number
        self.directory = net.directory / str(number)
        self.directory.mkdir()
        self.boots = self.lives = 0
        super().__init__(net.rng.getrandbits(32), shards, make_config(), fsync_always=net.fsync_always)
        self.rng = net.rng

    def prepare(self, router: Router) -> None:
        # Most often the supervisor is the same; else the history has another name from then on.
        self.lives += self.generation % 5000 == 0
        router.master.recover(str(self.directory / "stream"), f"boot-{self.boots} {self.lives}")

    def power_cut(self) -> None:
        super().power_cut()
        self.boots += 1

    def start_router(self) -> None:
        super().start_router()
        router = self.router
        assert router is not None
        router.run_directory = str(self.directory)
        router.close = self.close_conn
        router.listening_port = lambda: PORT
        router.master.send_file = self.send_file
        router.master.send_soon = lambda due: self.net.clock.call_later(PIECE_MS / 1000, due)

        def follow(host: str, port: int) -> Upstream:
            return Upstream(router, host, port, lambda host, port: self.net.connect(self, int(host)))

        router.make_upstream = follow

    def kill_router(self) -> None:
        router = self.router
        assert router is not None
        if router.upstream is not None:
            router.upstream.stop()
        for wire in self.net.wires:
            if wire.router is router:
                wire.closed = wire.conn.closed = True
        super().kill_router()

    def close_conn(self, conn: Any, reason: str) -> None:
        """What the front door does."""
        if conn.closed:
            return
        conn.closed = True
        client = self.clients.pop(conn.id, None)
        if client is not None:
            client.closed = True
        if self.router is not None:
            self.router.disconnected(conn, reason)

    def send_file(self, session: Session, paths: list[str], done: Callable[[bool], None]) -> None:
        """What router/server.py does, and as it does it a piece at a time."""
        asyncio.ensure_future(self._send_file(session, paths, done))

    async def _send_file(self, session: Session, paths: list[str], done: Callable[[bool], None]) -> None:
        end = b"\xff" + bytes(8)
        session.push_raw(b"$%d\r\n" % (sum(os.path.getsize(path) for path in paths) + len(end)))
        for path in paths:
            data = Path(path).read_bytes()
            for at in range(0, len(data), 200):
                await asyncio.sleep(0)
                if session.conn.closed:
                    done(False)
                    return
                session.push_raw(data[at : at + 200])
        session.push_raw(end)
        done(True)

    @property
    def whole(self) -> bool:
        """Whether all its processes are up and it serves."""
        return self.router is not None and self.router.serving and all(link.up for link in self.router.core.links)


class Net:
    """Groups of these numbers of shards, and the wires between them. `directory`: for the snapshots' files. In every second
    net the groups fsync before they reply."""

    def __init__(self, seed: int, shards: list[int], directory: Path, clock: Clock):
        self.rng = random.Random(seed)
        self.fsync_always = seed % 2 == 1
        self.directory = directory
        self.clock = clock
        self.wires: list[Wire] = []
        self.away: set[int] = set()  # groups that nobody reaches
        self.cuts = 0
        self.groups = [Group(self, number, count) for number, count in enumerate(shards)]
        self.pass_time(0)

    async def connect(self, replica: Group, number: int) -> Wire:
        """OSError if nobody answers there."""
        await asyncio.sleep(self.rng.randrange(50) / 1000)
        master = self.groups[number]
        if master.router is None or {replica.number, number} & self.away:
            raise ConnectionRefusedError("nobody is there")
        wire = Wire(self, replica, master)
        self.wires.append(wire)
        return wire

    def pass_time(self, ms: int) -> None:
        self.clock.now_ms += ms
        for group in self.groups:
            group.now = self.clock.now_ms

    def pump(self) -> None:
        for group in self.groups:
            group.pump()

    def step(self) -> bool:
        """Let one thing happen, drawn from all that can; whether there was any."""
        self.wires = [wire for wire in self.wires if not wire.ended]
        steps: list[Callable[[], None]] = []
        for group in self.groups:
            steps += [lambda group=group, channel=channel: group.deliver(channel) for channel in group.channels()]
        for wire in self.wires:
            steps += [lambda wire=wire, way=way: wire.move(way) for way in wire.moves]
        if steps:
            self.pass_time(self.rng.randrange(2))
            self.rng.choice(steps)()
        return bool(steps)

    def tick(self) -> None:
        """Time passes; now and then it is time for a heartbeat."""
        self.pass_time(self.rng.randrange(1, 100))
        for group in self.groups:
            router = group.router
            if router is not None:
                router.tick(group.now)
                if router.upstream is not None and self.rng.random() < 0.1:
                    router.upstream.beat()
            shard = self.rng.choice(group.shards)
            if shard.alive and self.rng.random() < 0.1:
                shard.tick()
        self.pump()

    def break_wire(self) -> None:
        """One connection ends, or falls silent."""
        if self.wires:
            self.cuts += 1
            wire = self.rng.choice(self.wires)
            if self.rng.random() < 0.7:
                wire.cut()
            else:
                wire.silent = True

    def part(self) -> None:
        """A group is cut off, or is back."""
        if self.away:
            self.away.clear()
            return
        number = self.rng.randrange(len(self.groups))
        self.away.add(number)
        self.cuts += 1
        for wire in self.wires:
            if number in (wire.replica.number, wire.master.number):
                wire.silent = True


def make_config() -> Config:
    """Short times, a small backlog: so that all of it is reached."""
    config = Config()
    config.set([("repl-timeout", "3"), ("repl-ping-replica-period", "1"), ("repl-backlog-size", "4096")])
    config.apply({"databases": 2})
    return config
