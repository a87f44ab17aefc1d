"""A router and shards that nobody supervises, as in one container per process: keys, and who comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cluster import frames
from cluster.curve import LinkRefused, Links, check_endpoint, make_keys
from elixircache import free_port
from tests.processes.waiting import until

ROOT = Path(__file__).parents[2]


class Processes:
    """Starts `elixircache shard` and `elixircache router` with one set of options."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "cli", *words], cwd=ROOT, stdout=log, stderr=log)
        self.running.append(process)
        return process

    def shard(self, index: int, port: int, *words: str) -> subprocess.Popen[bytes]:
        place = ["--index", str(index), "--shards", "2", "--endpoint", f"tcp://127.0.0.1:{port}"]
        return self.start("shard", *place, "--dir", str(self.directory / "data"), *words)

    def router(self, port: int, links: list[int], *words: str) -> subprocess.Popen[bytes]:
        endpoints = ",".join(f"tcp://127.0.0.1:{link}" for link in links)
        return self.start(
            "router",
            "--endpoints",
            endpoints,
            "--port",
            str(port),
            "--ws-port",
            "0",
            "--dir",
            str(self.directory),
            *words,
        )

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(20)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    try:
        yield started
    finally:
        started.stop()


def test_a_group_with_keys_serves_and_gets_a_killed_shard_and_router_back(processes, tmp_path):
    make_keys(tmp_path / "keys")
    keys = ("--curve-keys", str(tmp_path / "keys"))
    port, *shard_ports = (free_port() for _ in range(3))
    shards = [processes.shard(index, shard_ports[index], *keys) for index in range(2)]
    router = processes.router(port, shard_ports, *keys)
    client = redis.Redis(port=port, socket_timeout=10)
    assert until(client.ping)
    client.mset({f"k{number}": number for number in range(100)})

    shards[1].kill()
    shards[1].wait()
    processes.shard(1, shard_ports[1], *keys)
    assert until(
        lambda: client.mget(f"k{number}" for number in range(100)) == [b"%d" % number for number in range(100)]
    )

    router.kill()
    router.wait()
    processes.router(port, shard_ports, *keys)
    assert until(lambda: client.mget("k1", "k2", "k3")) == [b"1", b"2", b"3"]
    client.mset({f"k{number}": "again" for number in range(100)})
    assert client.mget("k1", "k99") == [b"again"] * 2


def test_a_shard_answers_nobody_whose_key_it_does_not_know(processes, tmp_path):
    """The same greeting from a stranger's key and from the router's: only one is answered."""
    make_keys(tmp_path / "keys")
    make_keys(tmp_path / "strange")
    shutil.copy(tmp_path / "keys" / "shard.key", tmp_path / "strange" / "shard.key")  # public, so anybody may have it
    port = free_port()
    processes.shard(0, port, "--curve-keys", str(tmp_path / "keys"))
    greeting = frames.HELLO + b'{"generation": 1, "shards": 2}'

    def answered(directory: Path | None, timeout_ms: int) -> bool:
        made = Links({"curve-keys": str(directory or ""), "insecure-links": False}, "router")
        peer = made.connect(f"tcp://127.0.0.1:{port}")
        peer.send(greeting)
        found = bool(peer.socket.poll(timeout_ms))
        peer.close()
        made.close()
        return found

    assert answered(tmp_path / "keys", 20_000)
    assert not answered(tmp_path / "strange", 700)
    assert not answered(None, 700)
    assert answered(tmp_path / "keys", 20_000)


def test_a_router_with_a_strange_key_says_so_and_does_not_serve(processes, tmp_path):
    make_keys(tmp_path / "keys")
    make_keys(tmp_path / "strange")
    shutil.copy(tmp_path / "keys" / "shard.key", tmp_path / "strange" / "shard.key")
    port, *shard_ports = (free_port() for _ in range(3))
    for index in range(2):
        processes.shard(index, shard_ports[index], "--curve-keys", str(tmp_path / "keys"))
    processes.router(port, shard_ports, "--curve-keys", str(tmp_path / "strange"))
    assert until(lambda: "do not know each other's keys" in processes.log())
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=port, retry=None).ping()


def test_a_link_to_other_machines_without_keys_is_refused_before_anything_starts(processes):
    ended = processes.start("shard", "--endpoint", "tcp://0.0.0.0:7000", "--dir", str(processes.directory / "data"))
    assert ended.wait(20) == 2
    ended = processes.start(
        "router", "--endpoints", "tcp://192.0.2.1:7000", "--port", str(free_port()), "--ws-port", "0"
    )
    assert ended.wait(20) == 2
    assert processes.log().count("has no keys: make some with `elixircache keys DIR`") == 2


@pytest.mark.parametrize("endpoint", ["ipc:///tmp/x", "tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://localhost:1"])
def test_links_of_this_machine_need_no_keys(endpoint):
    check_endpoint(endpoint)


@pytest.mark.parametrize(
    "endpoint", ["tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://shard-0:1", "tcp://10.0.0.1:1"]
)
def test_links_to_other_machines_do(endpoint):
    with pytest.raises(LinkRefused):
        check_endpoint(endpoint)
    check_endpoint(endpoint, insecure=True)


def test_keys_are_the_owners_alone_and_are_never_overwritten(processes, tmp_path):
    assert {path.name for path in make_keys(tmp_path / "keys")} == set(os.listdir(tmp_path / "keys"))
    assert {os.stat(tmp_path / "keys" / f"{role}.key_secret").st_mode & 0o077 for role in ("router", "shard")} == {0}
    assert processes.start("keys", str(tmp_path / "keys")).wait(20) == 2
    assert "exists already" in processes.log()
