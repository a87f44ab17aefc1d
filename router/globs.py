"""Glob patterns as Redis matches them: * ? [a-z] [^a] and \\ to escape."""

from __future__ import annotations

import functools
import re


@functools.lru_cache(maxsize=1024)
def compiled(pattern: bytes) -> re.Pattern[bytes]:
    """The regular expression of a glob."""
    out = []
    at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        at += 1
        if char == b"*":
            out.append(b".*")
        elif char == b"?":
            out.append(b".")
        elif char == b"\\" and at < len(pattern):
            out.append(re.escape(pattern[at : at + 1]))
            at += 1
        elif char == b"[":
            piece, at = _char_class(pattern, at)
            out.append(piece)
        else:
            out.append(re.escape(char))
    return re.compile(b"".join(out) + rb"\Z", re.DOTALL)


def _char_class(pattern: bytes, at: int) -> tuple[bytes, int]:
    """What follows a "[": its regular expression and the offset behind the "]"."""
    negated = pattern[at : at + 1] == b"^"
    if negated:
        at += 1
    members = []
    while at < len(pattern) and pattern[at : at + 1] != b"]":
        if pattern[at : at + 1] == b"\\" and at + 1 < len(pattern):
            at += 1
            members.append(re.escape(pattern[at : at + 1]))
            at += 1
        elif pattern[at + 1 : at + 2] == b"-" and at + 2 < len(pattern):
            low, high = sorted((pattern[at], pattern[at + 2]))
            members.append(re.escape(bytes([low])) + b"-" + re.escape(bytes([high])))
            at += 3
        else:
            members.append(re.escape(pattern[at : at + 1]))
            at += 1
    if not members:
        return (rb"[\s\S]" if negated else rb"[^\s\S]"), at + 1
    return b"[" + (b"^" if negated else b"") + b"".join(members) + b"]", at + 1


def matches(pattern: bytes, text: bytes) -> bool:
    """Whether the whole text matches."""
    return compiled(pattern).match(text) is not None
