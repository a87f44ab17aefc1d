# C declarations of cluster/zmtp.py, for its own classes.

from cluster.peer cimport Peer

cdef class LocalPeer(Peer):
    cdef object sock
    cdef int fd
    cdef int state
    cdef bint dry
    cdef char* inbox
    cdef Py_ssize_t at
    cdef Py_ssize_t end
    cdef bytes large
    cdef Py_ssize_t large_at
    cdef int large_kind
    cdef list waiting
    cdef Py_ssize_t sent
    cdef int _read(self) except? -1
    cdef int _next(self) except? -1
    cdef int _greeting(self) except? -1
    cdef int _command(self, bytes body) except? -1
    cdef int _write(self, const char* header, Py_ssize_t header_size, bytes body) except? -1
    cdef int _end(self, str why) except? -1

cdef class Acceptor(Peer):
    cdef object sock
    cdef int listening
    cdef LocalPeer peer
    cdef int epfd
    cdef int other
    cdef void _watch(self, int op, int fd) noexcept
    cdef int _let_go(self) except? -1
    cdef int _accept(self) except? -1
