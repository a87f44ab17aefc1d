# C declarations of router/expected.py, for the router's data path.

cdef class Expected:
    cdef list targets
    cdef unsigned long long* numbers
    cdef size_t mask
    cdef size_t head
    cdef size_t tail
    cdef unsigned long long number
    cdef int _grow(self) except? -1
    cdef int push(self, object target, unsigned long long number) except? -1
    cdef object pop(self)
