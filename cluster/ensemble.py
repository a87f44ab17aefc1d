"""Several groups on one machine under one command: a master and its replicas.

    up  --fork-->  supervisor of group 0      DIR
        --fork-->  supervisor of group 1      DIR/replica-1
        ...

Each group is a whole one with its own supervisor; it ends with the process that started it, and is started anew
when it dies. Every group notes in its directory what it is now (ROLE_NAME), so that after a failover and a
restart of everything the group that was promoted last is the master, not the one that began as such.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.process import fork_dies_with_parent
from cluster.supervision import RUN_NAME, STATE_NAME, log

ROLE_NAME = "role.json"
POLL_S = 0.02
BACKOFF_S_MAX = 5.0
STABLE_S = 10.0
STOP_S = 12.0  # a group's own end takes less than 10 s


@dataclass(slots=True)
class Member:
    """One group. address: "host port". run(replica of) serves as a master ("") or replica until it is told to
    end and returns the exit code; it is called in a process of its own."""

    directory: Path
    address: str
    run: Callable[[str], int]
    pid: int = 0
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0

    def state(self) -> dict[str, Any]:
        """What its supervisor says of it; empty before it does."""
        try:
            found = json.loads((self.directory / RUN_NAME / STATE_NAME).read_text())
        except (OSError, ValueError):
            return {}
        return dict(found) if found.get("pid") == self.pid else {}


def note_role(directory: Path, replicaof: str) -> None:
    """A group is a master (""), or a replica of "host port", from now on."""
    fresh = directory / (ROLE_NAME + ".new")
    fresh.write_text(json.dumps({"replicaof": replicaof, "since_ms": time.time_ns() // 1_000_000}))
    fresh.replace(directory / ROLE_NAME)


def noted_role(directory: Path) -> str | None:
    """What a group noted that it is: "" or "host port"; None if it has noted nothing."""
    try:
        return str(json.loads((directory / ROLE_NAME).read_text())["replicaof"])
    except (OSError, ValueError, KeyError):
        return None


def noted_master(directories: Sequence[Path]) -> int:
    """Which of these groups was promoted last; the first if none has ever run as a master."""
    newest, found = -1, 0
    for number, directory in enumerate(directories):
        try:
            noted = json.loads((directory / ROLE_NAME).read_text())
        except (OSError, ValueError):
            continue
        if not noted["replicaof"] and noted["since_ms"] > newest:
            newest, found = noted["since_ms"], number
    return found


class Ensemble:
    """Runs the groups until a signal, the owner's end, or a group that never came up."""

    def __init__(
        self,
        members: Sequence[Member],
        master: int,
        on_ready: Callable[[], None],
        owner_fd: int = -1,
        log_format: str = "text",
    ):
        self.members = list(members)
        self.master = master
        self.on_ready = on_ready
        self.owner_fd = owner_fd
        self.log_format = log_format
        self.ready = False
        self.ending = False

    def run(self) -> int:
        """The exit code: 0 after a signal, that of a group that did not start."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        if self.owner_fd >= 0:
            os.set_blocking(self.owner_fd, False)
        for number in range(len(self.members)):
            self._start(number)
        code = 0
        while not self.ending:
            code = self._reap()
            self._start_again()
            if not self.ready and all(self._serves(number) for number in range(len(self.members))):
                self.ready = True
                self.on_ready()
            if self._owner_gone():
                break
            time.sleep(POLL_S if not self.ready else 10 * POLL_S)
        self._end()
        return code

    def _stop(self, number: int, frame: Any) -> None:
        self.ending = True

    def _owner_gone(self) -> bool:
        if self.owner_fd < 0:
            return False
        try:
            return not os.read(self.owner_fd, 4096)
        except BlockingIOError:
            return False

    def _start(self, number: int) -> None:
        member = self.members[number]
        # A group that comes back alone has the role that it noted; Sentinel may have changed it meanwhile.
        replicaof = "" if number == self.master else self.members[self.master].address
        noted = noted_role(member.directory)
        if member.failures and noted is not None:
            replicaof = noted
        if noted is None or bool(noted) != bool(replicaof):
            note_role(member.directory, replicaof)
        parent = os.getpid()
        member.started = time.monotonic()
        member.start_at = 0.0
        member.pid = os.fork()
        if member.pid == 0:
            code = 1
            try:
                for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(name, signal.SIG_DFL)
                os.setpgid(0, 0)  # Ctrl-C reaches the first process alone, which ends the groups
                fork_dies_with_parent(parent)
                code = member.run(replicaof)
            finally:
                os._exit(code)

    def _serves(self, number: int) -> bool:
        state = self.members[number].state()
        return bool(state.get("serving")) and (number == self.master or state.get("link") == "connected")

    def _reap(self) -> int:
        """Notice groups that ended. The exit code when one ended before all were ready."""
        for member in self.members:
            if not member.pid:
                continue
            pid, status = os.waitpid(member.pid, os.WNOHANG)
            if not pid:
                continue
            member.pid = 0
            if not self.ready or os.WIFEXITED(status):
                # It was told to end (SHUTDOWN), or cannot run at all: its own words say why.
                self.ending = True
                return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1
            stable = time.monotonic() - member.started >= STABLE_S
            member.failures = 1 if stable else member.failures + 1
            delay_s = min(0.1 * 2 ** min(member.failures - 1, 16), BACKOFF_S_MAX)
            member.start_at = time.monotonic() + delay_s
            how = f"signal {os.WTERMSIG(status)}"
            log(f"group in {member.directory} ended ({how}), restarting in {delay_s:g} s", self.log_format)
        return 0

    def _start_again(self) -> None:
        for number, member in enumerate(self.members):
            if not member.pid and member.start_at and time.monotonic() >= member.start_at:
                self._start(number)

    def _end(self) -> None:
        """All groups end at once, each in its own order."""
        running = [member for member in self.members if member.pid]
        for member in running:
            os.kill(member.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while running:
            running = [member for member in running if os.waitpid(member.pid, os.WNOHANG)[0] == 0]
            if running and time.monotonic() > deadline:
                for member in running:
                    os.kill(member.pid, signal.SIGKILL)
                    os.waitpid(member.pid, 0)
                break
            time.sleep(POLL_S)
