# C declarations of cluster/crc64.py.

cdef unsigned long long crc64_of(unsigned long long crc, const unsigned char* data, Py_ssize_t size) noexcept nogil
