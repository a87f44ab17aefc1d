"""The backlog's memory: a file that a router which is killed leaves to its successor. Compiled.

    head      which of the two states counts, how many bytes of the ring are being written, whose the file is
    state 0   what the stream is called, where it ends, and how far each shard's own stream is in it
    state 1   the same, of the step before or after
    ring

Invariant: the state that counts is whole and describes what is in the ring, whatever instruction the router was killed
at: bytes are written first, then the state that does not count yet, then one word says that it counts. Replicas are sent
nothing that the state does not cover (the front door writes to sockets only after a message has been taken whole).

The kernel keeps the pages of a process that is killed, not those of a machine that loses its power: then the journals may
lack what is here, so the file counts only within the same boot.
"""

import mmap
import os

import cython
from cython.cimports.libc.stdlib import calloc, free
from cython.cimports.libc.string import memcpy, memset
from cython.cimports.posix.mman import (
    MAP_ANONYMOUS,
    MAP_FAILED,
    MAP_PRIVATE,
    MAP_SHARED,
    PROT_READ,
    PROT_WRITE,
    munmap,
)
from cython.cimports.posix.mman import mmap as map_memory
from cython.cimports.router.replication.ring import in_order

MAGIC = b"EXBL0001"
PAGE = cython.declare(cython.Py_ssize_t, mmap.PAGESIZE)
# Words of the head: 0 magic, 1 capacity, 2 shards, 3 which state counts, 4 bytes being written; behind them whose it is.
WHICH = cython.declare(cython.int, 3)
WRITING = cython.declare(cython.int, 4)
OWNER_AT = cython.declare(cython.int, 64)
OWNER_SIZE = cython.declare(cython.int, 192)
STATES_AT = cython.declare(cython.int, 256)
# Words of a state: 0 offset, 1 end, 2 used, 3 db, 4 lasting, 5 offset2; then two names of 40 bytes; then, for each shard,
# the number of its journal's file, bytes of it, the file's inode, the database selected there. A number of -1: not known.
PLACE_WORDS = cython.declare(cython.int, 4)


@cython.cclass
class Ring:
    """capacity: bytes. shards: how many have places. Without a path, or where there is no room for a file, it is memory of
    this process. `owner`: see `recover`."""

    def __init__(self, capacity: cython.Py_ssize_t, shards: cython.int, path: str = "", owner: str = ""):
        self.shards = shards
        self.words = 6 + 10 + PLACE_WORDS * shards
        self.places = cython.cast(cython.pointer(cython.longlong), calloc(max(PLACE_WORDS * shards, 1), 8))
        if self.places == cython.NULL:
            raise MemoryError()
        for shard in range(shards):
            self.places[PLACE_WORDS * shard] = -1
        if capacity:
            self._create(capacity, path, owner)

    def __dealloc__(self):
        free(self.places)
        if self.memory != cython.NULL:
            munmap(self.memory, self.mapped)

    @cython.cfunc
    @cython.exceptval(check=False)
    def _size(self, capacity: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Of head and states, in whole pages."""
        return (STATES_AT + 2 * 8 * self.words + PAGE - 1) // PAGE * PAGE

    def _create(self, capacity: cython.Py_ssize_t, path: str, owner: str):
        """A new file, in which nothing counts before the first `commit`."""
        fd: cython.int = -1
        if path:
            fd = _fresh_file(path, self._size(capacity) + capacity)
        try:
            self._map(fd, capacity)
        finally:
            if fd >= 0:
                os.close(fd)
        memset(self.memory, 0, STATES_AT + 2 * 8 * self.words)
        self.head[1], self.head[2] = capacity, self.shards
        name: bytes = owner.encode()[:OWNER_SIZE]
        memcpy(self.memory + OWNER_AT, cython.cast(cython.p_char, name), len(name))
        magic: bytes = MAGIC
        memcpy(self.memory, cython.cast(cython.p_char, magic), 8)
        if fd >= 0:
            os.rename(path + ".new", path)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _map(self, fd: cython.int, capacity: cython.Py_ssize_t) -> cython.int:
        self.capacity = capacity
        self.mapped = self._size(capacity) + capacity
        flags: cython.int = MAP_SHARED if fd >= 0 else MAP_PRIVATE | MAP_ANONYMOUS
        found: cython.p_void = map_memory(cython.NULL, self.mapped, PROT_READ | PROT_WRITE, flags, fd, 0)
        if found == MAP_FAILED:
            raise MemoryError()
        self.memory = cython.cast(cython.p_char, found)
        self.head = cython.cast(cython.pointer(cython.longlong), self.memory)
        self.bytes = self.memory + self._size(capacity)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def writing(self, size: cython.Py_ssize_t) -> cython.int:
        """So many bytes more, at the ring's end, are about to be overwritten."""
        self.head[WRITING] += size
        in_order()
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def commit(self) -> cython.int:
        """What stands in `state`, `names` and `places` counts."""
        if self.memory == cython.NULL:
            return 0
        which: cython.longlong = 1 - self.head[WHICH]
        at: cython.p_char = self.memory + STATES_AT + which * 8 * self.words
        memcpy(at, self.state, 48)
        memcpy(at + 48, self.names, 80)
        memcpy(at + 128, self.places, 8 * PLACE_WORDS * self.shards)
        in_order()
        self.head[WHICH] = which
        in_order()
        self.head[WRITING] = 0
        return 0

    @staticmethod
    def recover(path: str, shards: int, owner: str):
        """What an earlier router has left, and whether it was of the same life; (None, False) if nothing counts.

        owner: two words. The first is another one after a start of the machine; the second after a start of the
        group, between which somebody may have copied its files: two groups would go on with one history."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None, False
        try:
            return _recovered(fd, shards, owner)
        finally:
            os.close(fd)


def _recovered(fd: int, shards: int, owner: str):
    ring: Ring = Ring(0, shards)
    size: cython.Py_ssize_t = os.fstat(fd).st_size
    head = os.pread(fd, STATES_AT, 0)
    if len(head) < STATES_AT or head[:8] != MAGIC:
        return None, False
    capacity, count, which = (int.from_bytes(head[at : at + 8], "little") for at in (8, 16, 24))
    name = head[OWNER_AT:STATES_AT].rstrip(b"\0").decode(errors="replace").split()
    if count != shards or which not in (0, 1) or size != ring._size(capacity) + capacity or not capacity:
        return None, False
    if name[:1] != owner.split()[:1]:
        return None, False
    ring._map(fd, capacity)
    at: cython.p_char = ring.memory + STATES_AT + ring.head[WHICH] * 8 * ring.words
    memcpy(ring.state, at, 48)
    memcpy(ring.names, at + 48, 80)
    memcpy(ring.places, at + 128, 8 * PLACE_WORDS * shards)
    # What was being written stands where the oldest bytes were.
    ring.state[2] = max(0, min(ring.state[2], capacity - ring.head[WRITING]))
    ring.head[WRITING] = 0
    same: cython.bint = name == owner.split()
    new: bytes = owner.encode()[:OWNER_SIZE].ljust(OWNER_SIZE, b"\0")
    memcpy(ring.memory + OWNER_AT, cython.cast(cython.p_char, new), OWNER_SIZE)
    return (ring, same) if ring.state[4] else (None, False)


def _fresh_file(path: str, size: int) -> int:
    """A descriptor of a file whose room is there: a page of a mapping for which there is none ends the process. -1: there is
    no such file to be had."""
    try:
        fd = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError:
        return -1
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError:
        os.close(fd)
        os.unlink(path + ".new")
        return -1
    return fd
