# C declarations of router/replication/inflow.py, for the front door.

from router.connection cimport Conn
from router.core cimport Core

cdef class Inflow:
    cdef readonly int fd
    cdef Core core
    cdef Conn conn
    cdef object take
    cdef object ended
    cdef public bint reading
    cdef public bint over
    cdef char* room
    cdef int readable(self) except? -1
    cdef bint wanted(self) noexcept
