# C declarations of shard/values/score_index.py.

from shard.values.taker cimport Taker

cdef extern from "Python.h":
    # Members are held as raw pointers to bytes objects; these take them without a cast.
    const char* text_of "PyBytes_AS_STRING"(void* member) noexcept nogil
    Py_ssize_t size_of "PyBytes_GET_SIZE"(void* member) noexcept nogil
    Py_hash_t hash_of "PyObject_Hash"(void* member) noexcept
    void keep "Py_INCREF"(void* member) noexcept
    void drop "Py_DECREF"(void* member) noexcept

cdef struct Cell:
    void* member
    double score

cdef struct Block:
    int room
    double* scores
    void** members

cdef class ScoreIndex:
    cdef Cell* cells
    cdef size_t mask
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t text_bytes
    cdef Block** blocks
    cdef int* counts
    cdef double* firsts
    cdef Py_ssize_t* sums
    cdef int used
    cdef int room
    cdef int at_block
    cdef int at
    cdef Cell* find(self, bytes member) noexcept
    cdef int resize(self, size_t cells) except -1
    cdef bint store(self, bytes member, double score) except -1
    cdef bint discard(self, bytes member) except -1
    cdef void empty_cell(self, size_t at) noexcept
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
    cdef int delete_slice(self, Py_ssize_t start, Py_ssize_t count) except -1
    cdef object scan(self, unsigned long long cursor, Py_ssize_t count)
    cdef bint release(self, Py_ssize_t count) except -1
    cdef Py_ssize_t footprint(self) noexcept

cdef int below(int mode, double score, void* member, double bound_score, void* bound_member) noexcept
