# C declarations of shard/rdb/source.py.

cdef class Source:
    cdef public object read
    cdef public str name
    cdef public long long total
    cdef bytes chunk
    cdef const unsigned char* data
    cdef Py_ssize_t size
    cdef Py_ssize_t at
    cdef Py_ssize_t summed
    cdef public long long base
    cdef public unsigned long long crc
    cdef public bint encoded
    cdef int need(self, Py_ssize_t count) except? -1
    cdef int _sum(self) except? -1
    cpdef int byte(self) except? -1
    cpdef bytes take(self, Py_ssize_t count)
    cpdef long long number(self, int width) except? -1
    cpdef long long length(self) except? -1
    cpdef bytes string(self)
    cdef bytes _special(self, long long kind)
