# C declarations of cluster/numbers.py.

cdef enum:
    DOUBLE_ROOM = 32

cdef int write_unsigned(char* to, unsigned long long value) noexcept nogil
cdef int write_longlong(char* to, long long value) noexcept nogil
cdef int write_double(char* to, double value) noexcept nogil
cpdef bytes format_double(double value)
cdef bint string_to_longlong(const char* text, Py_ssize_t size, long long* value) noexcept nogil
cdef bint string_to_long_double(bytes raw, long double* value) noexcept
cdef bytes long_double_text(long double value)
cpdef long long parse_int(bytes raw) except? -1
cdef bytes longlong_text(long long value)
