"""Counters of one shard that INFO shows and CONFIG RESETSTAT sets back."""

from __future__ import annotations


class Stats:
    """Keys that expired and keys that were evicted."""

    def __init__(self) -> None:
        self.expired_keys = 0
        self.evicted_keys = 0

    def reset(self) -> None:
        """Back to zero."""
        self.expired_keys = self.evicted_keys = 0
