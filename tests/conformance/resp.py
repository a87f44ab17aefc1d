"""A plain RESP2/RESP3 decoder that keeps what clients throw away: the kind of each reply.

| RESP            | Python here               |
|-----------------|---------------------------|
| :1              | 1                         |
| $1 a            | b"a"                      |
| +OK, -ERR, ,1.5 | Mark("+", b"OK"), ...     |
| $-1, *-1, _     | Mark("$-1"), Mark("*-1"), Mark("_") |
| *               | list                      |
| % ~ >           | Mark("%", [k, v, ...]), ... |

It is the reference of tests, so it is written for clarity and nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Mark(NamedTuple):
    """A reply whose kind is not told by its Python type."""

    kind: str
    value: Any = None

    @property
    def is_error(self) -> bool:
        return self.kind == "-"

    def __repr__(self) -> str:
        return f"{self.kind}{'' if self.value is None else repr(self.value)}"


class Incomplete(Exception):
    """More bytes are needed."""


def decode(data: bytes, at: int = 0) -> tuple[Any, int]:
    """The reply at `at` and where the next one starts. Incomplete when it is cut."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    kind, line, at = chr(data[at]), data[at + 1 : end], end + 2
    if kind == ":":
        return int(line), at
    if kind in "$=!":
        size = int(line)
        if size < 0:
            return Mark("$-1"), at
        if len(data) < at + size + 2:
            raise Incomplete
        if data[at + size : at + size + 2] != b"\r\n":
            raise ValueError(f"bulk of {size} bytes is not ended by CRLF at {at + size}")
        body = data[at : at + size]
        return (body if kind == "$" else Mark(kind, body)), at + size + 2
    if kind in "*%~>|":
        count = int(line) * (2 if kind in "%|" else 1)
        if count < 0:
            return Mark("*-1"), at
        items = []
        for _ in range(count):
            item, at = decode(data, at)
            items.append(item)
        return (items if kind == "*" else Mark(kind, items)), at
    if kind == "_":
        return Mark("_"), at
    if kind in "+-,#(":
        return Mark(kind, line), at
    raise ValueError(f"no RESP type {kind!r} at {end}")


def encode_command(args: list[bytes]) -> bytes:
    """A command as an array of bulk strings."""
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in args)
