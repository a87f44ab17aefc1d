# C declarations of shard/keyspace.py.

cdef class Database:
    cdef public int index
    cdef public list slots
    cdef public list expires
    cdef public Py_ssize_t size
    cdef public Py_ssize_t volatile
    cdef object find(self, bytes key)
    cdef int store(self, bytes key, object value) except? -1
    cdef object remove(self, bytes key)
    cdef long long expiry(self, bytes key) except? -2
    cdef bint _forget_expiry(self, int slot, bytes key)
