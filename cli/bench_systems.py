"""The servers that the benchmark compares: started on free ports, ended by pid, measured from /proc."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from elixircache import free_port

ROOT = Path(__file__).resolve().parent.parent


def cpu_us(pid: int) -> float:
    """Microseconds of CPU that a process has used in all its threads; 0 when it is gone."""
    total = 0.0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0]) / 1000
    return total


def rss_bytes(pid: int) -> int:
    """Resident memory of a process, 0 when it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def descendants(root: int) -> list[int]:
    """`root` and every process under it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(children.get(pid, []))
    return found


def role_of(pid: int) -> str:
    """The role that a process of ElixirCache plays, from its command line."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        for role in ("router", "shard"):
            if any(role == part.decode(errors="replace").rpartition(".")[2] for part in line):
                return role
    return "supervisor"


class System:
    """A set of processes behind one port. `roles` maps a role to its pids."""

    def __init__(self, name: str, port: int, roles: dict[str, list[int]]) -> None:
        self.name = name
        self.port = port
        self.roles = roles

    def cpu(self) -> dict[str, float]:
        """Microseconds of CPU used so far, by role."""
        return {role: sum(map(cpu_us, pids)) for role, pids in self.roles.items()}

    def rss(self) -> int:
        """Resident bytes of all its processes together."""
        return sum(rss_bytes(pid) for pids in self.roles.values() for pid in pids)


def wait_for_ping(port: int, process: subprocess.Popen[bytes], deadline_s: float = 30) -> None:
    """Until the port answers PING. RuntimeError when it does not, or its process ends."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as probe:
            probe.settimeout(5)
            probe.sendall(b"*1\r\n$4\r\nPING\r\n")
            if probe.recv(64).startswith(b"+PONG"):
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not answer PING on port {port}")


@contextlib.contextmanager
def running(
    command: list[str], directory: str, port: int, own_session: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers PING on `port`; SIGTERM, and after 10 s SIGKILL, at the end."""
    with open(os.path.join(directory, f"log-{port}"), "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=own_session)
    try:
        try:
            wait_for_ping(port, process)
        except RuntimeError as error:
            tail = Path(directory, f"log-{port}").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{error}\n{tail}") from None
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def redis_server(own_session: bool = True) -> Iterator[System]:
    """redis-server without persistence."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", directory]
        with running(command, directory, port, own_session) as process:
            yield System("redis-server", port, {"redis": [process.pid]})


@contextlib.contextmanager
def twemproxy() -> Iterator[System]:
    """twemproxy in front of two redis-server without persistence."""
    port, stats = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        shards = [stack.enter_context(redis_server()) for _ in range(2)]
        pids = [pid for shard in shards for pid in shard.roles["redis"]]
        servers = "".join(f"    - 127.0.0.1:{shard.port}:1\n" for shard in shards)
        config = Path(directory, "nutcracker.yml")
        config.write_text(
            f"bench:\n  listen: 127.0.0.1:{port}\n  redis: true\n  hash: fnv1a_64\n  distribution: ketama\n"
            f"  preconnect: true\n  server_connections: 1\n  servers:\n{servers}"
        )
        command = ["nutcracker", "-c", str(config), "-s", str(stats), "-m", "16384"]
        process = stack.enter_context(running(command, directory, port))
        yield System("twemproxy + 2 redis", port, {"proxy": [process.pid], "redis": pids})


@contextlib.contextmanager
def elixircache(shards: int, ws_port: int = 0, own_session: bool = True) -> Iterator[System]:
    """A master group without a journal, as `elixircache master` starts it."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        command = [sys.executable, "-m", "cli", "master", "--shards", str(shards), "--port", str(port)]
        command += ["--dir", directory, "--appendonly", "no", "--save", "", "--ws-port", str(ws_port)]
        with running(command, directory, port, own_session) as process:
            time.sleep(0.3)
            roles: dict[str, list[int]] = {}
            for pid in descendants(process.pid):
                roles.setdefault(role_of(pid), []).append(pid)
            yield System(f"ElixirCache, {shards} shard{'s' if shards > 1 else ''}", port, roles)


def missing_tools() -> list[str]:
    """Programs that the benchmark needs and that are not installed."""
    return [tool for tool in ("redis-server", "redis-benchmark", "nutcracker") if shutil.which(tool) is None]
