"""Many connections from one thread, each with one request under way: load that costs the machine little. Compiled.

What redis-benchmark cannot send (several commands as one request, or a request in several steps) is sent by this. It
shares the cores with the servers that it measures, as redis-benchmark does, so it is in C as that is.
"""

import socket

import cython
from cython.cimports.cluster.csocket import (
    CLOCK_MONOTONIC,
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLLIN,
    MSG_NOSIGNAL,
    clock_gettime,
    close,
    epoll_create1,
    epoll_ctl,
    epoll_event,
    epoll_wait,
    recv,
    send,
    timespec,
)
from cython.cimports.cluster.reply_parts import reply_end
from cython.cimports.cluster.wire import Buffer
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memchr

EVENTS_MAX = cython.declare(cython.int, 256)
PATIENCE_MS = cython.declare(cython.int, 30_000)
PIECE = cython.declare(cython.Py_ssize_t, 1 << 16)


@cython.cclass
class _Client:
    """One connection. steps: (bytes, number of replies, whether a request ends with it); at: the one that is under way."""

    fd = cython.declare(cython.int)
    steps = cython.declare(list)
    at = cython.declare(cython.Py_ssize_t)
    awaited = cython.declare(cython.int)
    ends = cython.declare(cython.bint)
    began_ns = cython.declare(cython.longlong)
    data = cython.declare(Buffer)
    used = cython.declare(cython.Py_ssize_t)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def send(self) -> cython.int:
        """The step that is next."""
        step: tuple = self.steps[self.at]
        body: bytes = step[0]
        self.at = (self.at + 1) % len(self.steps)
        if self.ends:
            self.began_ns = _now_ns()
        self.awaited = step[1]
        self.ends = step[2]
        if send(self.fd, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body), MSG_NOSIGNAL) != PyBytes_GET_SIZE(body):
            raise RuntimeError("the server does not take what it is sent")
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def receive(self) -> cython.bint:
        """Read; whether the step is answered. RuntimeError on an error reply."""
        size: cython.Py_ssize_t
        end: cython.Py_ssize_t
        self.data.reserve(PIECE)
        size = recv(self.fd, self.data.data + self.data.size, PIECE, 0)
        if size <= 0:
            raise RuntimeError("the server closed the connection")
        if _has_error(self.data.data + self.data.size, size):
            raise RuntimeError(PyBytes_FromStringAndSize(self.data.data, min(200, self.data.size + size)).decode(errors="replace"))
        self.data.size += size
        while self.awaited > 0:
            try:
                end = reply_end(self.data.data, self.data.size, self.used)
            except ValueError:
                return False
            self.used = end
            self.awaited -= 1
        self.data.size = self.used = 0
        return True


def run_load(port: int, requests: list, total: int) -> tuple:
    """(seconds, latency of each request in ns) of `total` requests on one connection for each element of `requests`.

    requests: for each connection, the requests that it sends in turn; a request is a list of steps, each (bytes, number
    of replies), and a step is sent when the one before it is answered. RuntimeError on an error reply or a server that
    says nothing for half a minute.
    """
    events: epoll_event[256]
    event: epoll_event
    client: _Client
    count: cython.int
    i: cython.int
    left: cython.longlong = total
    latencies: list = []
    sockets: list = []
    clients: list = []
    epfd: cython.int = epoll_create1(EPOLL_CLOEXEC)
    try:
        for mine in requests:
            link = socket.create_connection(("127.0.0.1", port), 30)
            sockets.append(link)
            link.settimeout(None)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = _Client()
            client.fd = link.fileno()
            client.steps = [(body, awaited, at == len(steps) - 1) for steps in mine for at, (body, awaited) in enumerate(steps)]
            client.at = 0
            client.ends = True
            client.data = Buffer(PIECE)
            event.events = EPOLLIN
            event.data.u64 = len(clients)
            epoll_ctl(epfd, EPOLL_CTL_ADD, client.fd, cython.address(event))
            clients.append(client)
        start_ns: cython.longlong = _now_ns()
        for client in clients:
            client.send()
        while left > 0:
            with cython.nogil:
                count = epoll_wait(epfd, events, EVENTS_MAX, PATIENCE_MS)
            if count == 0:
                raise RuntimeError("the server does not answer")
            for i in range(count):
                client = clients[events[i].data.u64]
                if client.receive():
                    if client.ends:
                        latencies.append(_now_ns() - client.began_ns)
                        left -= 1
                    client.send()
        return (_now_ns() - start_ns) / 1e9, latencies
    finally:
        close(epfd)
        for link in sockets:
            link.close()


@cython.cfunc
@cython.exceptval(check=False)
def _has_error(data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.bint:
    """Whether "-E" is in it: an error reply. (Nothing that is sent or stored here has it.)"""
    at: cython.p_char = cython.cast(cython.p_char, memchr(data, 45, size))
    while at != cython.NULL and at + 1 < data + size:
        if at[1] == 69:
            return True
        at = cython.cast(cython.p_char, memchr(at + 1, 45, data + size - at - 1))
    return False


@cython.cfunc
@cython.exceptval(check=False)
def _now_ns() -> cython.longlong:
    now: timespec
    clock_gettime(CLOCK_MONOTONIC, cython.address(now))
    return cython.cast(cython.longlong, now.tv_sec) * 1_000_000_000 + now.tv_nsec
