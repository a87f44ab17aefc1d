"""A master's snapshot as it comes over the link: `$size` and its bytes, or `$EOF:mark`, bytes, mark."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.replication.link import MasterLink


class SyncFailed(Exception):
    """The master refused, or the link broke; the text says at which step."""


async def receive(link: MasterLink, path: str, timeout_s: float, came: Callable[[int, int], None]) -> bytes:
    """Write it to a file; what has come behind it. `came(bytes, in all, 0: unknown)` at the beginning and with each piece;
    (-1, 0) when the master says that it still writes it. TimeoutError if nothing comes for so long."""
    while not (line := (await asyncio.wait_for(link.readline(), timeout_s)).strip()):
        came(-1, 0)
    if not line.startswith(b"$"):
        raise SyncFailed(f"no snapshot: {line[:100].decode(errors='replace')}")
    mark = line[5:] if line.startswith(b"$EOF:") else b""
    left = -1 if mark else int(line[1:])
    total, read = max(left, 0), 0
    came(0, total)
    tail = b""
    with open(path, "wb") as file:
        while left != 0:
            wish = min(left, 1 << 20) if left > 0 else 1 << 16
            data = await asyncio.wait_for(link.read(wish), timeout_s)
            if not data:
                raise SyncFailed("the link broke during the snapshot")
            read += len(data)
            came(read, total)
            if left > 0:
                file.write(data)
                left -= len(data)
                continue
            tail += data
            found = tail.find(mark)
            if found >= 0:
                file.write(tail[:found])
                return tail[found + len(mark) :]
            file.write(tail[: -len(mark)])
            tail = tail[-len(mark) :]
    return b""
