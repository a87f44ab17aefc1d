"""Finds the servers that tests compare with: redis-server, redis-cli, redis-sentinel, nutcracker; and chromium.

A missing one skips the test and says why; with ELIXIRCACHE_REQUIRE_PEERS=1 (as in CI) it fails it.
"""

import os
import shutil

import pytest


def peer(program: str) -> str:
    """Path of a program; skips or fails the calling test if it is not installed."""
    path = shutil.which(program)
    if path is None:
        reason = f"{program} is not installed (`make peers` installs it)"
        if os.environ.get("ELIXIRCACHE_REQUIRE_PEERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
