"""A Docker engine, an image to build on, and compose projects on free ports that end with the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elixircache import free_port
from tests.processes.waiting import until

ROOT = Path(__file__).parents[2]
PULLED_BASE, PULLED_SENTINEL = "python:3.12-slim", "redis:7.2"
OWN_BASE = "elixircache-base"
# Images and layers are a gigabyte, too much for the memory that tests/conftest.py puts files into.
DISK = "/var/tmp"
# IMAGE names an image that is there already; without it one is built.
IMAGE = os.environ.get("IMAGE", "elixircache-test")
BUILD = [] if "IMAGE" in os.environ else ["--build"]


def run(*words: str, environment: dict[str, str] | None = None, timeout_s: float = 900) -> str:
    """Output of a command; an AssertionError with all it said when it fails."""
    done = subprocess.run(words, cwd=ROOT, env=environment, timeout=timeout_s, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def works(*words: str, timeout_s: float = 60) -> bool:
    try:
        return subprocess.run(words, timeout=timeout_s, capture_output=True).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def unmount_below(place: Path) -> None:
    """What dockerd leaves mounted when it ends (the host's network namespace) cannot be removed before."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in reversed(mounted):
        if point.startswith(f"{place}/"):
            run("umount", point)


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """The engine that runs here (DOCKER_HOST), or one of our own in a temporary directory on disk."""
    if works("docker", "info"):
        yield
        return
    daemon = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin")
    if daemon is None or os.getuid() != 0:
        reason = "no Docker engine runs here, and one can only be started by root where dockerd is installed"
        if os.environ.get("ELIXIRCACHE_REQUIRE_PEERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    place = Path(tempfile.mkdtemp(prefix="elixircache-docker-", dir=DISK))
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = f"unix://{place}/docker.sock"
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [daemon, "--data-root", f"{place}/data", "--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid"]
            + ["--host", os.environ["DOCKER_HOST"]],
            stdout=log,
            stderr=log,
        )
    try:
        try:
            until(lambda: works("docker", "info"), 60)
        except AssertionError:
            pytest.fail(f"dockerd does not start:\n{(place / 'log').read_text()[-3000:]}")
        yield
    finally:
        process.terminate()
        process.wait(60)
        if before is None:
            del os.environ["DOCKER_HOST"]
        else:
            os.environ["DOCKER_HOST"] = before
        unmount_below(place)
        shutil.rmtree(place)


@pytest.fixture(scope="session")
def images(engine: None) -> dict[str, str]:
    """What the compose files are told: the image to build on, given by BASE, pulled, or made of this machine's Debian."""
    base, sentinel = os.environ.get("BASE", ""), os.environ.get("SENTINEL_IMAGE", "")
    if not base and works("docker", "pull", "-q", PULLED_BASE) and works("docker", "pull", "-q", PULLED_SENTINEL):
        base, sentinel = PULLED_BASE, PULLED_SENTINEL
    if not base:
        base = OWN_BASE
        if not works("docker", "image", "inspect", base):
            run("sh", "tests/compose/make_base.sh", base, environment=os.environ | {"TMPDIR": DISK})
    return {"IMAGE": IMAGE, "BASE": base, "SENTINEL_IMAGE": sentinel or base, "BUILD_NETWORK": "host"}


class Project:
    """One compose file, running."""

    def __init__(self, file: str, images: dict[str, str]):
        self.port, self.ws_port = free_port(), free_port()
        self.environment = os.environ | images | {"PORT": str(self.port), "WS_PORT": str(self.ws_port)}
        program = ["docker", "compose"] if works("docker", "compose", "version") else ["docker-compose"]
        self.words = [*program, "-f", f"compose/{file}", "-p", f"elixircache-test-{self.port}"]

    def compose(self, *words: str) -> str:
        return run(*self.words, *words, environment=self.environment)

    def container(self, service: str) -> str:
        """Id of a service's container, also of one that has stopped."""
        return self.compose("ps", "-q", service).strip() or self.compose("ps", "-a", "-q", service).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(run("docker", "inspect", self.container(service)))[0]
        return found

    def address(self, service: str) -> str:
        """Its address in the project's network, which this machine reaches."""
        networks = self.inspect(service)["NetworkSettings"]["Networks"].values()
        return str(next(iter(networks))["IPAddress"])

    def crash(self, service: str) -> None:
        """kill -9 of the container's processes, not by Docker: its restart policy has to bring it back."""
        before = self.inspect(service)["RestartCount"]
        os.kill(self.inspect(service)["State"]["Pid"], 9)
        until(lambda: self.inspect(service)["RestartCount"] > before and self.inspect(service)["State"]["Running"], 60)

    def down(self) -> float:
        """Stop and remove everything; seconds it took to stop."""
        started = time.monotonic()
        self.compose("stop")
        took = time.monotonic() - started
        self.compose("down", "-v")
        return took


@pytest.fixture
def project(request: pytest.FixtureRequest, images: dict[str, str]) -> Iterator[Project]:
    """The compose file that the test names with @pytest.mark.parametrize(..., indirect=True), up and built."""
    started = Project(request.param, images)
    try:
        started.compose("up", *BUILD, "-d")
        yield started
    except BaseException:
        print(
            subprocess.run(
                [*started.words, "logs", "--tail", "40"],
                env=started.environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
            ).stdout
        )
        raise
    finally:
        subprocess.run(
            [*started.words, "down", "-v", "-t", "5"], env=started.environment, cwd=ROOT, capture_output=True
        )
