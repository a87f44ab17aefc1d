"""Counters of one shard that INFO shows and CONFIG RESETSTAT sets back."""

from __future__ import annotations


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
