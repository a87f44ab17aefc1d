# C declarations of router/replication/ring.py, for the backlog.

cdef class Ring:
    cdef char* memory
    cdef Py_ssize_t mapped
    cdef readonly Py_ssize_t capacity
    cdef readonly int shards
    cdef char* bytes
    cdef long long* head
    cdef long long state[6]
    cdef char names[80]
    cdef long long* places
    cdef Py_ssize_t words
    cdef int writing(self, Py_ssize_t size) except? -1
    cdef int commit(self) except? -1
    cdef int _map(self, int fd, Py_ssize_t capacity) except? -1
    cdef Py_ssize_t _size(self, Py_ssize_t capacity) noexcept

cdef extern from *:
    """
    /* What is killed here has done every store before this line and none behind it: the kernel shows others memory in the
       order of the program, so only the compiler has to be told. */
    static inline void in_order(void) { __asm__ __volatile__("" ::: "memory"); }
    """
    void in_order() noexcept nogil
