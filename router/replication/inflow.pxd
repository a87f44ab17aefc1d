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
    cdef int readable(self, char* room, Py_ssize_t room_size) except? -1
    cdef bint wanted(self) noexcept
