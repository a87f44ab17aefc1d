# C declarations of shard/values/taker.py, for containers and for who takes what they give.

cdef enum:
    LIST = 0
    MAP = 1
    SET = 2

cdef class Taker:
    cdef bint shaped
    cdef object taken
    cdef list here
    cdef list around
    cdef int open(self, Py_ssize_t count, int shape=*) except -1
    cdef int close(self) except -1
    cdef int text(self, const char* data, Py_ssize_t size) except -1
    cdef int item(self, bytes item) except -1
    cdef int score(self, double score) except -1
