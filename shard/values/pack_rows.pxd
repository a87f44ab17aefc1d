# C declarations of shard/values/pack_rows.py, for lists.

cimport cython
from shard.values.elements cimport Elements
from shard.values.packed cimport Pack

# [bytes of a pack, elements of a pack]
cdef Py_ssize_t[2] LIMITS

@cython.no_gc
cdef class PackRow(Elements):
    cdef Pack* blocks
    cdef Py_ssize_t first
    cdef Py_ssize_t used
    cdef Py_ssize_t room
    cdef Py_ssize_t size
    cdef Pack* left_block(self, Py_ssize_t size) except *
    cdef Pack* right_block(self, Py_ssize_t size) except *
    cdef int make_room(self, Py_ssize_t block) except? -1
    cdef int drop_block(self, Py_ssize_t block) except? -1
    cdef bint locate(self, Py_ssize_t index, Py_ssize_t* block, Py_ssize_t* at) noexcept
    cdef Py_ssize_t _before(self, Py_ssize_t block, Py_ssize_t at) except? -1
    cdef int merge(self, Py_ssize_t block) except? -1
