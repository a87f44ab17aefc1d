# C declarations of shard/commands/stream_arguments.py.

from shard.values.streams cimport StreamValue

cdef class Trimming:
    cdef readonly Py_ssize_t at
    cdef readonly int by
    cdef readonly bint create
    cdef readonly bint about
    cdef long long length
    cdef unsigned long long ms
    cdef unsigned long long seq
    cdef Py_ssize_t limit
    cdef int parse(self, list args, bint adding) except -1
    cdef Py_ssize_t apply(self, StreamValue stream) except -1
    cdef list effect(self, StreamValue stream)

cdef class Reading:
    cdef readonly Py_ssize_t at
    cdef readonly long long count
    cdef readonly long long timeout_ms
    cdef readonly bint noack
    cdef readonly bytes group
    cdef readonly bytes consumer
    cdef readonly list keys
    cdef readonly list ids

cdef int parse_id(bytes raw, unsigned long long* ms, unsigned long long* seq, unsigned long long missing) except -1
