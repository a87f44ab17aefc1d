"""Commands on the whole keyspace (KEYS, SCAN, FLUSHALL, ...): SCAN's cursor, and which scripts use such commands.

A script that uses one runs under a hold of all shards, so that it must be known before it runs: by its text. What a
text does not show (a name that is put together while the script runs) is an error where there are several shards.
To say yes too often costs time, never correctness.
"""

from __future__ import annotations

import re

from cluster.command_table import TABLE

NAMES = frozenset(row.name for row in TABLE.values() if row.whole)

# A name in quotes where a call's first argument, a table's first element or an assigned value stands; not what is
# compared, returned, a field, or a later argument.
_BEFORE = r"(?:[({]|(?<![=~<>])=|(?<![\w.])(?!(?:return|and|or|not|then|do|else)\b)[A-Za-z_][\w.]*)\s*"
_CALLED = re.compile(
    f"{_BEFORE}(?:[\"']|\\[=*\\[)(?:{'|'.join(sorted(NAMES))})(?:[\"']|\\]=*\\])".encode(), re.IGNORECASE
)


def mentioned_in(text: bytes) -> bool:
    """Whether a Lua text calls a command on the whole keyspace by its name."""
    return _CALLED.search(text) is not None


def split_cursor(cursor: int, shards: int) -> tuple[int, int]:
    """(a shard's own cursor, the shard) of a cursor of SCAN; 0 is the beginning of the first."""
    return divmod(cursor, shards)


def next_cursor(inner: int, shard: int, shards: int) -> int:
    """The cursor that goes on: in this shard, from the start of the next one, or 0 at the end."""
    if inner:
        return inner * shards + shard
    return shard + 1 if shard + 1 < shards else 0
