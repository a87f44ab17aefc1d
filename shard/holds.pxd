# C declarations of shard/holds.py, for the batch loop.

cdef class Holds:
    cdef public int shard
    cdef public object watching
    cdef public dict operations
    cdef public dict keys
    cdef public dict prepared
    cdef public set cancelled
    cdef public int count
    cdef public int whole
    cdef public int recording
    cdef unsigned int slots[16384]
    cpdef int take(self, bytes operation, object keys, bint record) except? -1
    cpdef int take_one(self, bytes operation, bytes key) except? -1
    cpdef int release(self, bytes operation) except? -1
    cdef int _free(self, bytes key) except? -1
    cdef int blocks(self, int command, const char* raw, Py_ssize_t size) except? -1
    cdef int _watches_held(self, bytes watcher) except? -1
    cdef int _blocks_range(self, int command, const char* raw, Py_ssize_t size) except? -1
    cdef int _is_held_at(self, const char* key, Py_ssize_t size) except? -1
    cdef int _is_held(self, bytes key) except? -1
    cdef int _blocks_first(self, const char* raw, Py_ssize_t size) except? -1
    cdef int _blocks_entries(self, bytes entries) except? -1

cdef Py_ssize_t part_at(bytes blob, int shard, Py_ssize_t* length) except? -1
cdef bytes own_part(bytes blob, int shard)
