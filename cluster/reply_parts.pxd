# C declarations of cluster/reply_parts.py, for the other compiled modules.

cdef Py_ssize_t reply_end(const char* data, Py_ssize_t size, Py_ssize_t at) except? -2
