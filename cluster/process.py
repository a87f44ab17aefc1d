"""What every child process of a supervisor does: end with its parent, and speak on its control channel.

The control channel is one inherited socket for each child. Both sides write JSON objects, one a line.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import socket
from collections.abc import Iterable
from typing import Any

from cluster.listeners import Settings, open_listeners

CONTROL_FD = "ELIXIRCACHE_CONTROL_FD"
PARENT_PID = "ELIXIRCACHE_PARENT_PID"
LISTEN_FDS = "ELIXIRCACHE_LISTEN_FDS"  # bound sockets of the front door, given to the router
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Has the kernel kill this process when its parent dies, however that happens.

    SIGKILL, because a process that hangs must go too; nothing acknowledged is lost by it. To be called by
    each child right at its start, and again by a forked child of its own: fork clears the setting.
    A process that no supervisor started (without ELIXIRCACHE_PARENT_PID) is left alone.
    """
    expected = os.environ.get(PARENT_PID)
    if expected is None:
        return
    _kill_me_when_parent_dies()
    if os.getppid() != int(expected):  # it died before the kernel was asked
        os._exit(1)


def fork_dies_with_parent(parent_pid: int) -> None:
    """The same for a process that was made by os.fork(); `parent_pid` is os.getpid() from before the fork."""
    _kill_me_when_parent_dies()
    if os.getppid() != parent_pid:
        os._exit(1)


def life() -> str:
    """Two words that name this machine's life since its start, and within it the life of our supervisor (of this process, if
    there is none)."""
    pid = os.environ.get(PARENT_PID) or str(os.getpid())
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        with open(f"/proc/{pid}/stat") as file:
            began = file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):  # not Linux: nobody is taken for the one who went before
        return secrets.token_hex(16)
    return f"{boot} {pid}-{began}"


def _kill_me_when_parent_dies() -> None:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):  # not Linux: the control channel's end is what children notice
        pass


class Lines:
    """Cuts a byte stream into JSON objects, one a line. What is no JSON object is dropped."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        *lines, self._tail = (self._tail + data).split(b"\n")
        messages = []
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict):
                messages.append(message)
        return messages


class Control:
    """The child's end of its control channel. Without a supervisor there is none and nothing is sent.

    `fileno()` can be given to an event loop; `receive()` returns the messages that have arrived and never
    blocks. When the supervisor's end is closed, `closed` is true and the process has to end.
    """

    def __init__(self, fd: int | None = None) -> None:
        if fd is None:
            given = os.environ.get(CONTROL_FD)
            fd = int(given) if given else -1
        self.closed = False
        self._lines = Lines()
        self._socket: socket.socket | None = None
        if fd >= 0:
            os.set_inheritable(fd, False)
            self._socket = socket.socket(fileno=fd)

    def fileno(self) -> int:
        """The descriptor, or -1 without a supervisor."""
        return self._socket.fileno() if self._socket else -1

    def send(self, **message: Any) -> None:
        """Writes one message, such as ready=True or wedged=3. A supervisor that is gone is no error."""
        if self._socket is None:
            return
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.closed = True

    def hand_over(self, listeners: list[socket.socket]) -> None:
        """Gives the supervisor the front door's TCP sockets (any number below 64), for the router that comes after this one."""
        if self._socket is None:
            return
        try:
            socket.send_fds(self._socket, [b'{"doors": true}\n'], [listener.fileno() for listener in listeners])
        except OSError:
            self.closed = True

    def beat(self) -> None:
        """Says that this process is well. Never waits: a supervisor that is stopped needs no heartbeats."""
        if self._socket is None:
            return
        try:
            self._socket.send(b'{"alive": true}\n', socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True

    def receive(self) -> Iterable[dict[str, Any]]:
        """All messages that have arrived."""
        messages: list[dict[str, Any]] = []
        while self._socket is not None:
            try:
                data = self._socket.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.closed = True
                break
            messages += self._lines.feed(data)
        return messages

    def listeners(self, config: Settings) -> list[socket.socket]:
        """The listening sockets of the front door: the supervisor's, or opened here when there is none.

        The supervisor's stay open while a killed router is replaced, so new clients wait instead of being refused.
        Ends the process when an address is taken, after saying so to the supervisor.
        """
        given = os.environ.get(LISTEN_FDS)
        if given is None:
            sockets = open_listeners(config)
        else:
            sockets = [socket.socket(fileno=int(fd)) for fd in given.split(",") if fd]
        backlog = int(config["tcp-backlog"])
        for listener in sockets:
            os.set_inheritable(listener.fileno(), False)
            listener.setblocking(False)
            try:
                listener.listen(backlog)
            except OSError as error:
                # Two programs may bind one port (SO_REUSEADDR) until the first of them listens.
                self.send(fatal=f"cannot serve {listener.getsockname()}: {error.strerror}", code=2)
                raise SystemExit(2) from None
        return sockets
