"""A real redis-server as our master behind a link that is cut, and redis-cli as our replica."""

from __future__ import annotations

import subprocess
import threading

import pytest
import redis

import elixircache
from tests.peers import peer
from tests.processes.cut_proxy import CutProxy
from tests.processes.datasets import fill, state, work
from tests.processes.real_redis import redis_server
from tests.processes.waiting import until

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def group():
    with elixircache.LocalCluster(shards=2, save="") as group:
        yield group


def port_of(client: redis.Redis) -> int:
    return int(client.connection_pool.connection_kwargs["port"])


def test_we_follow_redis_through_cuts_without_a_second_snapshot(group, tmp_path):
    ours = group.client()
    with redis_server(tmp_path) as master, CutProxy(port_of(master)) as way:
        fill(master)
        ours.execute_command("REPLICAOF", "127.0.0.1", way.port)
        until(lambda: ours.role()[3] == b"connected")
        assert master.info("stats")["sync_full"] == 1
        for number in range(3):
            for step in range(200):
                master.mset({f"cut:{key}": f"{number}:{step}" for key in range(20)})
                if step == 100:
                    way.cut()
                    way.resume()
            work(master, f"cut {number}")
        until(lambda: master.wait(1, 1000) == 1, 30)
        assert state(ours) == state(master)
        assert master.info("stats")["sync_full"] == 1
        ours.execute_command("REPLICAOF", "NO", "ONE")


def test_redis_cli_takes_an_rdb_file_and_the_stream(group, tmp_path):
    ours = group.client()
    ours.flushall()
    fill(ours)
    file = tmp_path / "dump.rdb"
    command = [peer("redis-cli"), "-p", str(group.port)]
    subprocess.run([*command, "--rdb", str(file)], check=True, capture_output=True, timeout=30)
    with redis_server(tmp_path, "--dbfilename", "dump.rdb") as copy:
        until(lambda: copy.dbsize() == ours.dbsize())
        assert state(copy) == state(ours)
    process = subprocess.Popen([*command, "--replica"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        until(lambda: len(ours.role()[2]) == 1)
        ours.set("seen by", "redis-cli")
        found = ""
        while '"seen by"' not in found:
            found = process.stdout.readline()
            assert found or process.poll() is None
        assert '"SET","seen by","redis-cli"' in found
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


LIBRARY = "#!lua name={0}\nredis.register_function('{0}', function() return 1 end)"


def test_redis_cli_takes_a_file_of_functions_alone(group, tmp_path):
    ours = group.client()
    fill(ours)
    ours.function_load(LIBRARY.format("one"), replace=True)
    ours.function_load(LIBRARY.format("two"), replace=True)
    command = [peer("redis-cli"), "-p", str(group.port), "--functions-rdb", str(tmp_path / "dump.rdb")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    until(lambda: ours.role()[2] == [])
    with redis_server(tmp_path, "--dbfilename", "dump.rdb") as copy:
        assert copy.info("keyspace") == {}
        assert sorted(library[1] for library in copy.function_list()) == [b"one", b"two"]


def replconf(client: redis.Redis, *words: str) -> object:
    return client.execute_command("REPLCONF", *words)


def rdb_of(client: redis.Redis, *words: str) -> bytes:
    """What SYNC gives after a REPLCONF; the link has ended then (`rdb-only`)."""
    connection = client.connection_pool.get_connection()
    for asked in (["rdb-only", "1"], words):
        connection.send_command("REPLCONF", *asked)
        assert connection.read_response() in (b"OK", "OK")
    connection.send_command("SYNC")
    with connection._sock.makefile("rb") as file:
        whole = file.read()
    return whole[whole.index(b"REDIS") :]


def test_snapshots_of_some_things_go_out_beside_whole_ones(group):
    """Two that do not want the same wait for two snapshots."""
    ours = group.client()
    ours.flushall()
    ours.set("a key", "a value")
    ours.function_load(LIBRARY.format("one"), replace=True)
    found = {}
    wanted = {"all": ("capa", "eof"), "functions": ("rdb-filter-only", "FUNCTIONS"), "nothing": ("rdb-filter-only", "")}
    threads = [
        threading.Thread(target=lambda name=name, words=words: found.update({name: rdb_of(group.client(), *words)}))
        for name, words in wanted.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    has = {name: (b"a key" in rdb, b"name=one" in rdb) for name, rdb in found.items()}
    assert has == {"all": (True, True), "functions": (False, True), "nothing": (False, False)}
    with pytest.raises(redis.ResponseError, match="Unsupported rdb-filter-only option: keys"):
        replconf(ours, "rdb-filter-only", "functions keys")
    with pytest.raises(redis.ResponseError, match="Missing rdb-filter-only values"):
        replconf(ours, "rdb-filter-only", '"functions')


def test_a_writable_replica_takes_writes_of_its_own(group, tmp_path):
    """They are not its master's, and what expires is gone for its readers."""
    ours = group.client()
    with redis_server(tmp_path) as master:
        master.set("master's", 1)
        ours.execute_command("REPLICAOF", "127.0.0.1", port_of(master))
        until(lambda: ours.role()[3] == b"connected")
        with pytest.raises(redis.exceptions.ReadOnlyError):
            ours.set("own", 1)
        ours.config_set("replica-read-only", "no")
        assert ours.set("own", 1) and ours.eval("return redis.call('incr', KEYS[1])", 1, "own") == 2
        assert ours.set("short", "lived", px=30)
        until(lambda: ours.get("short") is None)
        assert master.get("own") is None
        ours.config_set("replica-read-only", "yes")
        with pytest.raises(redis.exceptions.ReadOnlyError):
            ours.set("own", 3)
        ours.execute_command("REPLICAOF", "NO", "ONE")
        assert ours.get("own") == b"2"
