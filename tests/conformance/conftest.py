"""The oracle, one for the session."""

import pytest

from tests.peers import peer

from .targets import RedisServer


@pytest.fixture(scope="session")
def oracle():
    peer("redis-server")
    with RedisServer() as target:
        yield target
