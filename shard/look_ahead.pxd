# C declarations of shard/look_ahead.py, for the batch loop.

cimport cython
from cpython.ref cimport PyObject
from shard.direct cimport Strings
from shard.engine cimport Engine

@cython.final
cdef class LookAhead:
    cdef Engine engine
    cdef Py_ssize_t at
    cdef unsigned int count
    cdef unsigned int done
    cdef list args
    cdef int[16] slots
    cdef unsigned int[16] hashes
    cdef int[16] kinds
    cdef int[16] members
    cdef PyObject* values[16]
    cdef unsigned long long[16] releases
    cdef int[16] states
    cdef Strings[16] strings
    cdef Py_ssize_t[16] offsets
    cdef void start(self, Py_ssize_t at) noexcept
    cdef int look(self, const char* data, Py_ssize_t size) except? -1
    cdef int _take_apart(self, const char* data) except? -1
    cdef void _note(self, int place, const char* key, Py_ssize_t size) noexcept
    cdef PyObject* _table(self, int ahead) noexcept
    cdef void _begin(self) noexcept
    cdef void _ask_value(self, int ahead) noexcept
    cdef void _ask_place(self, int ahead) noexcept
    cdef void _ask_element(self, int ahead) noexcept
    cdef PyObject* _member(self, int place) noexcept
