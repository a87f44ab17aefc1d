"""Slow commands of one shard, and its latency events. What SLOWLOG and LATENCY ask for."""

from __future__ import annotations

from collections import deque

from cluster.slow_entries import shortened

HISTORY_MAX = 160


class SlowLog:
    """entries: (number, unix ms, us, arguments, client id), the oldest first.
    latency: event -> (unix s, ms), the oldest first; worst: event -> ms.

    slower_us: what takes at least this long is logged, -1: nothing.
    """

    def __init__(self, slower_us: int = 10000, length: int = 128, latency_ms: int = 0):
        self.slower_us = slower_us
        self.latency_ms = latency_ms
        self.number = 0
        self.entries: deque[tuple[int, int, int, list[bytes], int]] = deque(maxlen=length)
        self.latency: dict[bytes, deque[tuple[int, int]]] = {}
        self.worst: dict[bytes, int] = {}

    def limit_us(self) -> int:
        """Below this `took` has nothing to do; -1 when it never has."""
        limits = [self.slower_us] if self.slower_us >= 0 else []
        if self.latency_ms:
            limits.append(self.latency_ms * 1000)
        return min(limits, default=-1)

    def resize(self, length: int) -> None:
        """Keep at most so many entries from now on."""
        self.entries = deque(self.entries, maxlen=length)

    def took(self, now_ms: int, us: int, args: list[bytes], client: int, fast: bool) -> None:
        """A command took so long."""
        if 0 <= self.slower_us <= us:
            self.entries.append((self.number, now_ms, us, shortened(args), client))
            self.number += 1
        if self.latency_ms and us >= self.latency_ms * 1000:
            self.event(b"fast-command" if fast else b"command", now_ms // 1000, us // 1000)

    def stalled(self, name: bytes, now_ms: int, us: int) -> None:
        """Something that is no command took so long."""
        if self.latency_ms and us >= self.latency_ms * 1000:
            self.event(name, now_ms // 1000, us // 1000)

    def event(self, name: bytes, second: int, ms: int) -> None:
        """Something took so long; one second has one sample, its worst."""
        samples = self.latency.setdefault(name, deque(maxlen=HISTORY_MAX))
        self.worst[name] = max(self.worst.get(name, 0), ms)
        if samples and samples[-1][0] == second:
            samples[-1] = (second, max(ms, samples[-1][1]))
        else:
            samples.append((second, ms))
