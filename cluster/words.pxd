# Words of commands, compared in C.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from posix.strings cimport strncasecmp

cdef inline bint is_word(bytes text, const char* word, Py_ssize_t size) noexcept:
    """Whether an argument is this word of `size` bytes, in capitals or not."""
    return PyBytes_GET_SIZE(text) == size and strncasecmp(PyBytes_AS_STRING(text), word, size) == 0
