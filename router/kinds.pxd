# C declarations of router/kinds.py, for router/multi.py.

from router.connection cimport Conn
from router.core cimport Core

cdef enum:  # what a command is
    OTHER = 0
    BEGIN = 1  # MULTI
    COMMIT = 2  # EXEC
    KEYED = 3  # keys at first, first + step, ... last: queued
    SPLIT = 4  # the same, and cut into parts outside MULTI
    OBSERVE = 5  # WATCH

cdef enum:  # where it runs
    NOWHERE = 0  # plain Python knows
    AT_MOST = 1  # where most of its keys are
    AT_FIRST = 2  # where its first key is

ctypedef struct Kind:
    int kind
    int arity
    int first
    int last
    int step
    int merge
    int write
    int home
    int blind

cdef Kind* kind_of(int command) noexcept
cdef int one_of(Core core, Conn conn, int at, const char* data) noexcept
cdef int one_shard(Core core, Kind* kind, Conn conn, const char* data, Py_ssize_t size) noexcept
