# C declarations of shard/records.py, for records on their way.

cdef class Records:
    cdef unsigned long long epoch
    cdef unsigned long long sequence
    cdef list blobs
    cdef Py_ssize_t first
    cdef public bytes note
    cdef long long note_changes  # the engine's count of changes there
    cdef tuple _marked
    cdef tuple _mark_next
    cdef long long _mark_at_ms
    cpdef bint lacks_packed(self, bytes blob) except? -1
    cpdef int add(self, bytes blob) except? -1
    cpdef int trim(self, unsigned long long epoch, unsigned long long sequence) except? -1
