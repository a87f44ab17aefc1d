"""Merges of shards' replies that are more than a sum: command name -> raw replies -> raw reply."""

from __future__ import annotations

from collections.abc import Callable

MERGES: dict[str, Callable[[list[bytes]], bytes]] = {}
