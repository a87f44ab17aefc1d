"""`elixircache up --replicas`: groups that start, end and come back together, and keep their roles."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

import elixircache
from tests.processes.waiting import until

ROOT = Path(__file__).parents[2]


def neighbours() -> int:
    """A port that is free, and the next one too."""
    while True:
        port = elixircache.free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def words(port: int, directory: Path) -> list[str]:
    place = ["--port", str(port), "--ws-port", "0", "--dir", str(directory)]
    return [sys.executable, "-m", "cli", "up", "--shards", "2", "--save", "", *place]


@contextmanager
def up(port: int, directory: Path) -> Iterator[list[str]]:
    """What it prints until READY; it is ended by SIGINT, as by Ctrl-C, with the block."""
    process = subprocess.Popen(words(port, directory), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines: list[str] = []
        while not lines or lines[-1] != "READY":
            lines.append(process.stdout.readline().rstrip())
            assert lines[-1] or process.poll() is None
        yield lines
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def pids(directory: Path) -> list[int]:
    state = json.loads((directory / "run" / "state.json").read_text())
    return [state["pid"], *(child["pid"] for child in state["children"].values() if child["pid"])]


def test_up_runs_a_replica_keeps_the_roles_and_brings_a_killed_group_back(tmp_path):
    data, port = tmp_path / "data", neighbours()
    first, second = redis.Redis(port=port), redis.Redis(port=port + 1)
    with up(port, data) as lines:
        text = "\n".join(lines)
        assert f"127.0.0.1:{port}" in text and f"127.0.0.1:{port + 1}" in text
        assert lines[-2].strip() == f"try             redis-cli -p {port} SET hello world"
        assert second.role()[:4] == [b"slave", b"127.0.0.1", port, b"connected"]  # READY means synchronised
        first.set("kept", "by both")
        assert first.wait(1, 10_000) == 1 and second.get("kept") == b"by both"
        status = subprocess.run(
            [sys.executable, "-m", "cli", "status", "--port", str(port + 1), "--json"],
            cwd=ROOT, capture_output=True, text=True, timeout=90,
        )  # fmt: skip
        groups = {group["address"]: group for group in json.loads(status.stdout)["groups"]}
        assert status.returncode == 0
        assert groups[f"127.0.0.1:{port}"]["role"] == "master" and groups[f"127.0.0.1:{port}"]["keys"] == 1
        assert groups[f"127.0.0.1:{port + 1}"]["state"] == "online" and groups[f"127.0.0.1:{port + 1}"]["keys"] == 1
        for pid in pids(data / "replica-1"):
            os.kill(pid, signal.SIGKILL)
        until(lambda: second.role()[3] == b"connected", 30)
        first.execute_command("FAILOVER", "TIMEOUT", 10_000)
        until(lambda: second.role()[0] == b"master" and first.role()[0] == b"slave" and first.role()[3] == b"connected")
        second.set("written", "to the promoted one")
        second.config_set("maxmemory-samples", 7)
        second.config_rewrite()
        alive = [*pids(data), *pids(data / "replica-1")]
    assert not any(elixircache._runs(pid) for pid in alive)
    with up(port, data) as lines:
        assert f"redis-cli -p {port + 1} SET" in lines[-2]
        assert second.role()[0] == b"master" and first.role()[:3] == [b"slave", b"127.0.0.1", port + 1]
        assert second.config_get("maxmemory-samples") == {"maxmemory-samples": "7"}
        assert first.get("written") == b"to the promoted one" and second.get("kept") == b"by both"


def test_nothing_starts_when_a_replica_s_port_is_taken(tmp_path):
    port = neighbours()
    with socket.create_server(("127.0.0.1", port + 1)):
        result = subprocess.run(words(port, tmp_path), cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == f"elixircache: cannot serve 127.0.0.1:{port + 1}: Address already in use\n"
    assert not (tmp_path / "run").exists()
