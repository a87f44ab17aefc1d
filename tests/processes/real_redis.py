"""A real redis-server for the length of a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

import elixircache
from tests.peers import peer
from tests.processes.waiting import until


@contextmanager
def redis_server(directory: Path, *options: str, password: str | None = None) -> Iterator[redis.Redis]:
    """A client of a real redis-server, which ends with the block."""
    port = elixircache.free_port()
    command = [peer("redis-server"), "--port", str(port), "--dir", str(directory), "--save", ""]
    command += ["--repl-diskless-sync-delay", "0", *options]  # it would wait 5 s for more replicas
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, protocol=2, password=password) as client:
            until(client.ping)
            yield client
    finally:
        process.kill()
        process.wait()
