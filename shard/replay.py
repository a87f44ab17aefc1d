"""Applying a stream of effects to an engine: of a journal, or of a master."""

from __future__ import annotations

from typing import Any

from cluster import records
from cluster.wire import parse_commands

_MARKS = (b"MULTI", b"EXEC")


def apply_command(engine: Any, args: list[bytes]) -> None:
    """Apply one command of a stream. CommandError if it cannot be applied.

    MULTI and EXEC only frame; an ECHO that carries a multi-shard record notes that the record
    has been applied here.
    """
    name = args[0].upper()
    if name in _MARKS:
        return
    if name == b"SELECT":
        engine.select(int(args[1]))
    elif name == b"ECHO" and args[1].startswith(records.MAGIC):
        engine.records.add(records.record_id(args[1]), args[1])
    elif name not in (b"ECHO", b"PING"):
        engine.apply(args)


def whole_units(data: bytes) -> int:
    """How many bytes at the start of `data` are whole commands and whole MULTI ... EXEC units."""
    commands, _ = parse_commands(data)
    at = end = 0
    inside = False
    for args in commands:
        at += _size(args)
        name = args[0].upper()
        if name == b"MULTI":
            inside = True
        elif name == b"EXEC":
            inside = False
        if not inside:
            end = at
    return end


def _size(args: list[bytes]) -> int:
    return len(b"*%d\r\n" % len(args)) + sum(len(b"$%d\r\n" % len(arg)) + len(arg) + 2 for arg in args)


def replay(engine: Any, data: bytes) -> int:
    """Apply a journal's bytes up to its last whole unit; how many bytes that were."""
    end = whole_units(data)
    for args in parse_commands(data[:end])[0]:
        apply_command(engine, args)
    engine.unit = []
    engine.take_stream()
    engine.stream_db = -1
    engine.select(0)
    return end
