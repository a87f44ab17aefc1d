"""The sizes up to which collections stay packed, taken from the configuration."""

from __future__ import annotations

from typing import Any

from shard.values import hashes, pack_rows, sets, stream_nodes, zsets

NAMES = (
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "list-max-listpack-size",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "stream-node-max-bytes",
    "stream-node-max-entries",
)
DEFAULTS = (512, 64, -2, 512, 128, 64, 128, 64, 4096, 100)


def apply(config: Any) -> None:
    """Use what `config.get(name, default)` says (integers), for all collections from now on."""
    value = dict(zip(NAMES, (int(config.get(*pair)) for pair in zip(NAMES, DEFAULTS)), strict=True))
    hashes.set_limits(value["hash-max-listpack-entries"], value["hash-max-listpack-value"])
    pack_rows.set_limits(value["list-max-listpack-size"])
    sets.set_limits(
        value["set-max-intset-entries"], value["set-max-listpack-entries"], value["set-max-listpack-value"]
    )
    zsets.set_limits(value["zset-max-listpack-entries"], value["zset-max-listpack-value"])
    stream_nodes.set_limits(value["stream-node-max-bytes"], value["stream-node-max-entries"])
