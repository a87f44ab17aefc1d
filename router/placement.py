"""Where the keys of commands are, and where an operation over several shards runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.command_table.model import Command

if TYPE_CHECKING:
    from router.router import Router

DbKey = tuple[int, bytes]
ROAMING = frozenset({"scripting", "python"})  # groups of commands that may touch keys that they do not name


def keys_by_shard(router: Router, db: int, commands: list[tuple[Command, list[bytes]]]) -> dict[int, list[DbKey]]:
    """shard -> [(db, key), ...] of commands, each key once."""
    found: dict[int, list[DbKey]] = {}
    for row, args in commands:
        for at in row.key_indexes(args):
            keys = found.setdefault(router.core.shard_of(args[at]), [])
            databases = [db]
            if row.name == "COPY" and at == 2:
                databases = [copy_database(args, db)]
            elif row.name == "MOVE" and args[2].isdigit():
                databases.append(min(int(args[2]), 1 << 31))
            for database in databases:
                if (database, args[at]) not in keys:
                    keys.append((database, args[at]))
    return found


def copy_database(args: list[bytes], db: int) -> int:
    """The database of COPY's destination: what follows DB, else the client's."""
    for at in range(3, len(args) - 1):
        if args[at].upper() == b"DB" and args[at + 1].isdigit():
            return min(int(args[at + 1]), 1 << 31)
    return db


def stores_first(row: Command) -> bool:
    """Whether a command's first key is its destination, and the others are read."""
    return "STORE" in row.name or row.name in ("BITOP", "PFMERGE")


def home_of(router: Router, row: Command, args: list[bytes], keys: dict[int, list[DbKey]]) -> int:
    """Where a command runs: at its destination if it stores, else where most of its keys are."""
    if stores_first(row):
        return int(router.core.shard_of(args[row.key_indexes(args)[0]]))
    return max(keys, key=lambda shard: len(keys[shard]))
