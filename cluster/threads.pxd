# Whether anybody else may want the interpreter's lock.

cdef extern from *:
    """
    static inline int is_only_thread(void) {
        return PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) == NULL;
    }
    """
    bint is_only_thread() noexcept
