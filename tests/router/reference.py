"""A plain decoder of what clients send, as Redis's readQueryFromClient does it; for tests only."""

from __future__ import annotations

import re

from router.inline import split_quoted

INLINE_MAX = 64 * 1024
BULK_MAX = 512 << 20
ARGS_MAX = 1024 * 1024
NUMBER = re.compile(rb"0|-?[1-9][0-9]{0,18}")


class ProtocolError(Exception):
    """The connection gets this error and is closed."""


class Reference:
    """Bytes in, events out: ("command", [args]) and, as the last one, ("error", text)."""

    def __init__(self) -> None:
        self.data = b""
        self.dead = False

    def feed(self, data: bytes) -> list[tuple[str, object]]:
        self.data += data
        events: list[tuple[str, object]] = []
        while not self.dead and self.data:
            try:
                found = self._array() if self.data[:1] == b"*" else self._inline()
            except ProtocolError as error:
                self.dead = True
                events.append(("error", f"ERR Protocol error: {error}"))
                break
            if found is None:
                break
            args, used = found
            self.data = self.data[used:]
            if args:
                events.append(("command", args))
        return events

    def _line(self, at: int, too_big: str) -> tuple[bytes, int] | None:
        end = self.data.find(b"\r", at)
        if end < 0:
            if len(self.data) - at > INLINE_MAX:
                raise ProtocolError(too_big)
            return None
        if end + 1 >= len(self.data):
            return None
        return self.data[at:end], end + 2

    def _array(self) -> tuple[list[bytes], int] | None:
        line = self._line(0, "too big mbulk count string")
        if line is None:
            return None
        text, at = line
        if not NUMBER.fullmatch(text[1:]) or int(text[1:]) > ARGS_MAX:
            raise ProtocolError("invalid multibulk length")
        args = []
        for _ in range(int(text[1:])):
            line = self._line(at, "too big bulk count string")
            if line is None:
                if self.data[at : at + 1] not in (b"", b"$"):
                    raise ProtocolError(f"expected '$', got '{chr(self.data[at])}'")
                return None
            text, body = line
            if text[:1] != b"$":
                raise ProtocolError(f"expected '$', got '{chr(self.data[at])}'")
            if not NUMBER.fullmatch(text[1:]) or not 0 <= int(text[1:]) <= BULK_MAX:
                raise ProtocolError("invalid bulk length")
            size = int(text[1:])
            if len(self.data) < body + size + 2:
                return None
            if self.data[body + size : body + size + 2] != b"\r\n":
                # Redis skips these two bytes unread; a journal of commands as they came cannot.
                raise ProtocolError("expected CRLF after bulk string")
            args.append(self.data[body : body + size])
            at = body + size + 2
        return args, at

    def _inline(self) -> tuple[list[bytes], int] | None:
        end = self.data.find(b"\n")
        if end < 0:
            if len(self.data) > INLINE_MAX:
                raise ProtocolError("too big inline request")
            return None
        args = split_quoted(self.data[:end].removesuffix(b"\r"))
        if args is None:
            raise ProtocolError("unbalanced quotes in request")
        return args, end + 1
