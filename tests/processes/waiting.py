"""Waiting for what other processes do."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process does nothing until the end of the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Stalls:
    """How long the machine did not run us in the block although we were to run: what is measured beside it has that, too."""

    total_s = 0.0

    def __enter__(self) -> Stalls:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        wanted_s, counts_s = 0.01, 0.1
        before = time.monotonic()
        while not self._over.wait(wanted_s):
            now = time.monotonic()
            if now - before > counts_s:
                self.total_s += now - before - wanted_s
            before = now
