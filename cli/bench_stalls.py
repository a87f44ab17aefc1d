"""How long others wait while a large collection goes: the longest GET of another key of the same shard."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from cli.bench_growth import Start, one_collection
from cli.bench_load import encode, run_commands
from cluster.reply_parts import whole_replies

KINDS = ("list", "hash", "set", "zset", "stream")
OPERATIONS: dict[str, list[bytes]] = {
    "UNLINK": [b"UNLINK", b"big"],
    "DEL": [b"DEL", b"big"],
    "expiry": [b"PEXPIRE", b"big", b"1"],
    "RENAME over it": [b"RENAME", b"other", b"big"],
    "SET over it": [b"SET", b"big", b"1"],
    "FLUSHALL ASYNC": [b"FLUSHALL", b"ASYNC"],
}
WATCHED_S = 1.5  # what is freed beside the work and by timers is in it


@dataclass
class Stall:
    """The longest wait of a GET in ms, before and during an operation."""

    kind: str
    operation: str
    before_ms: float
    during_ms: float


def _longest_ms(link: socket.socket, seconds: float) -> float:
    """The longest of GETs one after the other."""
    longest, end = 0.0, time.perf_counter() + seconds
    question = encode([b"GET", b"probe"])
    while (begun := time.perf_counter()) < end:
        link.sendall(question)
        data = b""
        while not whole_replies(data)[0]:
            data += link.recv(4096)
        longest = max(longest, time.perf_counter() - begun)
    return longest * 1000


def stalls(start: Start, members: int, say: Callable[[str], None]) -> list[Stall]:
    """What each way of losing a collection of each type costs others."""
    found = []
    with start() as system:
        for kind in KINDS:
            for operation, command in OPERATIONS.items():
                run_commands(system.port, [[b"SET", b"probe", b"1"], [b"SET", b"other", b"1"]])
                run_commands(system.port, list(one_collection(kind, members)))
                with (
                    socket.create_connection(("127.0.0.1", system.port), 30) as probe,
                    socket.create_connection(("127.0.0.1", system.port), 30) as actor,
                ):
                    before = _longest_ms(probe, 0.3)
                    actor.sendall(encode(command))
                    found.append(Stall(kind, operation, before, _longest_ms(probe, WATCHED_S)))
                    actor.recv(4096)
                say(f"{system.name}: {kind}, {operation}: {found[-1].during_ms:.1f} ms, {before:.1f} before")
                run_commands(system.port, [[b"FLUSHALL"]])
    return found
