"""What loading a damaged file raises."""

from __future__ import annotations


class DamagedFile(Exception):
    """A file that is not what it should be. `offset` counts bytes from its start."""

    def __init__(self, name: str, offset: int, reason: str) -> None:
        super().__init__(f"{name}: offset {offset}: {reason}")
        self.name = name
        self.offset = offset
        self.reason = reason
