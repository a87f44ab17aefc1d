"""A moment's wait for the answers of shards: what the router's shell does where that makes larger turns. Compiled."""

import cython
from cython.cimports.cluster.csocket import CLOCK_MONOTONIC, POLLIN, clock_gettime, epoll_event, pollfd, ppoll, timespec
from cython.cimports.router.connection import Link
from cython.cimports.router.rounds import awaited, awaits_others

PAUSE_NS = cython.declare(cython.long, 150_000)


@cython.cfunc
@cython.exceptval(-1, check=True)
def await_replies(links: list, link_fds: dict, events: cython.pointer(epoll_event), count: cython.int) -> cython.bint:
    """Wait a moment if that makes a larger turn: clients are ready whose commands could not be sent on yet, or
    shards' replies that complete nothing without another shard's. False: there is work to do now.

    Whoever becomes ready meanwhile is served in the same turn. link_fds: descriptor -> link.
    """
    link: Link
    i: cython.int
    here: cython.ulonglong = 0
    for i in range(count):
        if events[i].data.u64 >> 32 == KIND_LINK:
            link = link_fds.get(cython.cast(cython.int, events[i].data.u64))
            if link is None or not awaits_others(link):
                return False
            here |= cython.cast(cython.ulonglong, 1) << link.index
        elif events[i].data.u64 >> 32 != KIND_CLIENT:
            return False
    here = awaited(links, here)
    if here:
        _await_answers(links, here)
    return here != 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _await_answers(links: list, wanted: cython.ulonglong) -> cython.int:
    """Sleep until all these links (bits) can be read, or one that completes something by itself; at most PAUSE_NS."""
    fds: pollfd[64]
    waiting: list = []
    link: Link
    pause: timespec
    i: cython.int
    for link in links:
        if link.index < 64 and (wanted >> link.index) & 1:
            fds[len(waiting)].fd = link.peer.fileno()
            fds[len(waiting)].events = POLLIN
            waiting.append(link)
    left: cython.int = len(waiting)
    end_ns: cython.longlong = _clock_ns() + PAUSE_NS
    pause.tv_sec = 0
    pause.tv_nsec = PAUSE_NS
    while left > 0 and pause.tv_nsec > 0 and ppoll(fds, len(waiting), cython.address(pause), cython.NULL) > 0:
        for i in range(len(waiting)):
            if fds[i].fd >= 0 and fds[i].revents:
                if not awaits_others(waiting[i]):
                    return 0
                fds[i].fd = -1
                left -= 1
        pause.tv_nsec = max(0, end_ns - _clock_ns())
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def _clock_ns() -> cython.longlong:
    """How long the wait has been; it decides nothing else."""
    now: timespec
    clock_gettime(CLOCK_MONOTONIC, cython.address(now))
    return cython.cast(cython.longlong, now.tv_sec) * 1_000_000_000 + now.tv_nsec
