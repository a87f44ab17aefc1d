# C declarations of shard/values/score_index.py.

from shard.values.score_blocks cimport ScoreBlocks

cdef extern from "Python.h":
    Py_hash_t hash_of "PyObject_Hash"(void* member) noexcept

cdef struct Cell:
    void* member
    double score

cdef class ScoreIndex(ScoreBlocks):
    cdef Cell* cells
    cdef size_t mask
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t text_bytes
    cdef Cell* find(self, bytes member) noexcept
    cdef int resize(self, size_t cells) except -1
    cdef bint store(self, bytes member, double score) except -1
    cdef bint discard(self, bytes member) except -1
    cdef void empty_cell(self, size_t at) noexcept
    cdef bint ask(self, bytes member, int step) noexcept
    cdef int delete_slice(self, Py_ssize_t start, Py_ssize_t count) except -1
    cdef object scan(self, unsigned long long cursor, Py_ssize_t count)
    cdef bint release(self, Py_ssize_t count) except -1
    cdef Py_ssize_t footprint(self) noexcept
