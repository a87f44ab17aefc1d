"""A cluster for unmodified clients. PEER_PORT=6379 runs the same tests against any server.

Tests marked `clients` install packages of other languages or start workers; they run with
`make test-clients` (CLIENTS=1) only.
"""

import os

import pytest


def pytest_collection_modifyitems(config, items):
    if os.environ.get("CLIENTS"):
        return
    # Not `item.keywords`: this directory's name is one of them, for every test in it.
    left_out = [item for item in items if item.get_closest_marker("clients")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def port():
    if "PEER_PORT" in os.environ:
        yield int(os.environ["PEER_PORT"])
        return
    import elixircache

    with elixircache.LocalCluster(shards=2) as cluster:
        yield cluster.port
