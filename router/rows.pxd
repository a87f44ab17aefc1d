# C declarations of router/rows.py, for the scanner.

ctypedef struct Row:
    int size
    int id
    int arity
    int path
    int key
    bint write
    int script
    char name[24]

cdef Row* find(const char* name, Py_ssize_t size) noexcept nogil
cdef bint is_word(const char* text, Py_ssize_t size, const char* word, Py_ssize_t length) noexcept nogil
cdef int one_stream_shard(const char* data, Py_ssize_t size, Py_ssize_t argc, short* owner, int shards) noexcept
