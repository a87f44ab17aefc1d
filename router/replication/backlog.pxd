# C declarations of router/replication/backlog.py, for the router's core.

from cluster.wire cimport Buffer
from router.replication.ring cimport Ring

cdef class Backlog:
    cdef Ring ring
    cdef readonly str path
    cdef str owner
    cdef readonly Py_ssize_t capacity
    cdef readonly Py_ssize_t used
    cdef Py_ssize_t end
    cdef public long long offset
    cdef public int db
    cdef public list direct
    cdef readonly Py_ssize_t unsent
    cdef public bint online
    cdef public bint keeping
    cdef public bint waiting
    cdef public object on_unsent
    cdef public object on_piece
    cdef public object on_large
    cdef public object on_kept
    cdef public object on_queued
    cdef Buffer named
    cdef int fed(self, int shard, int kind, bytes batch, const char* data, Py_ssize_t size) except? -1
    cdef int _gather(self, bytes batch, const char* bits, Py_ssize_t size) except? -1
    cdef int append(self, const char* data, Py_ssize_t size) except? -1
    cdef int reached(self, int shard, long long size, int db) except? -1
    cdef int commit(self) except? -1
    cdef int select(self, int db) except? -1
    cdef int settle(self) except? -1
    cdef int copy(self, Buffer out, Py_ssize_t count) except? -1
