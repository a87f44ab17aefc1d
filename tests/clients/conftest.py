"""A cluster for unmodified clients. PEER_PORT=6379 runs the same tests against any server.

Tests marked `clients` install packages of other languages or start workers; they run with
`make test-clients` (CLIENTS=1) only.
"""

import os

import pytest


def pytest_collection_modifyitems(config, items):
    if os.environ.get("CLIENTS"):
        return
    chosen = [item for item in items if "clients" not in item.keywords]
    config.hook.pytest_deselected(items=[item for item in items if "clients" in item.keywords])
    items[:] = chosen


@pytest.fixture(scope="session")
def port():
    if "PEER_PORT" in os.environ:
        yield int(os.environ["PEER_PORT"])
        return
    import elixircache

    with elixircache.LocalCluster(shards=2) as cluster:
        yield cluster.port
