# C declarations of shard/values/hashes.py, for the command files.

cimport cython
from shard.values.elements cimport Elements
from shard.values.packed cimport Pack
from shard.values.table cimport Table
from shard.values.taker cimport Taker

@cython.no_gc
cdef class HashValue(Elements):
    cdef Pack pack
    cdef Table* table
    cdef dict times
    cdef long long soonest
    cdef int enlarge(self) except? -1
    cdef Py_ssize_t length(self) noexcept
    cpdef bytes get(self, bytes field)
    cpdef bint set(self, bytes field, bytes value) except? -1
    cpdef bint delete(self, bytes field) except? -1
    cpdef bint has(self, bytes field) except? -1
    cpdef list flat(self)
    cpdef list fields(self)
    cpdef list values(self)
    cpdef bint persist(self, bytes field) except? -1
    cpdef long long expire_at(self, bytes field) except? -2
    cdef int give(self, bint fields, bint values, Taker taker, int shape=*) except -1
    cdef list _list(self, bint fields, bint values)
