# C declarations of cluster/wire.py, for the other compiled modules.

cdef class Buffer:
    cdef char* data
    cdef public Py_ssize_t size
    cdef Py_ssize_t capacity
    cpdef bytes take(self)
    cpdef void clear(self) noexcept
    cdef int reserve(self, Py_ssize_t extra) except? -1
    cdef int append(self, const char* source, Py_ssize_t count) except? -1
    cdef int append_line(self, char mark, long long number) except? -1
    cdef int append_bulk(self, const char* source, Py_ssize_t count) except? -1
    cdef int append_double(self, double value, int resp) except? -1
    cdef int put_u32(self, Py_ssize_t at, unsigned int value) except? -1

cpdef int encode(Buffer out, object reply, int resp) except? -1
cpdef int encode_command(Buffer out, list args, list rest=*, Py_ssize_t first=*) except? -1
cdef Py_ssize_t command_end(const char* data, Py_ssize_t size) noexcept nogil
cdef list split_command(const char* data, Py_ssize_t size)
cpdef int slot(bytes key) noexcept
cdef int slot_of_bytes(const unsigned char* key, Py_ssize_t size) noexcept nogil
cdef Py_ssize_t read_number(const char* data, Py_ssize_t size, Py_ssize_t* at) noexcept nogil
