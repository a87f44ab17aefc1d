"""Counters of a router, as INFO stats shows them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Since the start or CONFIG RESETSTAT."""

    connections: int = 0
    rejected_connections: int = 0
    error_replies: int = 0
    errors: dict[str, int] = field(default_factory=dict)
