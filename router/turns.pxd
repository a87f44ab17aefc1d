# C declarations of router/turns.py.

cdef class Turns:
    cdef public list lines
    cdef public bint ordered
    cdef int join(self, object operation, list held) except? -1
    cdef bint leads(self, object operation, list held) except? -1
    cdef list leave(self, object operation, list held)
