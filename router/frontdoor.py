"""The router's sockets, compiled: one epoll set for all clients and links.

The set's own descriptor hangs in the asyncio loop; when it is readable, `turn()` does

    read every ready client -> flush the batches -> take the shards' replies -> write the clients

with one system call for each ready client and none of Python's objects for it. What is worth a
decision (who may connect, when to close) is in `router/server.py`.
"""

import errno

import cython
from cython.cimports.cluster.csocket import (
    CLOCK_MONOTONIC,
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    EPOLLERR,
    EPOLLHUP,
    EPOLLIN,
    EPOLLOUT,
    MSG_DONTWAIT,
    MSG_NOSIGNAL,
    TFD_CLOEXEC,
    TFD_NONBLOCK,
    close,
    epoll_create1,
    epoll_ctl,
    epoll_event,
    epoll_wait,
    itimerspec,
    read,
    recv,
    send,
    timerfd_create,
    timerfd_settime,
)
from cython.cimports.libc.errno import errno as c_errno
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.router.answers import KIND_CLIENT, KIND_LINK, await_replies
from cython.cimports.router.connection import Conn, Link
from cython.cimports.router.core import Core
from cython.cimports.router.replication.inflow import Inflow
from cython.cimports.router.rounds import held_links, is_due

READ_SIZE = cython.declare(cython.Py_ssize_t, 1 << 16)
# Of many clients that are ready at once so many are read, then their commands are sent: shards begin meanwhile. If all were
# read first, router and shards would go on being idle by turns, as one large and one small crowd.
EVENTS_MAX = cython.declare(cython.int, 32)
ROUNDS = cython.declare(cython.int, 16)

# Fewer ready descriptors than this are not worth a turn of their own while every shard is busy: waiting a moment for an
# answer makes larger turns (without pipelining half the CPU of router and shard for a command). More are read at once.
FEW = cython.declare(cython.int, 12)

# What epoll's data say of a descriptor, beside those in router/answers.pxd.
KIND_LISTENER = cython.declare(cython.ulonglong, 2)
KIND_TIMER = cython.declare(cython.ulonglong, 3)
KIND_INFLOW = cython.declare(cython.ulonglong, 4)

# A client gets the replies to what it has sent at once in one write, if the rest of them comes so soon (twice this at
# most): a write costs the router and the client as much as ten commands.
REST_NS = cython.declare(cython.long, 5_000_000)
REST_BYTES = cython.declare(cython.Py_ssize_t, 1 << 16)


@cython.cclass
class FrontDoor:
    """Sockets of one router. `on_accept(listener)`, `on_closed(conn, reason)`, `on_link_message(shard, message)` (what
    is no reply of this generation) and `on_link_ended(shard, peer)` are Python's."""

    core = cython.declare(Core, visibility="public")
    epfd = cython.declare(cython.int, visibility="public")
    conns = cython.declare(dict, visibility="public")
    listeners = cython.declare(dict, visibility="public")
    link_fds = cython.declare(dict)
    inflows = cython.declare(dict)
    on_accept = cython.declare(object, visibility="public")
    on_closed = cython.declare(object, visibility="public")
    on_link_message = cython.declare(object, visibility="public")
    on_link_ended = cython.declare(object, visibility="public")
    on_slow_reader = cython.declare(object, visibility="public")
    clock = cython.declare(object, visibility="public")
    turns = cython.declare(cython.longlong, visibility="public")
    out_watch = cython.declare(cython.Py_ssize_t, visibility="public")
    data = cython.declare(cython.p_char)
    timer_fd = cython.declare(cython.int)
    timer_set = cython.declare(cython.bint)
    resting = cython.declare(list)

    def __init__(self, core: Core, clock):
        self.core = core
        self.clock = clock
        self.conns = {}
        self.listeners = {}
        self.link_fds = {}
        self.resting = []
        self.inflows = {}
        self.out_watch = 1 << 20
        self.epfd = epoll_create1(EPOLL_CLOEXEC)
        self.data = cython.cast(cython.p_char, malloc(READ_SIZE))
        self.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)
        self._control(EPOLL_CTL_ADD, self.timer_fd, EPOLLIN, KIND_TIMER)

    def __dealloc__(self):
        free(self.data)
        close(self.timer_fd)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _control(self, op: cython.int, fd: cython.int, events: cython.uint, kind: cython.ulonglong) -> cython.int:
        event: epoll_event
        event.events = events
        event.data.u64 = (kind << 32) | cython.cast(cython.uint, fd)
        if epoll_ctl(self.epfd, op, fd, cython.address(event)) < 0 and op != EPOLL_CTL_DEL:
            raise OSError(c_errno, "epoll_ctl")
        return 0

    def add_listener(self, sock):
        """Watch a listening socket."""
        self.listeners[sock.fileno()] = sock
        self._control(EPOLL_CTL_ADD, sock.fileno(), EPOLLIN, KIND_LISTENER)

    def remove_listener(self, sock):
        """Stop watching a listening socket (the caller closes it)."""
        self.listeners.pop(sock.fileno(), None)
        self._control(EPOLL_CTL_DEL, sock.fileno(), 0, KIND_LISTENER)

    def add_inflow(self, inflow: Inflow):
        """Read a master's stream."""
        self.inflows[inflow.fd] = inflow
        self._control(EPOLL_CTL_ADD, inflow.fd, EPOLLIN, KIND_INFLOW)

    def remove_inflow(self, inflow: Inflow):
        """Read it no more (the caller closes its socket)."""
        self.inflows.pop(inflow.fd, None)
        self._control(EPOLL_CTL_DEL, inflow.fd, 0, KIND_INFLOW)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _pace(self, inflow: Inflow) -> cython.int:
        """Read a stream only while the shards keep up with it."""
        wanted: cython.bint = inflow.wanted()
        if wanted != inflow.reading:
            inflow.reading = wanted
            self._control(EPOLL_CTL_MOD, inflow.fd, EPOLLIN if wanted else 0, KIND_INFLOW)
        return 0

    def add_conn(self, conn: Conn, sock):
        """Serve a client; `sock` is kept until `close`."""
        conn.fd = sock.fileno()
        self.conns[conn.fd] = (conn, sock)
        self._control(EPOLL_CTL_ADD, conn.fd, EPOLLIN, KIND_CLIENT)

    def add_link(self, link: Link, peer: Peer):
        """Use a connection as the link to a shard."""
        fd: cython.int = peer.fileno()
        link.peer = peer
        link.readable = True
        link.writing = False
        if fd >= 0:
            self.link_fds[fd] = link
            self._control(EPOLL_CTL_ADD, fd, EPOLLIN, KIND_LINK)

    def remove_link(self, link: Link):
        """Forget a link's connection and close it."""
        if link.peer is not None:
            self._forget(link)
            link.peer.close()
            link.peer = None

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _forget(self, link: Link) -> cython.int:
        """Watch a link no more."""
        if self.link_fds.pop(link.peer.fileno(), None) is not None:
            self._control(EPOLL_CTL_DEL, link.peer.fileno(), 0, KIND_LINK)
        return 0

    def close(self, conn: Conn, reason: str = ""):
        """Close a client's connection now."""
        if conn.closed:
            return
        conn.closed = True
        _, sock = self.conns.pop(conn.fd, (None, None))
        if sock is not None:
            self._control(EPOLL_CTL_DEL, conn.fd, 0, KIND_CLIENT)
            sock.close()
        self.on_closed(conn, reason)

    def turn(self):
        """Serve whatever is ready. Called by the event loop when the epoll set is readable."""
        self.core.in_turn = True
        try:
            self._rounds()
        finally:
            self.core.in_turn = False

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _rounds(self) -> cython.int:
        events: epoll_event[32]
        count: cython.int
        i: cython.int
        fd: cython.int
        kind: cython.ulonglong
        rounds: cython.int = 0
        while rounds < ROUNDS:
            rounds += 1
            count = epoll_wait(self.epfd, events, EVENTS_MAX, 0)
            if 0 < count < FEW and await_replies(self.core.links, self.link_fds, events, count):
                count = epoll_wait(self.epfd, events, EVENTS_MAX, 0)
            if count <= 0:
                break
            self.turns += 1
            self.core.now = self.clock()
            for i in range(count):
                kind = events[i].data.u64 >> 32
                fd = cython.cast(cython.int, events[i].data.u64)
                if kind == KIND_CLIENT:
                    self._client(fd, events[i].events)
                elif kind == KIND_LINK:
                    self._link(fd, events[i].events)
                elif kind == KIND_INFLOW:
                    if fd in self.inflows:
                        cython.cast(Inflow, self.inflows[fd]).readable()
                elif kind == KIND_LISTENER:
                    self.on_accept(self.listeners.get(fd))
                else:
                    self._rest_is_late()
            self.flush()
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _link(self, fd: cython.int, events: cython.uint) -> cython.int:
        """A link can be read, or has room for what it keeps."""
        place: object = self.link_fds.get(fd)
        if place is None:
            return 0
        link: Link = place
        if events & ~cython.cast(cython.uint, EPOLLOUT):
            link.readable = True
        if events & EPOLLOUT:
            link.peer.flush()
            self._watch_link(link)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _watch_link(self, link: Link) -> cython.int:
        """Wait for room in a link only while it keeps something."""
        events: cython.uint = EPOLLIN
        if link.peer.kept != link.writing and not link.peer.ended:
            link.writing = link.peer.kept
            if link.writing:
                events |= EPOLLOUT
            self._control(EPOLL_CTL_MOD, link.peer.fileno(), events, KIND_LINK)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _client(self, fd: cython.int, events: cython.uint) -> cython.int:
        place: object = self.conns.get(fd)
        if place is None:
            return 0
        conn: Conn = cython.cast(tuple, place)[0]
        size: cython.Py_ssize_t
        room: cython.Py_ssize_t
        if events & EPOLLOUT:
            self._write(conn)
            if conn.closed:
                return 0
            if conn.stalled:
                self.core.proceed(conn)
                self._interest(conn)
        if events & (EPOLLIN | EPOLLHUP | EPOLLERR):
            if conn.inbox.size > 0 and conn.inbox.capacity - conn.inbox.size > READ_SIZE and conn.inbox_at == 0:
                # A large argument is coming in: read straight to where it belongs.
                room = conn.inbox.capacity - conn.inbox.size
                size = recv(fd, conn.inbox.data + conn.inbox.size, room, MSG_DONTWAIT)
                if size > 0:
                    conn.inbox.size += size
                    conn.bytes_in += size
                    conn.last_ms = self.core.now
                    self.core.proceed(conn)
            else:
                size = recv(fd, self.data, READ_SIZE, MSG_DONTWAIT)
                if size > 0:
                    self.core.feed(conn, self.data, size)
            self.core.reads += 1
            if size == 0:
                if (
                    conn.head != conn.tail
                    and not conn.paused
                    and not conn.closing
                    and not events & (EPOLLHUP | EPOLLERR)
                ):
                    # It has only stopped sending (`printf ... | nc`): what it asked for is still answered.
                    conn.closing = True
                    conn.inbox.clear()
                    conn.inbox_at = 0
                    self._interest(conn)
                else:
                    self.close(conn, "closed by client")
            elif size < 0 and c_errno != errno.EAGAIN and c_errno != errno.EINTR:
                self.close(conn, "read error")
            else:
                self._interest(conn)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _interest(self, conn: Conn) -> cython.int:
        """Read from a client only while its commands can be executed; wait for room to write
        only while there is something to write."""
        reading: cython.bint
        writing: cython.bint
        if conn.closed:
            return 0
        reading = not (conn.stalled or conn.closing) and (
            not conn.paused or conn.inbox.size - conn.inbox_at < READ_SIZE
        )
        # What is new is tried first.
        writing = conn.out.size > conn.out_sent and (conn.writing or not (conn.dirty or conn.resting))
        if reading != conn.reading or writing != conn.writing:
            conn.reading = reading
            conn.writing = writing
            self._control(
                EPOLL_CTL_MOD,
                conn.fd,
                (cython.cast(cython.uint, EPOLLIN) if reading else 0)
                | (cython.cast(cython.uint, EPOLLOUT) if writing else 0),
                KIND_CLIENT,
            )
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _write(self, conn: Conn) -> cython.int:
        size: cython.Py_ssize_t
        while conn.out_sent < conn.out.size:
            size = send(
                conn.fd,
                conn.out.data + conn.out_sent,
                conn.out.size - conn.out_sent,
                MSG_DONTWAIT | MSG_NOSIGNAL,
            )
            if size < 0:
                if c_errno == errno.EAGAIN or c_errno == errno.EINTR:
                    break
                self.close(conn, "write error")
                return 0
            self.core.writes += 1
            conn.bytes_out += size
            conn.out_sent += size
        if conn.out_sent >= conn.out.size:
            conn.out.clear()
            conn.out_sent = 0
            if conn.closing and conn.head == conn.tail:
                self.close(conn, "after reply")
        elif conn.out.size - conn.out_sent > self.out_watch:
            self.on_slow_reader(conn)
        return 0

    @cython.ccall
    def send(self, link: Link, message: bytes) -> object:
        """Send something by itself."""
        if link.peer is None:
            return None
        link.peer.send(message)
        if link.peer.kept != link.writing:
            self._watch_link(link)
        if link.peer.edge:
            link.readable = True

    @cython.ccall
    def flush(self) -> object:
        """Send the batches, take the replies that are there, write to the clients."""
        link: Link
        worked: cython.bint = True
        held: cython.ulonglong = held_links(self.core.links, self.core.now)
        while worked:
            worked = False
            for link in self.core.links:
                if link.peer is None:
                    continue
                if is_due(link, held):
                    self.send(link, self.core.take_batch(link.index))
                if link.readable and self._drain(link):
                    worked = True
            self._write_dirty()
            held = held_links(self.core.links, self.core.now)
            for link in self.core.links:
                if link.peer is not None and is_due(link, held):
                    worked = True
        if held:
            self._await_rest()
        for inflow in self.inflows.values():
            self._pace(inflow)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _drain(self, link: Link) -> cython.bint:
        """Take a link's messages."""
        any_message: cython.bint = False
        message: bytes
        while link.peer is not None:
            message = link.peer.receive()
            if message is None:
                if link.peer.ended and link.peer.fileno() in self.link_fds:
                    self._forget(link)
                    self.on_link_ended(link.index, link.peer)
                elif link.peer.kept != link.writing:
                    self._watch_link(link)
                break
            any_message = True
            if not self.core.receive_reply(link.index, message):
                self.on_link_message(link.index, message)
        link.readable = False
        return any_message

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _rest_is_late(self) -> cython.int:
        """The rest of some clients' replies did not come soon: they get what is there."""
        conn: Conn
        expirations: cython.ulonglong = 0
        read(self.timer_fd, cython.address(expirations), 8)
        self.timer_set = False
        found: list = self.resting
        self.resting = []
        for conn in found:
            if conn.closed or not conn.resting:
                conn.rested = 0
            elif conn.rested == 1:
                conn.rested = 2
                self.resting.append(conn)
            else:
                conn.rested = 0
                self._write_now(conn)
        if self.resting:
            self._await_rest()
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _await_rest(self) -> cython.int:
        """Let the timer tell when waiting for the rest of replies has been long enough."""
        when: itimerspec
        if not self.timer_set:
            self.timer_set = True
            when.it_interval.tv_sec = when.it_interval.tv_nsec = when.it_value.tv_sec = 0
            when.it_value.tv_nsec = REST_NS
            timerfd_settime(self.timer_fd, 0, cython.address(when), cython.NULL)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _write_dirty(self) -> cython.int:
        """Send what the clients are owed; those whose next reply is under way wait for it."""
        conn: Conn
        found: list = self.core.dirty
        if not found:
            return 0
        self.core.dirty = []
        for conn in found:
            conn.dirty = False
            if (
                conn.head != conn.tail
                and not (conn.closed or conn.closing or conn.stalled)
                and conn.fd >= 0
                and conn.out.size - conn.out_sent < REST_BYTES
            ):
                conn.resting = True
                if conn.rested == 0:
                    conn.rested = 1
                    self.resting.append(conn)
                    self._await_rest()
            elif conn.closed:
                continue
            elif conn.fd < 0:
                conn.session.output_ready()
                if conn.stalled and not conn.closed:
                    self.core.proceed(conn)  # no readiness of a socket will do it: a replica's stream would stand still
            else:
                if conn.rested == 2:
                    conn.rested = 1  # what it keeps back next has not waited yet
                self._write_now(conn)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _write_now(self, conn: Conn) -> cython.int:
        """Send what a client is owed, and go on with what it has sent."""
        conn.resting = False
        self._write(conn)
        if conn.stalled and not conn.closed:
            self.core.proceed(conn)
        if conn.writing or conn.paused or conn.out.size > conn.out_sent or not conn.reading:
            self._interest(conn)
        return 0
