"""Which links are sent to now, so that operations over several shards go in rounds. Compiled; no I/O, no clock.

    nothing queued, or as many batches under way as the window has    not now: what comes meanwhile makes the next batch
    a queued command that needs no other link                         now
    parts of operations that need links which are free, too           now
    parts of operations of which one needs a busy link                once that is free, or has been busy for HELD_MS

An operation ends with its last part. A part that is sent while another one has to wait for its link's window gains
nothing, and makes a batch of its own: with four shards whose answers come one after the other, batches of one
transaction each. Held until the other links are free, the parts of all that has been gathered go in one batch to each
shard, and come back as one.

Nothing waits for ever: a batch is held only while some link is busy, that is up and with a batch under way. Its answer,
or its loss, is followed by another look here, and so is the time that it may take. Links that are busy by turns hold a
batch for HELD_MOST_MS.
"""

import cython
from cython.cimports.router.connection import Link

# While this many batches are under way to a shard, commands for it are collected: the busier it is, the larger its
# batches, and the cheaper each command.
WINDOW = cython.declare(cython.int, 1)
BATCH_FULL = cython.declare(cython.Py_ssize_t, 1 << 16)
# A shard that has been at its batch for so long is not one that operations of other shards wait for.
HELD_MS = cython.declare(cython.longlong, 2)
HELD_MOST_MS = cython.declare(cython.longlong, 4)


@cython.cfunc
@cython.exceptval(check=False)
def held_links(links: list, now: cython.longlong) -> cython.ulonglong:
    """A bit for each link (of the first 64) that is free and whose batch waits for other links all the same."""
    link: Link
    busy: cython.ulonglong = 0
    held: cython.ulonglong = 0
    before: cython.ulonglong = 1
    for link in links:
        if link.up and link.unanswered >= WINDOW and now <= link.sent_ms + HELD_MS and link.index < 64:
            busy |= cython.cast(cython.ulonglong, 1) << link.index
    if not busy:
        return 0
    while held != before:  # one that is held holds others
        before = held
        for link in links:
            if link.alone == 0 and link.siblings & (busy | held) and link.unanswered < WINDOW and link.index < 64:
                if link.held_ms == 0:
                    link.held_ms = now
                if now <= link.held_ms + HELD_MOST_MS:
                    held |= cython.cast(cython.ulonglong, 1) << link.index
    return held


@cython.cfunc
@cython.exceptval(check=False)
def is_due(link: Link, held: cython.ulonglong) -> cython.bint:
    """Whether a link's batch is to be sent now."""
    if link.batch.size == 0 or not link.up:
        return False
    if link.batch.size > BATCH_FULL:
        return True
    return link.unanswered < WINDOW and (link.index >= 64 or not (held >> link.index) & 1)


@cython.cfunc
@cython.exceptval(check=False)
def awaits_others(link: Link) -> cython.bint:
    """Whether the batch under way to a link has only parts of operations that other links have parts of, too."""
    return link.unanswered == 1 and link.alone_sent == 0 and link.index < 64


@cython.cfunc
@cython.exceptval(check=False)
def awaited(links: list, here: cython.ulonglong) -> cython.ulonglong:
    """A bit for each link whose answer is to come before anything can be done for clients; `here`: those whose answers
    are there. 0: what comes for some link now would be sent at once, since it is free and nothing is held for it."""
    link: Link
    found: cython.ulonglong = 0
    for link in links:
        if not link.up or link.index >= 64 or (link.unanswered < WINDOW and link.batch.size == 0):
            return 0
        if link.unanswered >= WINDOW:
            found |= cython.cast(cython.ulonglong, 1) << link.index
    return found & ~here


def due_links(links: list, now: cython.longlong) -> list:
    """The links that are to be sent to now, for shells that are not compiled."""
    link: Link
    held: cython.ulonglong = held_links(links, now)
    return [link for link in links if is_due(link, held)]
