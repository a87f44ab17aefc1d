# C declarations of shard/values/lists.py, for the command files.

cimport cython
from shard.values.pack_rows cimport PackRow
from shard.values.taker cimport Taker

@cython.no_gc
cdef class ListValue(PackRow):
    cpdef push_left(self, bytes item)
    cpdef push_right(self, bytes item)
    cpdef bytes pop_left(self)
    cpdef bytes pop_right(self)
    cpdef bytes get(self, Py_ssize_t index)
    cpdef bint set(self, Py_ssize_t index, bytes item) except? -1
    cpdef insert(self, Py_ssize_t index, bytes item)
    cpdef Py_ssize_t delete_range(self, Py_ssize_t start, Py_ssize_t stop) except? -1
    cdef int give(self, Py_ssize_t start, Py_ssize_t stop, Taker taker) except -1
    cpdef list find(self, bytes item, Py_ssize_t rank, Py_ssize_t count, Py_ssize_t limit)
    cpdef Py_ssize_t remove(self, bytes item, Py_ssize_t count) except? -1
