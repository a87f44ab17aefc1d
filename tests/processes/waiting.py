"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis


def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Ask again until the answer is true; that answer. AssertionError after the timeout, with the last error."""
    deadline = time.monotonic() + timeout_s
    problem: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if answer := condition():
                return answer
            problem = None
        except (redis.RedisError, OSError) as error:
            problem = error
        time.sleep(0.03)
    raise AssertionError(f"it did not become true within {timeout_s} s: {problem or 'false'}")
