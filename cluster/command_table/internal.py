"""Rows of the commands that only a router sends to its shards."""

from cluster.command_table.model import Command, F

ROWS = [
    Command("SHARD.TXN", -1, F.INTERNAL, group="internal"),
    Command("SHARD.RECORD", -1, F.INTERNAL, group="internal"),
]
