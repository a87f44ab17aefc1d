"""What a replica costs its master, how far it is behind, and how long a full synchronisation takes."""

from __future__ import annotations

import contextlib
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
BURST = 250  # commands that the paced writer sends at once


@dataclass
class Figures:
    """One system: SET per second at depth 16 without and with a replica, seconds that a change took until a
    replica showed it (sorted), writes per second meanwhile, seconds of a full synchronisation."""

    name: str
    alone: list[float] = field(default_factory=list)
    attached: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    written: float = 0.0
    full_sync_s: float = 0.0

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


def measure(name: str, start: Start, rounds: int, requests: int, keys: int, rate: int, seconds: float) -> Figures:
    """All figures of one kind of system."""
    figures = Figures(name)
    with start() as alone, start() as master, start() as replica:
        follow(replica, master)
        for number in range(rounds):
            pairs = [(alone, figures.alone), (master, figures.attached)]
            for system, into in pairs if number % 2 == 0 else pairs[::-1]:
                into.append(bench_load.run(system, SET, 50, 16, requests, 100_000).rps)
    with start() as master, start() as replica:
        follow(replica, master)
        figures.delays_s, figures.written = delays(master, replica, rate, seconds)
    with start() as master, start() as replica:
        run_commands(master.port, list(bench_growth.strings(keys)))
        figures.full_sync_s = follow(replica, master)
        with redis.Redis(port=master.port) as one, redis.Redis(port=replica.port) as other:
            if one.dbsize() != other.dbsize():
                raise RuntimeError(f"{name}: {one.dbsize()} keys on the master, {other.dbsize()} on the replica")
    return figures
