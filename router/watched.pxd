# C declarations of router/watched.py.

from router.connection cimport Parts

cdef class Watch(Parts):
    cdef public set places
    cdef public set shards
    cdef public list untold
    cdef public bint broken
    cdef int waiting
    cdef bint expires
    cdef bint begun
    cdef public unsigned long long mark

cdef class Watches:
    cdef public int open
    cdef public bint evicting
    cdef unsigned long long now
    cdef unsigned long long anything
    cdef unsigned long long slots[16384]
    cdef int note(self, int command, const char* raw, Py_ssize_t size) except? -1
    cdef int _note_entries(self, const char* raw, Py_ssize_t size) except? -1
    cdef int _note_parts(self, const char* blob) except? -1
    cdef int _note_unit(self, const char* raw, Py_ssize_t size, bint may_be_entries) except? -1
    cdef int _note_hold(self, const char* raw, Py_ssize_t size) except? -1
    cpdef int begin(self, Watch watch) except? -1
    cpdef int end(self, Watch watch) except? -1
    cdef bint untouched(self, Watch watch) except? -1
