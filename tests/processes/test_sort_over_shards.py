"""SORT follows its patterns to keys of all shards; expired keys do not disturb what runs over several."""

import time

import pytest

import elixircache


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=4) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    client = cluster.client()
    client.flushall()
    return client


def fill(client):
    client.rpush("list", *range(8))
    for i in range(8):
        client.set(f"weight_{i}", (i * 5 + 3) % 8)
        client.hset(f"hash_{i}", "field", f"value {i}")


ORDER = sorted(range(8), key=lambda i: (i * 5 + 3) % 8)


def test_sort_by_and_get_read_keys_of_all_shards(client):
    fill(client)
    found = client.sort("list", by="weight_*", get=["#", "hash_*->field"])
    assert found == [part for i in ORDER for part in (b"%d" % i, b"value %d" % i)]
    assert client.sort("list", by="weight_*", get="hash_*->field", store="stored") == 8
    assert client.lrange("stored", 0, -1) == [b"value %d" % i for i in ORDER]
    assert client.execute_command("SORT_RO", "list", "BY", "weight_*", "LIMIT", 0, 2) == [b"%d" % i for i in ORDER[:2]]


def test_sort_in_a_transaction_sees_what_the_transaction_wrote(client):
    fill(client)
    pipe = client.pipeline()
    pipe.set("weight_3", -1)
    pipe.sort("list", by="weight_*")
    pipe.get("weight_3")
    assert pipe.execute() == [True, [b"3", *(b"%d" % i for i in ORDER if i != 3)], b"-1"]


def test_a_read_over_shards_that_meets_an_expired_key_is_answered_at_once(client):
    client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    before = client.config_get("hold-timeout")["hold-timeout"]
    client.config_set("hold-timeout", 60_000)  # what would end an operation that waits for what does not come
    try:
        for i in range(16):
            client.sadd(f"set{i}", "member")
            client.pexpire(f"set{i}", 1)
        time.sleep(0.01)
        begin = time.monotonic()
        for i in range(15):
            assert client.sinter(f"set{i}", f"set{i + 1}", "other") == set()
        assert time.monotonic() - begin < 60
    finally:
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        client.config_set("hold-timeout", before)


def test_move_to_another_database_beside_commands_over_shards(client):
    for i in range(6):
        client.mset({f"key{i}": i, f"other{i}": i})
        pipe = client.pipeline()
        pipe.move(f"key{i}", 1)
        pipe.rename(f"other{i}", f"third{i}")
        assert pipe.execute() == [True, True]
        assert client.exists(f"key{i}") == 0
    assert sorted(client.keys("third*")) == [b"third%d" % i for i in range(6)]
