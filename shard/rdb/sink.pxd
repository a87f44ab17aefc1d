# C declarations of shard/rdb/sink.py.

from cluster.wire cimport Buffer

cdef class Sink:
    cdef public Buffer out
    cdef public object write
    cdef public unsigned long long crc
    cdef public long long written
    cdef public bint compress
    cdef int flush_if_full(self) except? -1
    cpdef int flush(self) except? -1
    cpdef int byte(self, int value) except? -1
    cpdef int length(self, unsigned long long value) except? -1
    cpdef int number(self, unsigned long long value, int width) except? -1
    cpdef int raw(self, bytes data) except? -1
    cpdef int string(self, bytes text) except? -1
    cdef int chars(self, const char* text, Py_ssize_t size) except? -1
