# What the batch loop's look-ahead needs of C: prefetching, and the public head of a dict object.

from cpython.ref cimport PyObject

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define elixir_prefetch(address) __builtin_prefetch((const void *)(address))
    #else
    #define elixir_prefetch(address) ((void)(address))
    #endif
    #define elixir_dict_keys(object) ((const char *)((PyDictObject *)(object))->ma_keys)
    """
    void elixir_prefetch(const void* address) nogil
    const char* elixir_dict_keys(PyObject* table) nogil
