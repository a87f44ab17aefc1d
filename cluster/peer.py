"""The end of a link between a router and a shard, as both see it: whole messages in, whole messages out. Compiled.

Two kinds speak the same protocol, ZeroMQ's: `ZmqPeer` here is a socket of libzmq (tcp, with CURVE keys), and
`cluster/zmtp.py` has our own for links on this machine.
"""

import cython
from cython.cimports.cluster.csocket import POLLIN, poll, pollfd

EVENTS = cython.declare(cython.int, 15)  # zmq.EVENTS, zmq.NOBLOCK
NOBLOCK = cython.declare(cython.int, 1)


@cython.cclass
class Peer:
    """What both kinds can do. A plain `Peer` is nobody: an address where nobody waits.

    ended: the other end is gone for good; what is sent is dropped.
    kept: something waits until the descriptor is writable.
    edge: the descriptor tells of a message once only, and sending may take that signal: `receive` must be asked until
        it returns None, also after `send`.
    """

    def __init__(self):
        self.ended = True

    @cython.ccall
    @cython.exceptval(-1)
    def send(self, message: bytes) -> cython.int:
        """Send a message, or keep it until there is room: never blocks, never refuses."""
        return 0

    @cython.ccall
    def receive(self) -> bytes:
        """The next whole message, None if there is none now."""
        return None

    @cython.ccall
    @cython.exceptval(-1)
    def flush(self) -> cython.int:
        """Go on sending what has been kept (the descriptor is writable)."""
        return 0

    def fileno(self) -> int:
        """The descriptor to watch, -1 if there is none."""
        return -1

    @cython.ccall
    @cython.exceptval(-1)
    def wait(self, timeout_ms: cython.int, other: cython.int) -> cython.int:
        """Sleep until there may be something to receive, or until the descriptor `other` (-1: none) is readable."""
        poll_readable(-1, other, -1, 0, timeout_ms)
        return 0

    def close(self) -> None:
        """Let go of the descriptor."""


@cython.cclass
class ZmqPeer(Peer):
    """A socket of libzmq, bound or connected, whose I/O thread does the rest (it connects again by itself)."""

    socket = cython.declare(object, visibility="public")
    fd = cython.declare(cython.int)

    def __init__(self, socket, fd: int):
        self.socket = socket
        self.fd = fd
        self.edge = True

    @cython.ccall
    @cython.exceptval(-1)
    def send(self, message: bytes) -> cython.int:
        self.socket.send(message, NOBLOCK, True, False)
        return 0

    @cython.ccall
    def receive(self) -> bytes:
        if self.socket.getsockopt(EVENTS) & 1:
            return self.socket.recv(NOBLOCK)
        return None

    def fileno(self) -> int:
        return self.fd

    @cython.ccall
    @cython.exceptval(-1)
    def wait(self, timeout_ms: cython.int, other: cython.int) -> cython.int:
        if not self.socket.getsockopt(EVENTS) & 1:
            poll_readable(self.fd, other, -1, 0, timeout_ms)
        return 0

    def close(self) -> None:
        self.socket.close(0)


@cython.cfunc
@cython.exceptval(-1, check=True)
def poll_readable(
    first: cython.int, second: cython.int, third: cython.int, also: cython.int, timeout_ms: cython.int
) -> cython.int:
    """Sleep until one of the descriptors (those below 0 are none) is ready, the first one also for what `also` says.
    A bit for each that is: 1, 2, 4."""
    fds: pollfd[3]
    ready: cython.int = 0
    i: cython.int
    fds[0].fd = first
    fds[0].events = POLLIN | also
    fds[1].fd = second
    fds[1].events = POLLIN
    fds[2].fd = third
    fds[2].events = POLLIN
    with cython.nogil:
        if poll(fds, 3, timeout_ms) > 0:
            for i in range(3):
                if fds[i].revents:
                    ready |= 1 << i
    return ready
