"""Counters of one shard that INFO shows and CONFIG RESETSTAT sets back."""

from __future__ import annotations

from cluster.errors import CommandError


class Stats:
    """Keys that expired or were evicted, large values freed in the background, and what active expiry cost."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to zero."""
        self.expired_keys = 0
        self.evicted_keys = 0
        self.lazyfreed = 0
        self.expire_cycle_us = 0
        self.errors: dict[str, int] = {}

    def count_error(self, error: CommandError) -> None:
        """An error reply, by its first word. Scripts invent words, so there is a limit, as in Redis."""
        if not error.counted and (error.code in self.errors or len(self.errors) < 128):
            error.counted = True
            self.errors[error.code] = self.errors.get(error.code, 0) + 1
