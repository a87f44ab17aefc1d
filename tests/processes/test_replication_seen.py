"""What a user sees of replication: both sides' logs, the link among the clients, ROLE and INFO while it is down."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

import elixircache
from cli.replication_view import groups_of
from tests.processes.waiting import stopped, until

Pair = tuple[elixircache.LocalCluster, elixircache.LocalCluster]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with elixircache.LocalCluster(shards=1, save="") as master, elixircache.LocalCluster(shards=2, save="") as replica:
        replica.client().execute_command("REPLICAOF", "127.0.0.1", master.port)
        until(lambda: linked(replica))
        yield master, replica


def linked(group: elixircache.LocalCluster) -> bool:
    return group.client().info("replication").get("master_link_status") == "up"


def log_of(group: elixircache.LocalCluster) -> str:
    return group.log_path.read_text(errors="replace")


def test_the_master_s_log_tells_of_full_synchronisations_partial_ones_and_lost_links(pair):
    master, replica = pair
    name = f"replica 127.0.0.1:{replica.port}"
    until(lambda: f"{name} has got its snapshot" in log_of(master))
    assert f"{name}: full synchronisation (no history yet)" in log_of(master)
    assert f"{name}: its snapshot goes out: " in log_of(master)
    offset = master.client().info("replication")["master_repl_offset"]
    assert master.client().execute_command("CLIENT", "KILL", "TYPE", "replica") == 1
    until(lambda: f"{name} goes on at offset " in log_of(master))
    assert f"{name}, online: its link has ended: killed by another client" in log_of(master)
    place = int(log_of(master).rpartition(f"{name} goes on at offset ")[2].split(":")[0])
    assert place >= offset
    until(lambda: "the master goes on with the stream behind offset " in log_of(replica))


def test_the_link_to_the_master_is_a_client_that_can_be_listed_and_killed(pair):
    master, replica = pair
    client = replica.client()
    until(lambda: linked(replica))
    (shown,) = client.client_list(_type="master")
    assert (shown["flags"], shown["addr"]) == ("M", f"127.0.0.1:{master.port}")
    assert shown["id"] in [one["id"] for one in client.client_list()]
    before = master.client().info("stats")["sync_partial_ok"]
    assert client.execute_command("CLIENT", "KILL", "TYPE", "master") == 1
    until(lambda: master.client().info("stats")["sync_partial_ok"] == before + 1)
    until(lambda: linked(replica))
    assert "killed by a client" in log_of(replica)
    master.client().set("after", "kill")
    until(lambda: client.get("after") == b"kill")


def test_a_link_that_held_is_begun_again_without_a_pause(pair):
    master, replica = pair

    def took_s() -> float:
        until(lambda: linked(replica))
        time.sleep(1.1)  # a younger one waits a second, so that two that cannot agree are not busy with it
        before = master.client().info("stats")["sync_partial_ok"]
        began = time.monotonic()
        master.client().execute_command("CLIENT", "KILL", "TYPE", "replica")
        until(lambda: master.client().info("stats")["sync_partial_ok"] == before + 1)
        return time.monotonic() - began

    # A pause would be there each time; what a busy machine adds is not.
    assert any(took_s() < 0.7 for _ in range(5))


def test_role_has_no_offset_while_the_link_is_down_and_wait_says_all_that_redis_says(pair):
    master, replica = pair
    client = replica.client()
    until(lambda: linked(replica))
    assert client.execute_command("ROLE")[3:] == [b"connected", client.info("replication")["slave_repl_offset"]]
    with pytest.raises(Exception, match="WAIT cannot be used with replica instances. Please also note that since Redis 4.0"):
        client.execute_command("WAIT", 1, 1)
    client.execute_command("REPLICAOF", "127.0.0.1", 1)
    try:
        until(lambda: client.execute_command("ROLE") == [b"slave", b"127.0.0.1", 1, b"connect", -1])
    finally:
        client.execute_command("REPLICAOF", "127.0.0.1", master.port)
    until(lambda: linked(replica))


KEYS = 400_000


def test_each_step_of_a_full_synchronisation_shows_how_far_it_is():
    """The master's shards write, the bytes come, the replica's shards read."""
    options = {"save": "", "shard_heartbeat_timeout": 60_000}  # who is stopped is not replaced
    with (
        elixircache.LocalCluster(shards=2, **options) as master,
        elixircache.LocalCluster(shards=2, appendonly=True, **options) as replica,
    ):
        above, below = master.client(), replica.client()
        for first in range(0, KEYS, 10_000):
            above.mset({f"key:{number}": number for number in range(first, first + 10_000)})
        assert "sync_snapshot_perc" not in above.info("replication")
        with stopped(master.pids["shard-1"]):
            below.execute_command("REPLICAOF", "127.0.0.1", master.port)
            until(lambda: above.info("replication").get("sync_snapshot_perc") == 50.0)  # one shard has written all of its keys
            assert above.info("replication")["slave0"]["state"] == "wait_bgsave"
        read: list[float] = []
        shown: list[str] = []

        def look() -> None:
            said = below.info()
            if said["async_loading"]:
                assert said["loading_total_bytes"] > 10 * KEYS and said["loading_eta_seconds"] >= 0
                read.append(said["loading_loaded_perc"])
                shown.extend(row.state for row in groups_of(below, "us", said) if row.role == "replica")

        while not linked(replica):
            look()
            with stopped(replica.pids["shard-1"]):  # it reads little between two looks
                time.sleep(0.05)
        assert read == sorted(read) and any(0 < share < 100 for share in read)
        assert any(state.startswith("loading ") for state in shown)
        assert "loading_loaded_perc" not in below.info("persistence")
        assert below.dbsize() == KEYS
