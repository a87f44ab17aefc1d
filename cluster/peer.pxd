# C declarations of cluster/peer.py, for the other compiled modules.

cdef class Peer:
    cdef public bint ended
    cdef public bint edge
    cdef public bint kept
    cpdef int send(self, bytes message) except? -1
    cpdef bytes receive(self)
    cpdef int flush(self) except? -1
    cpdef int wait(self, int timeout_ms, int other) except? -1

cdef int poll_readable(int first, int second, int third, int also, int timeout_ms) except? -1
