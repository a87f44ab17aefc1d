"""What the engine and its handlers say to each other besides replies and effects."""

from __future__ import annotations

from typing import Any

from cluster.replies import NIL_ARRAY

# Bits of Engine.listening: who wants to hear of changed keys.
WATCHERS = 1
WAITERS = 2
TRACKERS = 4
NOTIFIER = 8
STAGED = 16  # an operation over several shards notes what it has written

# Classes of keyspace notifications (the letters of notify-keyspace-events).
N_GENERIC = 1 << 0  # g
N_STRING = 1 << 1  # $
N_LIST = 1 << 2  # l
N_SET = 1 << 3  # s
N_HASH = 1 << 4  # h
N_ZSET = 1 << 5  # z
N_STREAM = 1 << 6  # t
N_EXPIRED = 1 << 7  # x
N_EVICTED = 1 << 8  # e
N_MODULE = 1 << 9  # d
N_KEYMISS = 1 << 10  # m
N_NEW = 1 << 11  # n


class Block(Exception):
    """Raised by a blocking command's handler that found nothing to give.

    keys: what it waits for; timeout_ms: 0 means for ever; nil: the reply on time-out; denied: the
    reply where nothing may block (a transaction, a script), a null array unless another is given;
    args: the command to run again when a key is ready (ids like `$` made concrete).
    """

    def __init__(
        self, keys: list[bytes], timeout_ms: int, nil: Any, args: list[bytes] | None = None, denied: Any = NIL_ARRAY
    ) -> None:
        super().__init__("would block")
        self.keys = keys
        self.timeout_ms = timeout_ms
        self.nil = nil
        self.denied = denied
        self.args = args
