"""Counters of a router, as INFO stats shows them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from cluster.latencies import Latencies

# Places in the counters of a command.
CALLS, USEC, FAILED, REJECTED = range(4)


@dataclass(slots=True)
class Stats:
    """Since the start or CONFIG RESETSTAT."""

    connections: int = 0
    rejected_connections: int = 0
    error_replies: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    bytes_in: int = 0  # of connections that are closed
    bytes_out: int = 0
    # Of what the router answers itself, and what it refuses: name -> [calls, us, failed, rejected], as shards count.
    commands: dict[str, list[int]] = field(default_factory=dict)
    # A command that went to several shards is counted by each of them: name -> how often too often.
    repeated: dict[str, int] = field(default_factory=dict)
    latencies: Latencies = field(default_factory=Latencies)
    counting: Any = None  # router.multi.Multi, which counts its own calls
    commands_per_s: int = 0
    in_kbps: float = 0.0
    out_kbps: float = 0.0
    _measured_ms: int = 0
    _measured: tuple[int, int, int] = (0, 0, 0)

    def count_error(self, text: str) -> None:
        """An error reply, by its first word. Scripts invent words, so there is a limit, as in Redis."""
        self.error_replies += 1
        code = text.split(" ", 1)[0]
        if code in self.errors or len(self.errors) < 128:
            self.errors[code] = self.errors.get(code, 0) + 1

    def count_command(self, name: str, place: int, amount: int = 1) -> None:
        """Add to one of a command's counters."""
        self.commands.setdefault(name, [0, 0, 0, 0])[place] += amount

    def collect(self) -> None:
        """Take over what compiled code has counted."""
        for name, calls in self.counting.take_calls().items() if self.counting else ():
            if calls:
                self.count_command(name, CALLS, calls)

    def measure(self, now_ms: int, commands: int, bytes_in: int, bytes_out: int) -> None:
        """Rates since the last measurement, at most once a second; takes running totals."""
        elapsed_ms = now_ms - self._measured_ms
        if elapsed_ms < 1000:
            return
        before, self._measured = self._measured, (commands, bytes_in, bytes_out)
        if self._measured_ms:
            rates = [max(0, new - old) * 1000 / elapsed_ms for new, old in zip(self._measured, before, strict=True)]
            self.commands_per_s = int(rates[0])
            self.in_kbps, self.out_kbps = rates[1] / 1024, rates[2] / 1024
        self._measured_ms = now_ms

    def reset(self) -> None:
        """Begin anew (CONFIG RESETSTAT); who holds this object goes on with it."""
        self.collect()
        fresh = Stats(counting=self.counting)
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))
