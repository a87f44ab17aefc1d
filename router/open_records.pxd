# C declarations of router/open_records.py, for those who send records and take their replies.

from router.core cimport Core

cdef class Open:
    cdef readonly unsigned long long epoch
    cdef readonly unsigned long long sequence
    cdef public bytes blob
    cdef unsigned long long missing
    cdef set others  # participants from shard 64 on, or None
    cdef readonly bint settled

cdef class OpenRecords:
    cdef Core core
    cdef public unsigned long long epoch
    cdef public unsigned long long sequence
    cdef list line
    cdef Py_ssize_t first
    cdef Open opened(self)
    cpdef int keep(self, Open entry, bytes blob, list shards) except? -1
    cpdef int confirmed(self, Open entry, int shard) except? -1
    cpdef int cancel(self, Open entry) except? -1
    cpdef int advance(self) except? -1
