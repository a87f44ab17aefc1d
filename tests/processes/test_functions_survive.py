"""Libraries and Python functions are data: they are there after a restart, also from a rewritten journal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import elixircache


def raise_by(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
    return db.incrby(keys[0], int(args[0]))


def test_functions_are_there_after_a_restart(tmp_path: Path) -> None:
    code = "#!lua name=lib\nredis.register_function('twice', function(keys, args) return 2 * args[1] end)"
    blob = elixircache.pack(raise_by)
    with elixircache.LocalCluster(shards=2, directory=tmp_path, appendonly=True) as cluster:
        client = cluster.client()
        client.execute_command("FUNCTION", "LOAD", code)
        client.execute_command("PY.LOAD", "raise_by", blob, "DESCRIPTION", "adds")
        client.execute_command("BGREWRITEAOF")
        time.sleep(1)
    with elixircache.LocalCluster(shards=2, directory=tmp_path, appendonly=True) as cluster:
        client = cluster.client()
        assert client.execute_command("FCALL", "twice", 0, 21) == 42
        for key in ("a", "b", "c", "d"):  # keys of both shards
            assert client.execute_command("PY.CALL", "raise_by", 1, key, 5) == 5
        assert client.execute_command("PY.DUMP", "raise_by") == blob
