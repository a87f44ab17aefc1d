"""The supervisor's shell with real processes that only pretend to be shards and a router."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DUMMY = Path(__file__).with_name("dummy_child.py")
SCRIPT = """
import sys
from dataclasses import dataclass
from pathlib import Path
from cluster.locks import DirectoryLock
from cluster.supervision import Group, run_group

directory, manner, dummy, owner = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

class Dummies(Group):
    def shard_command(self, index, endpoint, config_file):
        return [sys.executable, dummy, f"shard-{index}", str(directory), manner]

    def router_command(self, endpoints, control_fd, config_file):
        return [sys.executable, dummy, "router", str(directory), "obedient"]

group = Dummies(2, directory, {"port": 1}, on_ready=lambda details: print("READY", details["port"], flush=True))
group.owner_fd = owner
sys.exit(run_group(group, DirectoryLock(directory)))
"""


class Supervised:
    """A supervisor in a process of its own, with dummies as children."""

    def __init__(self, directory: Path, manner: str = "obedient", owner: int = -1):
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(directory), manner, str(DUMMY), str(owner)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> str:
        """What the group says when its router (which does not wait for shards here) is ready; the shards are too."""
        said = self.process.stdout.readline().strip()
        until(lambda: len(self.log("router")) == 3)  # "start" and that each shard is up
        return said

    def pids(self) -> dict[str, int]:
        state = json.loads((self.directory / "run" / "state.json").read_text())
        return {name: child["pid"] for name, child in state["children"].items()}

    def log(self, name: str) -> list[str]:
        path = self.directory / f"{name}.log"
        return [line.split(" ", 1)[1] for line in path.read_text().splitlines()] if path.exists() else []

    def order(self, name: str, words: str) -> None:
        """It is there whole or not at all: it may be read at once."""
        path = self.directory / f"{name}.order.new"
        path.write_text(words)
        path.rename(path.with_suffix(""))

    def end(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=15)
        return self.process.returncode, errors


def until(condition, seconds: float = 10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"  # a zombie has ended; only its parent has not been told


@pytest.fixture
def start(tmp_path):
    started = []

    def run(manner: str = "obedient", **options) -> Supervised:
        started.append(Supervised(tmp_path, manner, **options))
        return started[-1]

    yield run
    for supervised in started:
        if supervised.process.poll() is None:
            supervised.process.kill()
        supervised.process.communicate()


def test_it_is_ready_when_the_router_is_and_ends_everything_on_sigterm(start):
    supervised = start()
    assert supervised.ready() == "READY 1234"
    pids = supervised.pids()
    assert sorted(pids) == ["router", "shard-0", "shard-1"]
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.end()[0] == 0
    assert not any(alive(pid) for pid in pids.values())
    assert supervised.log("shard-0") == ["start", "term"]
    assert not (supervised.directory / "run").exists()


def test_children_die_with_a_supervisor_that_is_killed(start):
    supervised = start("deaf")
    supervised.ready()
    pids = supervised.pids()
    supervised.process.kill()
    until(lambda: not any(alive(pid) for pid in pids.values()))


def test_a_killed_shard_comes_back_and_the_router_hears_of_both(start):
    supervised = start()
    supervised.ready()
    first = supervised.pids()["shard-1"]
    os.kill(first, signal.SIGKILL)
    until(lambda: len(supervised.log("router")) == 5)
    run = os.path.dirname(supervised.log("router")[-1].split("ipc://")[1])  # another place if paths there are too long
    assert sorted(supervised.log("router")[:3]) == [
        "start", f"told 0 up ipc://{run}/shard-0.1", f"told 1 up ipc://{run}/shard-1.1"
    ]  # fmt: skip
    assert supervised.log("router")[3:] == ["told 1 down", f"told 1 up ipc://{run}/shard-1.2"]
    assert supervised.pids()["shard-1"] != first


def test_a_wedged_shard_is_killed_although_it_ignores_sigterm(start):
    supervised = start("deaf")
    supervised.ready()
    first = supervised.pids()["shard-0"]
    supervised.order("router", "wedged 0")
    until(lambda: supervised.log("shard-0") == ["start", "start"])
    assert not alive(first)


def test_a_crashed_router_comes_back_and_the_shards_stay(start):
    supervised = start()
    supervised.ready()
    before = supervised.pids()
    supervised.order("router", "exit")
    until(lambda: supervised.log("router")[3:] == ["start"])
    after = supervised.pids()
    assert (after["shard-0"], after["shard-1"]) == (before["shard-0"], before["shard-1"])
    assert after["router"] != before["router"]


def test_deaf_shards_are_killed_within_ten_seconds(start):
    supervised = start("deaf")
    supervised.ready()
    pids = supervised.pids()
    began = time.monotonic()
    supervised.process.send_signal(signal.SIGINT)
    code, errors = supervised.end()
    assert time.monotonic() - began < 10.0
    assert code == 0
    assert "shard-0 did not end in time and is killed" in errors
    assert not any(alive(pid) for pid in pids.values())


def test_shards_that_never_start_end_the_group_with_an_error(start):
    code, errors = start("dies").end()
    assert code == 1
    assert "does not start (exit code 7)" in errors.splitlines()[-1]


def test_a_fatal_word_is_the_error_of_the_group(start):
    code, errors = start("fatal").end()
    assert code == 2
    assert errors.splitlines()[-1] == "elixircache: the journal is damaged"


def test_the_group_ends_when_its_owner_lets_go(start):
    supervised = start(owner=0)
    supervised.ready()
    pids = supervised.pids()
    supervised.process.stdin.close()
    supervised.process.stdin = None
    assert supervised.end()[0] == 0
    assert not any(alive(pid) for pid in pids.values())


def test_the_run_directory_is_the_users_alone(start):
    supervised = start()
    supervised.ready()
    run = supervised.directory / "run"
    assert run.stat().st_mode & 0o777 == 0o700
    assert (run / "config.json").stat().st_mode & 0o777 == 0o600
