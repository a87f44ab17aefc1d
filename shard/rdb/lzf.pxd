# C declarations of shard/rdb/lzf.py.

cpdef bytes compress(bytes data)
cdef bytes expand(const unsigned char* source, Py_ssize_t count, Py_ssize_t size)
