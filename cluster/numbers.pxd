# C declarations of cluster/numbers.py.

cdef bint string_to_longlong(const char* text, Py_ssize_t size, long long* value) noexcept nogil
cdef bint string_to_long_double(bytes raw, long double* value) noexcept
cdef bytes long_double_text(long double value)
cpdef long long parse_int(bytes raw) except? -1
cdef bytes longlong_text(long long value)
