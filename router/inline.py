"""Quoted arguments, as redis-cli and inline commands write them."""

from __future__ import annotations

_ESCAPES = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("a"): 7}
_HEX = b"0123456789abcdefABCDEF"
_SPACE = b" \t\n\r\v\f\0"


def split_inline(line: bytes) -> list[bytes] | None:
    """The arguments of an inline command; None if quotes are open."""
    line = line.rstrip(b"\r")
    return split_quoted(line) if b'"' in line or b"'" in line else line.split()


def split_quoted(line: bytes) -> list[bytes] | None:
    """Split a line into arguments; "..." knows escapes, '...' only \\'. None if a quote is
    open or something follows a closing quote (Redis's sdssplitargs)."""
    args: list[bytes] = []
    at = 0
    while True:
        while at < len(line) and line[at] in _SPACE:
            at += 1
        if at >= len(line):
            return args
        word = bytearray()
        while at < len(line) and line[at] not in _SPACE:
            quote = line[at]
            if quote not in b"\"'":
                word.append(quote)
                at += 1
                continue
            end = _quoted(line, at + 1, quote, word)
            if end is None or (end < len(line) and line[end] not in _SPACE):
                return None
            at = end
        args.append(bytes(word))


def _quoted(line: bytes, at: int, quote: int, word: bytearray) -> int | None:
    """Read up to the closing quote into `word`; the offset behind it, None if it is missing."""
    while at < len(line):
        char = line[at]
        if char == quote:
            return at + 1
        if char == ord("\\") and at + 1 < len(line):
            follow = line[at + 1]
            if quote == ord("'"):
                if follow == quote:
                    word.append(quote)
                    at += 2
                    continue
            elif follow == ord("x") and at + 3 < len(line) and line[at + 2] in _HEX and line[at + 3] in _HEX:
                word.append(int(line[at + 2 : at + 4], 16))
                at += 4
                continue
            else:
                word.append(_ESCAPES.get(follow, follow))
                at += 2
                continue
        word.append(char)
        at += 1
    return None
