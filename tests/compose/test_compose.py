"""The compose files, for real: start, use, kill one container, fail over, stop."""

from __future__ import annotations

import json
import urllib.request

import pytest
import redis

from tests.compose.conftest import IMAGE, Project, run
from tests.processes.waiting import until

KEYS = {f"key:{number}": str(number) for number in range(200)}


def client(host: str, port: int = 6379) -> redis.Redis:
    return redis.Redis(host, port, socket_timeout=5, decode_responses=True)


def sentinel_master(project: Project) -> tuple[str, int] | None:
    """Where the Sentinels say that the master is; None while two of them do not agree."""
    answers = {
        tuple(
            client(project.address(f"sentinel-{number}"), 26379).execute_command(
                "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "elixircache"
            )
        )
        for number in (1, 2)
    }
    if len(answers) != 1:
        return None
    name, port = answers.pop()
    return str(name), int(port)


def knows_all(project: Project) -> bool:
    """Whether every Sentinel knows both replicas and both other Sentinels."""
    for number in (1, 2, 3):
        asked = client(project.address(f"sentinel-{number}"), 26379).sentinel_masters()["elixircache"]
        if (asked["num-slaves"], asked["num-other-sentinels"]) != (2, 2) or "down" in asked["flags"]:
            return False
    return True


@pytest.mark.parametrize("project", ["compose.yaml"], indirect=True)
def test_groups_with_sentinels(project: Project):
    master = client("127.0.0.1", project.port)
    until(master.ping, 90)
    master.mset(KEYS)
    until(lambda: master.info("replication")["connected_slaves"] == 2, 60)
    assert master.wait(2, 10_000) == 2
    for name in ("replica-1", "replica-2"):
        assert client(project.address(name)).mget(KEYS) == list(KEYS.values())
    for path in ("/healthz", "/readyz", "/metrics", "/"):
        assert urllib.request.urlopen(f"http://127.0.0.1:{project.ws_port}{path}", timeout=5).status == 200

    until(lambda: project.inspect("master")["State"]["Health"]["Status"] == "healthy", 60)
    until(lambda: knows_all(project), 60)

    # A replica's container dies and is back with its data, by Docker's restart policy.
    project.crash("replica-1")
    until(lambda: client(project.address("replica-1")).mget(KEYS) == list(KEYS.values()), 60)
    until(lambda: master.info("replication")["connected_slaves"] == 2, 60)
    until(lambda: knows_all(project), 60)

    # The master's container is gone: the Sentinels promote a replica, which has everything.
    run("docker", "kill", project.container("master"))
    promoted, port = until(lambda: (found := sentinel_master(project)) and found[0] != "master" and found, 90)
    assert promoted in ("replica-1", "replica-2") and port == 6379
    new = client(project.address(promoted))
    until(lambda: new.set("after", "failover"), 30)
    assert new.mget(KEYS) == list(KEYS.values())
    other = ({"replica-1", "replica-2"} - {promoted}).pop()
    until(lambda: client(project.address(other)).get("after") == "failover", 60)

    # The old master comes back and follows the new one.
    run("docker", "start", project.container("master"))
    old = client("127.0.0.1", project.port)
    until(lambda: old.role()[0] == "slave", 90)
    until(lambda: old.get("after") == "failover", 60)

    assert project.down() < 20


@pytest.mark.parametrize("project", ["compose.processes.yaml"], indirect=True)
def test_a_container_for_each_process(project: Project):
    master = client("127.0.0.1", project.port)
    until(master.ping, 90)
    master.mset(KEYS)
    replica = client(project.address("replica-router"))
    until(lambda: replica.mget(KEYS) == list(KEYS.values()), 60)

    # One shard of the master dies: what it held is there again, and goes on to the replica.
    project.crash("shard-1")
    until(lambda: master.mget(KEYS) == list(KEYS.values()), 60)
    until(lambda: master.mset(dict.fromkeys(KEYS, "new")), 30)
    until(lambda: client(project.address("replica-router")).mget(KEYS) == ["new"] * len(KEYS), 60)

    # So does a router.
    project.crash("router")
    until(lambda: client("127.0.0.1", project.port).mget(KEYS) == ["new"] * len(KEYS), 60)
    assert project.down() < 20


def test_the_image_is_small_and_has_no_compiler_and_no_root(images: dict[str, str]):
    base = json.loads(run("docker", "image", "inspect", images["BASE"]))[0]
    built = json.loads(run("docker", "image", "inspect", IMAGE))[0]
    assert built["Size"] - base["Size"] < 120e6
    assert built["Config"]["User"] == "999:999" and "/data" in built["Config"]["Volumes"]
    assert built["Config"]["Healthcheck"]["Test"][0] == "CMD"
    found = run(
        "docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", IMAGE, "-c",
        "id -u; for name in gcc cc c++ make cython; do command -v $name; done; find /usr /opt -name cc1 2>/dev/null; true",
    )  # fmt: skip
    assert found.split() == ["999"]
