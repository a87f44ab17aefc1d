# C declarations of router/expected.py, for the router's data path.

from cpython.ref cimport PyObject

ctypedef struct Place:
    PyObject* target
    unsigned long long number

cdef class Expected:
    cdef Place* places
    cdef size_t mask
    cdef size_t head
    cdef size_t tail
    cdef unsigned long long number
    cdef int push(self, object target, unsigned long long number) except? -1
    cdef object pop(self)
