"""The oracle, one for the session."""

import os

import pytest

from .targets import RedisServer, have_redis_server


@pytest.fixture(scope="session")
def oracle():
    if not have_redis_server():
        if os.environ.get("ELIXIRCACHE_NO_SKIP"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed: there is nothing to compare with")
    with RedisServer() as target:
        yield target
