"""A real group: what it prints, how it ends, what a killed process means, what is refused at the start."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

import elixircache

ROOT = Path(__file__).parents[2]


def alive(pid: int) -> bool:
    return elixircache._runs(pid)


def until(condition, seconds: float = 15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "cli", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, timeout=90)


@pytest.fixture
def cluster():
    with elixircache.LocalCluster(shards=2) as cluster:
        yield cluster


def test_up_prints_endpoints_and_one_line_to_try_and_ends_on_sigint(tmp_path):
    port = elixircache.free_port()
    words = ["up", "--shards", "2", "--port", str(port), "--ws-port", "0", "--replicas", "0", "--dir", str(tmp_path)]
    process = subprocess.Popen(command(*words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = []
        while not lines or lines[-1] != "READY":
            lines.append(process.stdout.readline().rstrip())
            assert lines[-1] or process.poll() is None
        assert f"127.0.0.1:{port}" in "\n".join(lines)
        assert f"redis-cli -p {port} SET hello world" in lines[-2]
        assert redis.Redis(port=port).set("hello", "world")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert time.monotonic() - began < 10
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=port, retry=None).ping()


def test_no_process_outlives_a_killed_supervisor(cluster):
    pids = list(cluster.pids.values())
    assert len(pids) == 3
    os.kill(cluster.supervisor_pid, signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in pids))


def test_a_killed_shard_is_restarted_and_the_others_go_on(cluster):
    client = cluster.client()
    before = cluster.pids
    cluster.kill_shard(0)
    until(lambda: cluster.pids.get("shard-0") not in (None, before["shard-0"]))
    cluster.wait_until_serving()
    assert client.set("key", "value")
    after = cluster.pids
    assert (after["router"], after["shard-1"]) == (before["router"], before["shard-1"])


def test_a_killed_router_is_restarted_and_the_data_survives(cluster):
    client = cluster.client()
    for number in range(50):
        client.set(f"key:{number}", number)
    before = cluster.pids
    cluster.kill_router()
    until(lambda: cluster.pids.get("router") not in (None, before["router"]))
    cluster.wait_until_serving()
    assert client.dbsize() == 50
    assert cluster.pids["shard-0"] == before["shard-0"]


def test_a_stopped_shard_is_found_wedged_and_replaced(tmp_path):
    with elixircache.LocalCluster(shards=2, shard_heartbeat_timeout=1000) as cluster:
        first = cluster.pids["shard-1"]
        cluster.kill_shard(1, signal.SIGSTOP)
        until(lambda: cluster.pids.get("shard-1") not in (None, first), 30)
        cluster.wait_until_serving()
        assert not alive(first)


def test_a_stopped_router_is_found_and_replaced():
    with elixircache.LocalCluster(shards=2, router_heartbeat_timeout=2000) as cluster:
        cluster.client().set("key", "value")
        before = cluster.pids
        os.kill(before["router"], signal.SIGSTOP)
        until(lambda: cluster.pids.get("router") not in (None, before["router"]), 30)
        cluster.wait_until_serving()
        assert not alive(before["router"])
        assert cluster.pids["shard-1"] == before["shard-1"]
        assert cluster.client().get("key") in ("value", b"value")


def test_it_listens_elsewhere_when_told_so_and_the_next_router_too(cluster):
    old = cluster.client()
    first = old.connection_pool.connection_kwargs["port"]
    port = elixircache.free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(redis.ResponseError, match="cannot serve 127.0.0.1:.*: Address already in use"):
            old.config_set("port", taken.getsockname()[1])
    assert redis.Redis(port=first).ping()
    assert old.config_set("port", port) and old.ping()  # who is connected stays
    assert old.config_get("port") == {"port": str(port)}
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=first, retry=None).ping()
    moved = redis.Redis(port=port)
    assert moved.config_set("bind", "127.0.0.1")  # an address that it has already
    assert redis.Redis(port=port).ping()
    with pytest.raises(redis.ResponseError, match="cannot serve 192.0.2.1:"):
        moved.config_set("bind", "192.0.2.1")
    before = cluster.pids["router"]
    os.kill(before, signal.SIGKILL)
    until(lambda: cluster.pids.get("router") not in (None, before))
    assert redis.Redis(port=port).ping()
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=first, retry=None).ping()


def test_a_directory_in_use_is_refused_with_the_pid_of_its_user(cluster):
    result = run("up", "--port", str(elixircache.free_port()), "--dir", str(cluster.directory))
    assert result.returncode == 2
    assert result.stderr == f"elixircache: directory {cluster.directory} is in use by process {cluster.supervisor_pid}\n"
    assert cluster.client().ping()


def test_a_taken_port_is_refused_and_nothing_is_started(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("up", "--port", str(port), "--ws-port", "0", "--dir", str(tmp_path))
    assert result.returncode == 2
    assert result.stderr == f"elixircache: cannot serve 127.0.0.1:{port}: Address already in use\n"
    assert not (tmp_path / "run").exists()


def test_a_local_cluster_leaves_nothing_behind():
    cluster = elixircache.LocalCluster(shards=2).start()
    pids = [cluster.supervisor_pid, *cluster.pids.values()]
    cluster.stop()
    assert not any(alive(pid) for pid in pids)
    assert not cluster.directory.exists()
    cluster.stop()


def test_a_local_cluster_ends_with_the_program_that_started_it():
    script = (
        "import elixircache, os, signal\n"
        "cluster = elixircache.LocalCluster(shards=1).start()\n"
        "print(cluster.directory, cluster.supervisor_pid, *cluster.pids.values(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    _, *pids = result.stdout.split()
    assert len(pids) == 3
    until(lambda: not any(alive(int(pid)) for pid in pids))


def test_the_library_needs_none_of_the_servers_packages():
    script = (
        "import sys, elixircache\n"
        "print(sorted({'zmq', 'redis', 'typer', 'rich', 'uvloop', 'lupa', 'cluster'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert result.stdout.strip() == "[]"
