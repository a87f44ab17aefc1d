"""The lock on a data directory: one instance at a time.

The lock is the kernel's (flock), so no crash leaves one behind. Children inherit the descriptor: the directory
counts as in use until the last process that may write to it is gone, even when the supervisor was killed.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

LOCK_NAME = "elixircache.lock"


class DirectoryInUse(Exception):
    """Another instance holds the directory; the text names it and its pid."""


class DirectoryLock:
    """Locks a directory, which is made if missing. `fileno()` is the descriptor that children inherit.

    Raises DirectoryInUse, or OSError if the directory cannot be made or written.
    """

    def __init__(self, directory: Path, wait_s: float = 3.0) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._fd = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = self._holder()
                # The children of a supervisor that was just killed need a moment to end.
                if _alive(holder) or time.monotonic() > deadline:
                    os.close(self._fd)
                    raise DirectoryInUse(f"directory {directory} is in use by process {holder or '?'}") from None
                time.sleep(0.05)
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def fileno(self) -> int:
        return self._fd

    def release(self) -> None:
        """Gives the directory free. The file stays: removing it would let two instances lock two files."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)

    def _holder(self) -> int:
        text = os.pread(self._fd, 32, 0).strip()
        return int(text) if text.isdigit() else 0


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
