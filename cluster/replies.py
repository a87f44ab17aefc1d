"""What a handler returns, and what it becomes on the wire.

| Python value                   | RESP2                  | RESP3            |
|--------------------------------|------------------------|------------------|
| int (not bool)                 | :n                     | :n               |
| bytes, bytearray, str          | bulk string            | bulk string      |
| Status                         | +text                  | +text            |
| None                           | $-1                    | _                |
| NIL_ARRAY                      | *-1                    | _                |
| list, tuple                    | array                  | array            |
| MapReply (flat k, v, k, v)     | flat array             | % map            |
| dict                           | flat array             | % map            |
| SetReply                       | array                  | ~ set            |
| PushReply                      | array                  | > push           |
| float                          | bulk, 17 digits        | , double         |
| bool                           | :1 / :0                | #t / #f          |
| Verbatim                       | bulk string            | = verbatim (txt) |
| CommandError                   | -text                  | -text            |
| Raw                            | its bytes as they are  | as they are      |

The encoder is `cluster.wire.encode` (compiled).
"""

from __future__ import annotations


class Status(bytes):
    """A simple string reply."""

    __slots__ = ()


class Verbatim(bytes):
    """A text reply that RESP3 clients show as it is."""

    __slots__ = ()


class Raw(bytes):
    """Bytes that are RESP already."""

    __slots__ = ()


class MapReply(list):  # type: ignore[type-arg]
    """A flat list key, value, key, value, ... that RESP3 gives as a map."""

    __slots__ = ()


class SetReply(list):  # type: ignore[type-arg]
    """A list that RESP3 gives as a set."""

    __slots__ = ()


class PushReply(list):  # type: ignore[type-arg]
    """An out-of-band message."""

    __slots__ = ()


class _NilArray:
    __slots__ = ()

    def __repr__(self) -> str:
        return "NIL_ARRAY"


NIL_ARRAY = _NilArray()
OK = Status(b"OK")
QUEUED = Status(b"QUEUED")
PONG = Status(b"PONG")
