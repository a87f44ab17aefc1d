"""What a slow log keeps of a command."""

from __future__ import annotations

ARGS_MAX = 32
ARG_MAX = 128


def shortened(args: list[bytes]) -> list[bytes]:
    """Arguments as the slow log keeps them: at most 32, each at most 128 bytes."""
    kept = [
        bytes(raw) if len(raw) <= ARG_MAX else bytes(raw[:ARG_MAX]) + b"... (%d more bytes)" % (len(raw) - ARG_MAX)
        for raw in args[:ARGS_MAX]
    ]
    if len(args) > ARGS_MAX:
        kept[-1] = b"... (%d more arguments)" % (len(args) - ARGS_MAX + 1)
    return kept
