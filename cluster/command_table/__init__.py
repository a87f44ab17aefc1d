"""The command table: one row for each command, one file of rows for each group.

    TABLE    "ZADD" or "CONFIG|GET" -> Command
    BY_ID    the same rows, indexed by Command.id (the number that frames carry)
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace

from cluster.command_table.model import Command

TABLE: dict[str, Command] = {}


def _load() -> None:
    rows: list[Command] = []
    for module in pkgutil.iter_modules(__path__):
        if module.name not in ("model", "custom_keys"):
            rows.extend(importlib.import_module(f"{__name__}.{module.name}").ROWS)
    for number, row in enumerate(sorted(rows, key=lambda row: row.name)):
        if row.name in TABLE:
            raise ValueError(f"{row.name} has two rows")
        TABLE[row.name] = replace(row, id=number)


_load()
BY_ID: list[Command] = list(TABLE.values())


def row_of(args: list[bytes]) -> Command:
    """The row of a whole command, its subcommand's where it has one. KeyError: there is none."""
    row = TABLE[args[0].upper().decode("latin-1")]
    if row.container and len(args) > 1:
        row = TABLE.get(f"{row.name}|{args[1].upper().decode('latin-1')}", row)
    return row
