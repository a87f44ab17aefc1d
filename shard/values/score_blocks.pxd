# C declarations of shard/values/score_blocks.py.

from shard.values.taker cimport Taker

cdef extern from "Python.h":
    # Members are held as raw pointers to bytes objects; these take them without a cast.
    const char* text_of "PyBytes_AS_STRING"(void* member) noexcept nogil
    Py_ssize_t size_of "PyBytes_GET_SIZE"(void* member) noexcept nogil
    void keep "Py_INCREF"(void* member) noexcept
    void drop "Py_DECREF"(void* member) noexcept

cdef struct Block:
    int room
    double* scores
    void** members

cdef class ScoreBlocks:
    cdef Block** blocks
    cdef int* counts
    cdef double* firsts
    cdef Py_ssize_t* sums
    cdef int used
    cdef int room
    cdef int at_block
    cdef int at
    cdef int block_of(self, double score) noexcept
    cdef void ask_blocks(self, double score, double other) noexcept
    cdef void stand(self, double score, void* member) noexcept
    cdef bint rescore(self, double score) noexcept
    cdef void place(self, int mode, double score, void* member) noexcept
    cdef Py_ssize_t bound(self, int mode, double score, void* member) noexcept
    cdef int insert(self, double score, void* member) except -1
    cdef int new_block(self, int at, int room) except -1
    cdef int grow(self, int at, int room) except -1
    cdef int take_out(self, int at, int position, int count) except -1
    cdef void drop_block(self, int at) noexcept
    cdef void resum(self, int at) noexcept
    cdef void refirst(self, int at) noexcept
    cdef int seek(self, Py_ssize_t rank) noexcept
    cdef int give(self, Py_ssize_t start, Py_ssize_t count, bint reverse, bint scores, bint paired, Taker taker) except -1
    cdef Py_ssize_t blocks_memory(self) noexcept

cdef int below(int mode, double score, void* member, double bound_score, void* bound_member) noexcept
