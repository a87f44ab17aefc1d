"""ZeroMQ's protocol between processes of one machine, without libzmq's I/O threads. Compiled.

    bytes[10] signature, version, mechanism "NULL" ...      greeting, 64 bytes, from each end
    READY with its properties                               command, from each end
    flags (1), size (1, or 8 with LONG), body               messages

A batch between router and shard takes six wake-ups with libzmq (each end has a thread of its own for the sockets) and
two here: the thread that has made it writes it to the socket, and the thread that wants it reads it. Who speaks
ZMTP 3.1 as a DEALER, such as any socket of pyzmq, can be the other end (tests/cluster/test_zmtp.py).
Source: the ZMTP 3.1 specification (rfc.zeromq.org/spec/37).
"""

import errno
import logging
import os
import socket

import cython
from cython.cimports.cluster.csocket import (
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLLIN,
    MSG_DONTWAIT,
    MSG_NOSIGNAL,
    POLLOUT,
    close,
    epoll_create1,
    epoll_ctl,
    epoll_event,
    epoll_wait,
    iovec,
    msghdr,
    recv,
    send,
    sendmsg,
)
from cython.cimports.cluster.peer import Peer, poll_readable
from cython.cimports.cluster.threads import is_only_thread
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.errno import errno as c_errno
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.libc.string import memcpy, memmove, memset

log = logging.getLogger("elixircache.links")

PREFIX = "ipc://"
INBOX = cython.declare(cython.Py_ssize_t, 1 << 17)
# A body that has not come whole is read to where it stays, once it is as large as this.
LARGE = cython.declare(cython.Py_ssize_t, 1 << 13)
BODY_MAX = cython.declare(cython.Py_ssize_t, 1 << 40)

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
GREETING = SIGNATURE + b"\x03\x01" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)
_GREETING_SIZE = cython.declare(cython.Py_ssize_t, 64)
READY = b"\x05READY" + b"\x0bSocket-Type\0\0\0\x06DEALER" + b"\x08Identity\0\0\0\0"

LONG = cython.declare(cython.int, 2)
COMMAND = cython.declare(cython.int, 4)

# What a peer waits for.
GREETS = cython.declare(cython.int, 0)
READIES = cython.declare(cython.int, 1)
OPEN = cython.declare(cython.int, 2)


@cython.cclass
class LocalPeer(Peer):
    """One connection, given as a connected unix socket. What is sent before both ends have greeted waits."""

    def __cinit__(self, sock):
        self.inbox = cython.cast(cython.p_char, malloc(INBOX))
        if self.inbox == cython.NULL:
            raise MemoryError()

    def __init__(self, sock):
        sock.setblocking(False)
        # As much as the system lets us (usually 400 kB): a batch that does not fit costs another wake-up.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        self.sock = sock
        self.fd = sock.fileno()
        self.waiting = []
        self.large = None
        self._write(cython.NULL, 0, GREETING + bytes([COMMAND, len(READY)]) + READY)

    def __dealloc__(self):
        free(self.inbox)

    @property
    def open(self) -> bool:
        """Both ends have greeted."""
        return self.state == OPEN and not self.ended

    def fileno(self) -> int:
        return self.fd

    @cython.ccall
    @cython.exceptval(-1)
    def send(self, message: bytes) -> cython.int:
        header: cython.char[9]
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(message)
        rest: cython.Py_ssize_t = size
        i: cython.int
        if self.ended:
            return 0
        if size < 256:
            header[0] = 0
            header[1] = cython.cast(cython.char, size)
            i = 2
        else:
            header[0] = LONG
            for i in range(8, 0, -1):
                header[i] = cython.cast(cython.char, rest & 255)
                rest >>= 8
            i = 9
        if self.state != OPEN or self.waiting:
            self.waiting.append(PyBytes_FromStringAndSize(header, i))
            self.waiting.append(message)
            return 0
        return self._write(header, i, message)

    @cython.cfunc
    @cython.exceptval(-1)
    def _write(
        self, header: cython.pointer(cython.const[cython.char]), header_size: cython.Py_ssize_t, body: bytes
    ) -> cython.int:
        """Send now what there is room for, and keep the rest."""
        parts: iovec[2]
        message: msghdr
        sent: cython.Py_ssize_t
        parts[0].iov_base = cython.cast(cython.p_void, header)
        parts[0].iov_len = header_size
        parts[1].iov_base = PyBytes_AS_STRING(body)
        parts[1].iov_len = PyBytes_GET_SIZE(body)
        memset(cython.address(message), 0, cython.sizeof(msghdr))
        message.msg_iov = parts
        message.msg_iovlen = 2
        sent = sendmsg(self.fd, cython.address(message), MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent < 0:
            if c_errno != errno.EAGAIN and c_errno != errno.EINTR:
                return self._end("write error")
            sent = 0
        if sent < header_size:
            self.waiting.append(PyBytes_FromStringAndSize(header + sent, header_size - sent))
            self.waiting.append(body)
            self.kept = True
        elif sent < header_size + PyBytes_GET_SIZE(body):
            self.waiting.append(body)
            self.sent = sent - header_size
            self.kept = True
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def flush(self) -> cython.int:
        size: cython.Py_ssize_t
        sent: cython.Py_ssize_t
        done: cython.Py_ssize_t = 0
        count: cython.Py_ssize_t = len(self.waiting)
        while done < count and not self.ended:
            body: bytes = self.waiting[done]
            size = PyBytes_GET_SIZE(body) - self.sent
            sent = send(self.fd, PyBytes_AS_STRING(body) + self.sent, size, MSG_DONTWAIT | MSG_NOSIGNAL)
            if sent < 0:
                if c_errno != errno.EAGAIN and c_errno != errno.EINTR:
                    self._end("write error")
                break
            self.sent += sent
            if sent == size:
                self.sent = 0
                done += 1
        if done:
            del self.waiting[:done]
        self.kept = len(self.waiting) > 0
        return 0

    @cython.ccall
    def receive(self) -> bytes:
        whole: bytes
        while not self.ended:
            if self._next():
                whole = self.large
                self.large = None
                if self.large_kind & COMMAND:
                    self._command(whole)
                elif self.state == OPEN:
                    return whole
                else:
                    self._end("a message before READY")
                continue
            if self.ended:
                break
            if self.dry:
                self.dry = False
                break
            self._read()
        return None

    @cython.cfunc
    @cython.exceptval(-1)
    def _next(self) -> cython.int:
        """Take the next frame's body to `large`; whether it is whole."""
        have: cython.Py_ssize_t
        size: cython.Py_ssize_t = 0
        header: cython.Py_ssize_t = 2
        i: cython.Py_ssize_t
        if self.large is not None:
            return self.large_at == PyBytes_GET_SIZE(self.large)
        if self.state == GREETS and not self._greeting():
            return 0
        have = self.end - self.at
        if have < 2:
            return 0
        flags: cython.int = self.inbox[self.at]
        if flags & LONG:
            header = 9
            if have < 9:
                return 0
            for i in range(self.at + 1, self.at + 9):
                size = (size << 8) | cython.cast(cython.uchar, self.inbox[i])
        else:
            size = cython.cast(cython.uchar, self.inbox[self.at + 1])
        if flags & ~(LONG | COMMAND) or size < 0 or size > BODY_MAX:
            return self._end("not the messages of a peer")
        if have < header + size and size < LARGE:
            return 0
        self.large_kind = flags
        self.at += header
        if have >= header + size:
            self.large = PyBytes_FromStringAndSize(self.inbox + self.at, size)
            self.at += size
            self.large_at = size
            return 1
        self.large = PyBytes_FromStringAndSize(cython.NULL, size)
        self.large_at = have - header
        memcpy(PyBytes_AS_STRING(self.large), self.inbox + self.at, self.large_at)
        self.at = self.end = 0
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _read(self) -> cython.int:
        """One read; `dry` when the socket has no more now."""
        size: cython.Py_ssize_t
        room: cython.Py_ssize_t
        if self.large is not None:
            room = PyBytes_GET_SIZE(self.large) - self.large_at
            size = recv(self.fd, PyBytes_AS_STRING(self.large) + self.large_at, room, MSG_DONTWAIT)
            if size > 0:
                self.large_at += size
        else:
            if self.at > 0:
                memmove(self.inbox, self.inbox + self.at, self.end - self.at)
                self.end -= self.at
                self.at = 0
            room = INBOX - self.end
            size = recv(self.fd, self.inbox + self.end, room, MSG_DONTWAIT)
            if size > 0:
                self.end += size
        if size == 0:
            return self._end("")
        if size < 0:
            if c_errno != errno.EAGAIN and c_errno != errno.EINTR:
                return self._end("read error")
            size = 0
        self.dry = size < room
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _greeting(self) -> cython.int:
        """Take the other end's greeting; whether it is there."""
        if self.end - self.at < _GREETING_SIZE:
            return 0
        greeting: bytes = PyBytes_FromStringAndSize(self.inbox + self.at, _GREETING_SIZE)
        self.at += _GREETING_SIZE
        if greeting[0] != 0xFF or greeting[9] != 0x7F or greeting[10] < 3 or greeting[12:32].rstrip(b"\0") != b"NULL":
            self._end("not a peer without keys that speaks ZMTP 3")
            return 0
        self.state = READIES
        return 1

    @cython.cfunc
    @cython.exceptval(-1)
    def _command(self, body: bytes) -> cython.int:
        """READY opens the connection, PING is answered, the rest means nothing here."""
        if self.state == READIES:
            if not body.startswith(b"\x05READY"):
                return self._end("it did not say READY")
            self.state = OPEN
            self.flush()
        elif body.startswith(b"\x04PING"):
            pong: bytes = b"\x04PONG" + body[7:]
            pong = bytes([COMMAND, len(pong)]) + pong
            if self.waiting:  # in the middle of a message
                self.waiting.append(pong)
            else:
                self._write(cython.NULL, 0, pong)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _end(self, why: str) -> cython.int:
        if why:
            log.warning("link closed: %s", why)
        self.ended = True
        self.kept = False
        self.waiting = []
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def wait(self, timeout_ms: cython.int, other: cython.int) -> cython.int:
        also: cython.int = POLLOUT if self.kept else 0
        poll_readable(-1 if self.ended else self.fd, other, -1, also, timeout_ms)
        if also:
            self.flush()
        return 0

    def close(self) -> None:
        self.ended = True
        self.sock.close()


@cython.cclass
class Acceptor(Peer):
    """The end that waits at a path for the other one: whoever connected last (the path is its user's alone).

    epfd: a set of what it sleeps for, so that the descriptors are not told to the kernel at each sleep; other: the one
    in it that `wait` was given.
    """

    def __init__(self, path: str):
        """OSError."""
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(path)
        self.sock.listen(16)
        self.sock.setblocking(False)
        self.listening = self.sock.fileno()
        self.peer = None
        self.other = -1
        self.epfd = epoll_create1(EPOLL_CLOEXEC)
        if self.epfd < 0:
            raise OSError(c_errno, "epoll_create1")
        self._watch(EPOLL_CTL_ADD, self.listening)

    @cython.cfunc
    @cython.exceptval(check=False)
    def _watch(self, op: cython.int, fd: cython.int) -> cython.void:
        event: epoll_event
        event.events = EPOLLIN
        event.data.u64 = fd
        epoll_ctl(self.epfd, op, fd, cython.address(event))

    @cython.cfunc
    @cython.exceptval(-1)
    def _let_go(self) -> cython.int:
        """Close the connection. A child process may have it open still: closing alone does not take it out of the set."""
        self._watch(EPOLL_CTL_DEL, self.peer.fd)
        self.peer.close()
        self.peer = None
        return 0

    def fileno(self) -> int:
        return self.listening

    @cython.ccall
    @cython.exceptval(-1)
    def send(self, message: bytes) -> cython.int:
        if self.peer is not None:
            self.peer.send(message)
        return 0

    @cython.ccall
    def receive(self) -> bytes:
        message: bytes
        if self.peer is None:
            self._accept()
            if self.peer is None:
                return None
        message = self.peer.receive()
        if message is None and self.peer.ended:
            self._let_go()
        return message

    @cython.cfunc
    @cython.exceptval(-1)
    def _accept(self) -> cython.int:
        """Take whoever is at the door; the one before is let go."""
        try:
            sock, _ = self.sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return 0
        if self.peer is not None:
            self._let_go()
        self.peer = LocalPeer(sock)
        self._watch(EPOLL_CTL_ADD, self.peer.fd)
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def wait(self, timeout_ms: cython.int, other: cython.int) -> cython.int:
        events: epoll_event[3]
        count: cython.int
        i: cython.int
        if self.peer is not None and self.peer.kept:
            if poll_readable(self.peer.fd, other, self.listening, POLLOUT, timeout_ms) & 4:
                self._accept()
            else:
                self.peer.flush()
            return 0
        if other != self.other:
            if self.other >= 0:
                self._watch(EPOLL_CTL_DEL, self.other)
            self.other = other
            if other >= 0:
                self._watch(EPOLL_CTL_ADD, other)
        if is_only_thread():
            count = epoll_wait(self.epfd, events, 3, timeout_ms)
        else:
            with cython.nogil:
                count = epoll_wait(self.epfd, events, 3, timeout_ms)
        for i in range(count):
            if events[i].data.u64 == cython.cast(cython.ulonglong, self.listening):
                self._accept()
        return 0

    def close(self) -> None:
        if self.peer is not None:
            self._let_go()
        self.sock.close()
        close(self.epfd)


def connect(path: str) -> LocalPeer:
    """Connect to whoever waits at a path. OSError: nobody does."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return LocalPeer(sock)
