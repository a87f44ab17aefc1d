"""What a replica costs its master, how far it is behind, and how long a full synchronisation takes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from cli import bench_growth, bench_load
from cli.bench_load import Workload, run_commands
from cli.bench_systems import System

Start = Callable[[], contextlib.AbstractContextManager[System]]
SET = Workload("SET", ["SET", "key:__rand_int__", bench_load.VALUE])
DEPTH = 16
BURST = 250  # commands that the paced writer sends at once


@dataclass
class Figures:
    """One system: SET per second at depth 16 without and with a replica, seconds that a change took until a
    replica showed it (sorted), writes per second meanwhile, seconds of a full synchronisation,
    writes lost by a kill -9."""

    name: str
    alone: list[float] = field(default_factory=list)
    attached: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    written: float = 0.0
    full_sync_s: float = 0.0
    acknowledged: int = 0  # writes without WAIT, up to the master's death under full load
    lost: int = 0  # of these

    @property
    def ratio(self) -> float:
        return statistics.median(self.attached) / statistics.median(self.alone)

    def delay_ms(self, share: float) -> float:
        return 1000 * self.delays_s[min(int(len(self.delays_s) * share), len(self.delays_s) - 1)]


def follow(replica: System, master: System, deadline_s: float = 120) -> float:
    """REPLICAOF; the seconds until the link stands. TimeoutError."""
    with redis.Redis(port=replica.port) as client:
        began = time.monotonic()
        client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        while time.monotonic() - began < deadline_s:
            if client.info("replication")["master_link_status"] == "up":
                return time.monotonic() - began
            time.sleep(0.01)
    raise TimeoutError(f"{replica.name} has not synchronised within {deadline_s} s")


class PacedWriter(threading.Thread):
    """SETs at a steady rate; every burst ends with `SET probe n`. `sent[n]` is when that was answered."""

    def __init__(self, port: int, rate: int, seconds: float):
        super().__init__(daemon=True)
        self.port, self.rate, self.seconds = port, rate, seconds
        self.sent: dict[int, float] = {}
        self.took_s = 0.0

    def run(self) -> None:
        sets = b"".join(
            bench_load.encode([b"SET", b"key:%d" % (i * 7919 % 100_000), b"0123456789abcdef"]) for i in range(BURST - 1)
        )
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            began = time.monotonic()
            for number in range(int(self.seconds * self.rate / BURST)):
                sock.sendall(sets + bench_load.encode([b"SET", b"probe", b"%d" % number]))
                wanted = 5 * BURST
                while wanted > 0:
                    wanted -= len(sock.recv(1 << 16))
                self.sent[number] = time.monotonic()
                pause = began + (number + 1) * BURST / self.rate - time.monotonic()
                if pause > 0:
                    time.sleep(pause)
            self.took_s = time.monotonic() - began


def delays(master: System, replica: System, rate: int, seconds: float) -> tuple[list[float], float]:
    """Seconds from the master's answer to a write until the replica shows it, and the rate that was reached."""
    writer = PacedWriter(master.port, rate, seconds)
    found: list[float] = []
    with redis.Redis(port=replica.port) as client:
        seen = int(client.get("probe") or -1) if client.exists("probe") else -1
        shown: list[tuple[int, float]] = []
        writer.start()
        while writer.is_alive():
            raw = client.get("probe")
            if raw is not None and int(raw) != seen:
                seen = int(raw)
                shown.append((seen, time.monotonic()))
            time.sleep(0.0005)
    writer.join()
    found = sorted(max(0.0, at - writer.sent[number]) for number, at in shown if number in writer.sent)
    return found, len(writer.sent) * BURST / writer.took_s


class CountingWriter(threading.Thread):
    """SETs of new keys, 16 at once, until the server is gone. `acknowledged`: how many were answered."""

    def __init__(self, port: int, name: str):
        super().__init__(daemon=True)
        self.port, self.key = port, name
        self.acknowledged = 0

    def run(self) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as sock:
            while True:
                numbers = range(self.acknowledged, self.acknowledged + DEPTH)
                names = [f"{self.key}:{number}".encode() for number in numbers]
                sock.sendall(b"".join(bench_load.encode([b"SET", name, b"x"]) for name in names))
                wanted = 5 * DEPTH
                while wanted > 0:
                    data = sock.recv(1 << 16)
                    if not data:
                        self.acknowledged += (5 * DEPTH - wanted) // 5
                        return
                    wanted -= len(data)
                self.acknowledged += DEPTH


def lost_by_kill(master: System, replica: System, seconds: float) -> tuple[int, int]:
    """Writes without WAIT under full load that the master acknowledged until it was killed, and those of them that
    its replica, promoted, does not have."""
    writers = [CountingWriter(master.port, f"writer{number}") for number in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(seconds)
    for role in ("supervisor", "redis", "router", "shard"):
        for pid in master.roles.get(role, []):
            os.kill(pid, signal.SIGKILL)
    for writer in writers:
        writer.join()
    with redis.Redis(port=replica.port) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")
        lost = 0
        for writer in writers:
            names = [f"{writer.key}:{number}" for number in range(writer.acknowledged)]
            for at in range(0, len(names), 1000):
                lost += len(names[at : at + 1000]) - int(client.exists(*names[at : at + 1000]))
    return sum(writer.acknowledged for writer in writers), lost


def measure(start: Start, rounds: int, requests: int, keys: int, rate: int, seconds: float) -> Figures:
    """All figures of one kind of system."""
    with start() as alone, start() as master, start() as replica:
        figures = Figures(alone.name)
        follow(replica, master)
        for number in range(rounds):
            pairs = [(alone, figures.alone), (master, figures.attached)]
            for system, into in pairs if number % 2 == 0 else pairs[::-1]:
                into.append(bench_load.run(system, SET, 50, 16, requests, 100_000).rps)
    with start() as master, start() as replica:
        follow(replica, master)
        figures.delays_s, figures.written = delays(master, replica, rate, seconds)
    with start() as master, start() as replica:
        follow(replica, master)
        figures.acknowledged, figures.lost = lost_by_kill(master, replica, 1 + seconds / 2)
    with start() as master, start() as replica:
        run_commands(master.port, list(bench_growth.strings(keys)))
        figures.full_sync_s = follow(replica, master)
        with redis.Redis(port=master.port) as one, redis.Redis(port=replica.port) as other:
            if one.dbsize() != other.dbsize():
                raise RuntimeError(f"{figures.name}: the master has {one.dbsize()} keys, the replica {other.dbsize()}")
    return figures
