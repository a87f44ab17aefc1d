"""What a router says of its role before its shards are there."""

from types import SimpleNamespace

from cluster.config import Config
from router.commands.info import replication
from router.commands.replication import role
from router.router import Router

NOW = 1_700_000_000_000


def starting(replicaof: str) -> Router:
    return Router(2, Config({"replicaof": replicaof}), NOW)


def test_a_replica_that_loads_is_no_master() -> None:
    router = starting("10.0.0.7 6379")
    session = SimpleNamespace()
    assert not router.serving
    assert role(router, session, [b"ROLE"]) == [b"slave", b"10.0.0.7", 6379, b"connect", -1]
    fields = replication(router, None)
    assert (fields["role"], fields["master_host"], fields["master_link_status"]) == ("slave", "10.0.0.7", "down")


def test_a_master_that_loads_is_one() -> None:
    router = starting("")
    assert role(router, SimpleNamespace(), [b"ROLE"])[0] == b"master"
    assert replication(router, None)["role"] == "master"
