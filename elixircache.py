"""ElixirCache as a library. Importing it needs none of the server's dependencies.

    with elixircache.LocalCluster(shards=2) as cluster:
        cluster.client().set("hello", "world")
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

__version__ = "0.1.0"
__all__ = ["ClusterError", "LocalCluster", "ServerFunction", "__version__", "function", "pack"]

START_S = 60.0
STOP_S = 15.0


class ClusterError(RuntimeError):
    """A local cluster did not start or did not do what was asked; the text has its log's end."""


class LocalCluster:
    """A real cluster of processes on free ports of this machine, for tests and experiments.

    shards: how many. directory: where it keeps its data; without one a temporary directory that
    goes with it. replicas: how many groups follow it, each a LocalCluster of `cluster.replicas`
    with processes of its own, synchronised when `start` returns.
    Further names are configuration (`appendfsync="always"`; "_" stands for "-").
    """

    def __init__(self, shards: int = 2, directory: str | Path | None = None, *, replicas: int = 0, **config: Any):
        self.shards = shards
        self.replicas: list[LocalCluster] = []
        self._replica_count = replicas
        self._given = config
        self._role = ["master"]
        self._temporary = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="elixircache-cluster-"))
        self.config = {name.replace("_", "-"): _text(value) for name, value in config.items()}
        self.port = int(self.config.pop("port", 0)) or free_port()
        self.ws_port = int(self.config.pop("ws-port", 0)) or free_port()
        self.log_path = self.directory / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> LocalCluster:
        """Start and wait until commands are served. ClusterError if that fails."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "cli", *self._role, "--shards", str(self.shards), "--port", str(self.port)]
        command += ["--ws-port", str(self.ws_port), "--dir", str(self.directory)]
        for name, value in self.config.items():
            command += [f"--{name}", value]
        owner, ours = os.pipe()
        self._pipe = ours
        command += ["--owner-fd", str(owner)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([_source_root(), os.environ.get("PYTHONPATH", "")])}
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, pass_fds=[owner], env=environment
            )
        os.close(owner)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        said = b""
        deadline = time.monotonic() + START_S
        while b"READY" not in said.split(b"\n"):
            said += self._process.stdout.read() or b""
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = self.log_path.read_text(errors="replace")[-4000:]
                self.stop()
                raise ClusterError(f"the cluster did not start:\n{tail}")
            time.sleep(0.01)
        self._start_replicas()
        return self

    def _start_replicas(self) -> None:
        """Each replica group has ports and a directory of its own."""
        config = {name: value for name, value in self._given.items() if name not in ("port", "ws_port", "unixsocket")}
        try:
            for number in range(1, self._replica_count + 1):
                replica = LocalCluster(self.shards, self.directory / f"replica-{number}", **config)
                replica._role = ["replica", "--of", f"127.0.0.1:{self.port}"]
                if "requirepass" in self.config:
                    replica.config.setdefault("masterauth", self.config["requirepass"])
                self.replicas.append(replica.start())
            for replica in self.replicas:
                replica._wait_until_synced()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int | None:
        """End all processes; a temporary directory goes with them. The exit code."""
        while self.replicas:
            self.replicas.pop().stop()
        process, self._process = self._process, None
        code = None
        if process is not None:
            pids = [process.pid, *self._pids().values()]
            os.close(self._pipe)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if process.stdout is not None:
                process.stdout.close()
            # After kill -9 of the supervisor the kernel ends its children, a moment later.
            deadline = time.monotonic() + STOP_S
            while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
                time.sleep(0.01)
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
        return code

    def __enter__(self) -> LocalCluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def client(self, **options: Any) -> Any:
        """A redis-py client; `options` are its own."""
        import redis

        return redis.Redis(**{"port": self.port, "password": self.config.get("requirepass"), **options})

    def _wait_until_synced(self) -> None:
        deadline = time.monotonic() + START_S
        while self._state().get("link") != "connected":
            if time.monotonic() > deadline:
                tail = self.log_path.read_text(errors="replace")[-4000:]
                raise ClusterError(f"a replica did not synchronise:\n{tail}")
            time.sleep(0.01)

    @property
    def supervisor_pid(self) -> int:
        """The process that started all others."""
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name ("router", "shard-0", ...)."""
        return self._pids()

    def _state(self) -> dict[str, Any]:
        """What its supervisor says of it."""
        try:
            return dict(json.loads((self.directory / "run" / "state.json").read_text()))
        except FileNotFoundError:  # it has ended, or not begun
            return {}

    def _pids(self) -> dict[str, int]:
        return {name: child["pid"] for name, child in self._state().get("children", {}).items() if child["pid"]}

    def kill_shard(self, index: int, number: int = signal.SIGKILL) -> None:
        """Send a signal (SIGKILL) to a shard's process."""
        os.kill(self.pids[f"shard-{index}"], number)

    def kill_router(self, number: int = signal.SIGKILL) -> None:
        """Send a signal (SIGKILL) to the router's process."""
        os.kill(self.pids["router"], number)

    def wait_until_serving(self, timeout_s: float = 30.0) -> None:
        """Wait until PING and a read on every shard are answered. ClusterError after the timeout."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                with self.client(socket_timeout=timeout_s) as client:
                    client.ping()
                    client.dbsize()
                    return
            except Exception as error:
                if time.monotonic() > deadline:
                    raise ClusterError(f"the cluster does not serve: {error}") from error
                time.sleep(0.05)


# Each process begins somewhere else, so that two seldom look at the same port at one time.
_ports = itertools.count(int.from_bytes(os.urandom(4), "little"))
_PORT_MIN = 10_000


def free_port() -> int:
    """A TCP port that nobody uses now.

    It is none that the system gives to whoever connects: such a one may be taken before it is listened at.
    """
    ephemeral = 32_768
    with contextlib.suppress(OSError, ValueError):
        ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    span = max(ephemeral - _PORT_MIN, 0)
    for _ in range(span):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("", _PORT_MIN + next(_ports) % span))
            return int(probe.getsockname()[1])
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _runs(pid: int) -> bool:
    """Whether a process still executes; one that has ended and waits for its parent does not."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _source_root() -> str:
    """Where the packages of the server are, so that `python -m cli` finds them."""
    return str(Path(__file__).resolve().parent)


# -- Python functions: shipped on first use, called by name afterwards ----------------------------


def pack(f: Callable[..., Any]) -> bytes:
    """A function as PY.LOAD and PY.EVAL take it: its Python version and source, then its pickle."""
    import cloudpickle

    try:
        source = inspect.getsource(f)
    except (OSError, TypeError):
        source = ""
    header = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}", "source": source}
    return b"#!python " + json.dumps(header).encode() + b"\n" + bytes(cloudpickle.dumps(f))


class ServerFunction:
    """A function that runs beside the data; made by `@function`.

    `f(connection, keys, args)` calls it through any redis-py connection. The server keeps it
    under a name with a digest of its blob, so a changed function is another one. `f.local` is
    the plain function.
    """

    def __init__(self, f: Callable[..., Any], readonly: bool = False):
        functools.update_wrapper(self, f)
        self.local = f
        self.readonly = readonly
        self._blob: bytes | None = None
        self._name: str | None = None

    @property
    def blob(self) -> bytes:
        """What is sent to the server, made once."""
        if self._blob is None:
            self._blob = pack(self.local)
        return self._blob

    @property
    def name(self) -> str:
        """The name on the server."""
        if self._name is None:
            self._name = f"{self.local.__name__}:{hashlib.sha1(self.blob).hexdigest()[:16]}"
        return self._name

    def __call__(self, connection: Any, keys: Sequence[Any] = (), args: Sequence[Any] = ()) -> Any:
        """Run it on the server. redis.ResponseError with PYERR when it raises."""
        from redis.exceptions import ResponseError

        command = ["PY.CALL_RO" if self.readonly else "PY.CALL", self.name, len(keys), *keys, *args]
        try:
            return connection.execute_command(*command)
        except ResponseError as error:
            if not str(error).startswith("NOFUNCTION"):
                raise
        connection.execute_command("PY.LOAD", self.name, self.blob, "REPLACE")
        return connection.execute_command(*command)


def function(f: Callable[..., Any] | None = None, *, readonly: bool = False) -> Any:
    """Make a plain function `f(db, keys, args)` run on the server: `@function` or
    `@function(readonly=True)`, which may run on replicas."""
    if f is None:
        return lambda real: ServerFunction(real, readonly)
    return ServerFunction(f, readonly)
