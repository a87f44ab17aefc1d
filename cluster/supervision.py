"""The shell around the supervisor's core: processes, signals, control channels and the run directory.

    supervisor ==control socket==> router     {"shard": 0, "state": "up", "endpoint": "ipc://..."}
               <==control socket==            {"ready": true, "port": 6379}, {"wedged": 0}
               <==control socket== shards     {"ready": true}

Children write their logs to the standard error that they inherit, so a supervisor that is busy or dead never
blocks one. They are in process groups of their own: Ctrl-C reaches the supervisor alone, which ends them in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.locks import DirectoryLock
from cluster.process import CONTROL_FD, LISTEN_FDS, PARENT_PID, Lines
from cluster.supervisor import (
    ROUTER,
    Action,
    Configure,
    Exit,
    Kill,
    Log,
    Policy,
    Ready,
    Start,
    State,
    Supervisor,
    Tell,
)

# A path of a unix socket has at most 107 bytes (sockaddr_un); the file name needs some of them.
_RUN_PATH_MAX = 80
RUN_NAME = "run"
STATE_NAME = "state.json"
DOORS_MAX = 64


@dataclass(slots=True)
class Group:
    """What to run. `config` is handed to the children as JSON; its keys are configuration names."""

    shards: int
    directory: Path
    config: dict[str, Any] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    # Called with the router's words when the group serves for the first time.
    on_ready: Callable[[Mapping[str, Any]], None] = lambda details: None
    # Called with configuration that was changed at run time.
    on_change: Callable[[Mapping[str, Any]], None] = lambda values: None
    listeners: list[socket.socket] = field(default_factory=list)  # the front door's, from open_listeners()
    owner_fd: int = -1  # the group ends when the other end of this pipe is closed

    def shard_command(self, index: int, endpoint: str, config_file: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "shard"),
            *("--index", str(index), "--shards", str(self.shards)),
            *("--endpoint", endpoint, "--dir", str(self.directory), "--config-json", str(config_file)),
        ]

    def router_command(self, endpoints: Sequence[str], control_fd: int, config_file: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "router"),
            *("--endpoints", ",".join(endpoints)),
            *("--config-json", str(config_file), "--control", str(control_fd)),
        ]


def run_group(group: Group, lock: DirectoryLock) -> int:
    """Runs a group until it is told to stop; returns the exit code. Main thread only: it takes the signals.

    `lock` is held already, so that whoever calls could say that the directory is in use before anything starts.
    """
    return _Shell(group, lock).run()


@dataclass(slots=True)
class _Process:
    process: subprocess.Popen[bytes]
    control: socket.socket
    lines: Lines
    endpoint: str
    doors: list[int] = field(default_factory=list)  # descriptors that have come, for the message that tells of them


class _Shell:
    def __init__(self, group: Group, lock: DirectoryLock) -> None:
        self.group = group
        self.lock = lock
        self.core = Supervisor(group.shards, group.policy)
        self.run_directory = make_run_directory(group.directory)
        self.config_file = self.run_directory / "config.json"
        self.processes: dict[str, _Process] = {}
        self.endpoints = [""] * group.shards
        self.selector = selectors.DefaultSelector()
        self.exit: Exit | None = None

    def run(self) -> int:
        self._write_config()
        wakeup, woken = socket.socketpair()
        wakeup.setblocking(False)
        woken.setblocking(False)
        before = signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
        # A handler has to be there for the byte to be written; what is to be done is read from that byte.
        handlers = {number: signal.signal(number, lambda *_: None) for number in handled}
        self.selector.register(woken, selectors.EVENT_READ, "signals")
        if self.group.owner_fd >= 0:
            self.selector.register(self.group.owner_fd, selectors.EVENT_READ, "owner")
        try:
            self._perform(self.core.begin(time.monotonic()))
            while self.exit is None:
                self._turn(woken)
        finally:
            for running in self.processes.values():  # only after an error of our own
                with contextlib.suppress(ProcessLookupError):
                    running.process.kill()
                running.process.wait()
            shutil.rmtree(self.run_directory, ignore_errors=True)
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self.selector.close()
            wakeup.close()
            woken.close()
        if self.exit.error:
            print(f"elixircache: {self.exit.error}", file=sys.stderr, flush=True)
        return self.exit.code

    def _turn(self, woken: socket.socket) -> None:
        at = self.core.next_at()
        timeout = None if at is None else max(0.0, at - time.monotonic())
        for key, _ in self.selector.select(timeout):
            if key.data == "signals":
                self._signals(woken.recv(4096))
            elif key.data == "owner":
                if not os.read(self.group.owner_fd, 4096):
                    self.selector.unregister(self.group.owner_fd)
                    self._perform(self.core.stop(time.monotonic()))
            else:
                self._receive(key.data)
        self._perform(self.core.tick(time.monotonic()))

    def _signals(self, numbers: bytes) -> None:
        if signal.SIGCHLD in numbers:
            for name, running in list(self.processes.items()):
                if (status := running.process.poll()) is not None:
                    self._receive(name)  # its last words may say why
                    self._forget(name)
                    self._perform(self.core.exited(name, status, time.monotonic()))
        if any(number in numbers for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
            self._perform(self.core.stop(time.monotonic()))

    def _receive(self, name: str) -> None:
        running = self.processes.get(name)
        if running is None:
            return
        while True:
            try:
                data, doors, _, _ = socket.recv_fds(running.control, 65536, DOORS_MAX)
            except BlockingIOError:
                return
            except OSError:
                data, doors = b"", []
            running.doors += doors
            if not data:  # closed: its exit follows as a signal
                with contextlib.suppress(KeyError):
                    self.selector.unregister(running.control)
                return
            for message in running.lines.feed(data):
                if "doors" in message:
                    self._take_doors([socket.socket(fileno=fd) for fd in running.doors])
                    running.doors = []
                    continue
                self._perform(self.core.message(name, message, time.monotonic()))

    def _take_doors(self, doors: list[socket.socket]) -> None:
        """The router listens elsewhere now (CONFIG SET port, bind), and so will the next one."""
        kept = [listener for listener in self.group.listeners if listener.family == socket.AF_UNIX]
        for listener in self.group.listeners:
            if listener not in kept:
                listener.close()
        self.group.listeners = doors + kept

    def _perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Start(child, incarnation):
                    self._start(child, incarnation)
                case Kill(child, number):
                    if running := self.processes.get(child):
                        running.process.send_signal(number)
                case Tell(child, message):
                    self._tell(child, message)
                case Log(text):
                    self._log(text)
                case Ready(details):
                    self.group.on_ready(details)
                case Configure(values):
                    self.group.config.update(values)
                    self.group.on_change(values)
                    self._write_config()
                case Exit():
                    self.exit = action
        if actions:
            self._write_state()

    def _start(self, name: str, incarnation: int) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        endpoint = ""
        if name == ROUTER:
            # It is told of the others when they are ready.
            ready = self.core.ready_shards()
            known = [endpoint if index in ready else "" for index, endpoint in enumerate(self.endpoints)]
            command = self.group.router_command(known, theirs.fileno(), self.config_file)
        else:
            index = self.core.children[name].index
            # A path that was never used before: nothing of the last process can answer on it.
            endpoint = f"ipc://{self.run_directory}/{name}.{incarnation}"
            self.endpoints[index] = endpoint
            command = self.group.shard_command(index, endpoint, self.config_file)
        environment = os.environ | {CONTROL_FD: str(theirs.fileno()), PARENT_PID: str(os.getpid())}
        inherited = [theirs.fileno(), self.lock.fileno()]
        if name == ROUTER:
            doors = [listener.fileno() for listener in self.group.listeners]
            environment[LISTEN_FDS] = ",".join(map(str, doors))
            inherited += doors
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=2,
            pass_fds=inherited,
            process_group=0,
        )
        theirs.close()
        self.processes[name] = _Process(process, ours, Lines(), endpoint)
        self.selector.register(ours, selectors.EVENT_READ, name)

    def _tell(self, name: str, message: dict[str, Any]) -> None:
        running = self.processes.get(name)
        if running is None:
            return
        if message.get("state") == "up":
            message = message | {"endpoint": self.endpoints[message["shard"]]}
        try:
            running.control.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            # A router that does not read its channel would miss where its shards are.
            self._log(f"{name} does not read its control channel ({error}) and is killed")
            running.process.kill()

    def _log(self, text: str) -> None:
        log(text, str(self.group.config.get("log-format")))

    def _forget(self, name: str) -> None:
        running = self.processes.pop(name)
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(running.control)
        running.control.close()
        if running.endpoint:
            Path(running.endpoint.removeprefix("ipc://")).unlink(missing_ok=True)

    def _write_config(self) -> None:
        _replace(self.config_file, self.group.config)

    def _write_state(self) -> None:
        """Who runs, for people and for elixircache.LocalCluster."""
        if self.exit is not None:
            return
        children = {
            child.name: {
                "state": child.state.value,
                "incarnation": child.incarnation,
                "pid": running.process.pid if (running := self.processes.get(child.name)) else None,
                "endpoint": running.endpoint if running else "",
            }
            for child in self.core.children.values()
        }
        serving = self.core.router.state is State.READY
        state = {"pid": os.getpid(), "serving": serving, "link": self.core.link, "children": children}
        _replace(self.run_directory / STATE_NAME, state)


def make_run_directory(directory: Path) -> Path:
    """The directory of the sockets, which only the user may enter. The caller holds the lock of `directory`.

    It is DIR/run; where that is too long for a socket's name, a link of that name leads to a short one.
    What an earlier instance left there is removed.
    """
    place = directory.resolve() / RUN_NAME
    if place.is_symlink():
        shutil.rmtree(place.resolve(), ignore_errors=True)
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
    if len(os.fsencode(place)) <= _RUN_PATH_MAX:
        place.mkdir(mode=0o700)
        place.chmod(0o700)
        return place
    short = Path(tempfile.mkdtemp(prefix="elixircache-"))
    place.symlink_to(short)
    return short


def log(text: str, form: str = "text") -> None:
    """One line on standard error, in the form (`log-format`) that the children use."""
    now = time.time()
    if form == "json":
        entry = {"time": now, "pid": os.getpid(), "role": "supervisor", "level": "info", "message": text}
        print(json.dumps(entry), file=sys.stderr, flush=True)
        return
    stamp = time.strftime("%d %b %Y %H:%M:%S", time.localtime(now)) + f".{int(now * 1000) % 1000:03d}"
    print(f"{os.getpid()}:supervisor {stamp} * {text}", file=sys.stderr, flush=True)


def _replace(path: Path, content: dict[str, Any]) -> None:
    """Writes JSON so that a reader sees the old or the new file. It may hold passwords: the owner's alone."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
    fresh.replace(path)
