# C declarations of shard/values/zsets.py, for the command files.

cimport cython
from shard.values.elements cimport Elements
from shard.values.score_index cimport ScoreIndex
from shard.values.taker cimport Taker

@cython.no_gc
cdef class ZSetValue(Elements):
    cdef unsigned char* packed
    cdef unsigned int used
    cdef unsigned int room
    cdef int size
    cdef ScoreIndex index
    cdef unsigned int walk(self, bytes member, double* score) noexcept
    cdef bint find(self, bytes member, double* score) noexcept
    cdef bint store(self, bytes member, double score) except -1
    cdef bint discard(self, bytes member) except -1
    cdef int cut(self, unsigned int start, unsigned int stop) except -1
    cdef int enlarge(self) except -1
    cdef Py_ssize_t length(self) noexcept
    cpdef Py_ssize_t before_score(self, double score, bint inclusive)
    cpdef Py_ssize_t before_member(self, bytes member, bint inclusive)
    cpdef Py_ssize_t rank_of(self, bytes member)
    cdef int give(self, Py_ssize_t start, Py_ssize_t count, bint reverse, bint scores, bint paired, Taker taker) except -1
    cpdef list slice(self, Py_ssize_t start, Py_ssize_t count, bint reverse=*, bint scores=*)
    cpdef int delete_slice(self, Py_ssize_t start, Py_ssize_t count) except -1
