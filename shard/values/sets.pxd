# C declarations of shard/values/sets.py, for the command files.

cimport cython
from shard.values.elements cimport Elements
from shard.values.packed cimport Pack
from shard.values.table cimport Table
from shard.values.taker cimport Taker

@cython.no_gc
cdef class SetValue(Elements):
    cdef Pack pack
    cdef Table* table
    cdef unsigned char* numbers
    cdef unsigned int count
    cdef unsigned int room
    cdef int width
    cdef Py_ssize_t length(self) noexcept
    cdef long long number(self, Py_ssize_t index) noexcept
    cdef bint search(self, long long value, Py_ssize_t* index) noexcept
    cdef int add_number(self, long long value) except? -1
    cdef int remove_number(self, Py_ssize_t index) except? -1
    cdef int to_packed(self) except? -1
    cdef int enlarge(self) except? -1
    cdef int give(self, Taker taker, int shape=*) except -1
    cpdef bint add(self, bytes member) except? -1
    cpdef bint remove(self, bytes member) except? -1
    cpdef bint has(self, bytes member) except? -1
    cpdef list members(self)
