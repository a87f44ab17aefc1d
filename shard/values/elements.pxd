# C declarations of shard/values/elements.py.

cimport cython

cdef enum:
    MANY = 4096  # elements from which on a look-up waits for memory

@cython.no_gc
cdef class Elements:
    cdef bint ask(self, bytes member, int step) noexcept
