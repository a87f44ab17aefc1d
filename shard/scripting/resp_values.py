"""RESP bytes back to reply values, for replies that a handler has encoded itself (`Raw`)."""

from __future__ import annotations

from typing import Any

from cluster.errors import CommandError
from cluster.replies import NIL_ARRAY, MapReply, SetReply, Status, Verbatim


def parse_reply(raw: bytes) -> Any:
    """The value of one whole reply; an error reply is returned as CommandError."""
    return _parse(raw, 0)[0]


def _parse(raw: bytes, at: int) -> tuple[Any, int]:
    end = raw.index(b"\r\n", at)
    mark, line, after = raw[at : at + 1], raw[at + 1 : end], end + 2
    if mark == b"+":
        return Status(line), after
    if mark == b"-":
        return CommandError(line.decode("utf-8", "surrogateescape")), after
    if mark in b":(":
        return int(line), after
    if mark == b"_":
        return None, after
    if mark == b"#":
        return line == b"t", after
    if mark == b",":
        return float(line), after
    size = int(line)
    if mark in b"$=":
        if size < 0:
            return None, after
        data = raw[after : after + size]
        return (Verbatim(data[4:]) if mark == b"=" else data), after + size + 2
    if size < 0:
        return NIL_ARRAY, after
    items: list[Any] = []
    for _ in range(size * 2 if mark == b"%" else size):
        item, after = _parse(raw, after)
        items.append(item)
    if mark == b"%":
        return MapReply(items), after
    return (SetReply(items) if mark == b"~" else items), after
