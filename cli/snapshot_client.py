"""A client of a running server's snapshots: fetch one as a replica would, send keys with RESTORE."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from cluster.wire import command

CHUNK = 1 << 20
BATCH = 500  # commands sent before their replies are read
Advance = Callable[..., None]


class SnapshotError(Exception):
    """The other side said no; the text is its own."""


class Link:
    """A blocking connection with a buffer."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.data = b""

    def send(self, *args: Any) -> None:
        """Send one command."""
        self.connection.sendall(command(*args))

    def more(self) -> None:
        """Read some bytes. SnapshotError at the end."""
        chunk = self.connection.recv(CHUNK)
        if not chunk:
            raise SnapshotError("the server closed the connection")
        self.data += chunk

    def line(self) -> bytes:
        """The next line, without its end; empty lines are keep-alives."""
        while True:
            while b"\n" not in self.data:
                self.more()
            line, _, self.data = self.data.partition(b"\n")
            if line.strip():
                return line.rstrip(b"\r")

    def ask(self, *args: Any) -> bytes:
        """A command whose reply is one line. SnapshotError."""
        self.send(*args)
        reply = self.line()
        if reply.startswith(b"-"):
            raise SnapshotError(reply[1:].decode("utf-8", "replace"))
        return reply


def connect(host: str, port: int, password: str = "", user: str = "") -> Link:
    """A connection that is let in. OSError, SnapshotError."""
    link = Link(socket.create_connection((host, port), timeout=60))
    if password:
        link.ask(b"AUTH", *([user] if user else []), password)
    return link


def fetch_snapshot(link: Link, out: BinaryIO, advance: Advance) -> None:
    """Write the server's keys, as of one moment, as an RDB file. OSError, SnapshotError."""
    link.ask(b"PSYNC", b"?", b"-1")
    head = link.line()
    if not head.startswith(b"$"):
        raise SnapshotError(f"no snapshot but {head[:80]!r}")
    done = 0
    if head.startswith(b"$EOF:"):
        mark = head[5:45]
        while True:
            at = link.data.find(mark)
            if at >= 0:
                out.write(link.data[:at])
                break
            keep = max(len(link.data) - len(mark) + 1, 0)
            out.write(link.data[:keep])
            done += keep
            link.data = link.data[keep:]
            advance(done)
            link.more()
    else:
        total = int(head[1:])
        while done < total:
            if not link.data:
                link.more()
            part = link.data[: total - done]
            out.write(part)
            link.data = link.data[len(part) :]
            done += len(part)
            advance(done, total)
    out.flush()
    os.fsync(out.fileno())
    link.connection.close()


def send_keys(path: Path, link: Link, replace: bool, advance: Advance) -> tuple[int, list[str]]:
    """RESTORE every key of an RDB file: (how many were taken, what the others were refused with)."""
    from shard.rdb.reader import open_rdb
    from shard.rdb.writer import dump

    reader, file = open_rdb(path)
    refused: list[str] = []
    batch: list[tuple[bool, bytes]] = []  # (whether it brings a key, command)
    sent = functions = 0
    db = -1
    options = [b"ABSTTL", *([b"REPLACE"] if replace else [])]

    def settle() -> int:
        link.connection.sendall(b"".join(raw for _, raw in batch))
        taken = 0
        for is_key, _ in batch:
            reply = link.line()
            if reply.startswith(b"$"):  # FUNCTION LOAD answers with the library's name
                reply = link.line()
            if reply.startswith(b"-"):
                refused.append(reply[1:].decode("utf-8", "replace"))
            elif is_key:
                taken += 1
        batch.clear()
        advance(file.tell())
        return taken

    with file:
        for index, key, value, expire_ms in reader.entries():
            for code in reader.functions[functions:]:
                functions += 1
                if code.startswith(b"#!"):
                    batch.append((False, command(b"FUNCTION", b"LOAD", *options[1:], code)))
            if index != db:
                db = index
                batch.append((False, command(b"SELECT", index)))
            batch.append((True, command(b"RESTORE", key, max(expire_ms, 0), dump(value), *options)))
            if len(batch) >= BATCH:
                sent += settle()
        sent += settle()
    return sent, refused
