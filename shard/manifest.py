"""Which files make up a journal: the manifest of Redis 7's multi-part AOF.

    file appendonly.aof.3.base.rdb seq 3 type b
    file appendonly.aof.4.incr.aof seq 4 type i
"""

from __future__ import annotations

import os
from pathlib import Path


class Refused(Exception):
    """The files cannot be used; the text names file and offset and says what to do."""


class Manifest:
    """Which files make up the journal, oldest first."""

    def __init__(self, path: Path):
        self.path = path
        self.base: tuple[str, int] | None = None
        self.increments: list[tuple[str, int]] = []

    def read(self) -> bool:
        """Whether there is one. Refused if it is damaged."""
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return False
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            entry = dict(zip(words[::2], words[1::2], strict=False))
            try:
                place = (entry["file"], int(entry["seq"]))
                kind = entry["type"]
            except (KeyError, ValueError):
                raise Refused(f"{self.path}: line {number}: not a line of a manifest: {line!r}") from None
            if kind == "b":
                self.base = place
            elif kind == "i":
                self.increments.append(place)
        return True

    def write(self) -> None:
        """Replace it in one step."""
        lines = []
        if self.base is not None:
            lines.append(f"file {self.base[0]} seq {self.base[1]} type b\n")
        lines += [f"file {name} seq {number} type i\n" for name, number in self.increments]
        fresh = self.path.with_suffix(".temp")
        with fresh.open("w") as file:
            file.write("".join(lines))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        sync_directory(self.path.parent)


def sync_directory(directory: Path) -> None:
    """Make names in a directory survive a power cut."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
