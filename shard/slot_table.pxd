# C declarations of shard/slot_table.py, for the keyspace and the batch loop.

from cpython.ref cimport PyObject

cdef enum:
    PLACES = 7
    EMBEDDED_LIMIT = 192

ctypedef struct Item:
    unsigned int hash
    unsigned int key_size
    # An object's address, or an embedded string's size * 2 + 1.
    size_t value

ctypedef struct Bucket:
    unsigned char tags[7]
    unsigned char passed
    Item* items[7]

cdef unsigned long long RELEASES

cdef class SlotTable:
    cdef Bucket* buckets
    cdef unsigned int mask
    cdef unsigned int count
    cdef Py_ssize_t drained
    cdef object find(self, bytes key)
    cdef int store(self, bytes key, object value) except? -1
    cdef int put(self, const char* key, Py_ssize_t size, unsigned int hash, object value, const char* text, Py_ssize_t length) except? -1
    cdef object remove(self, bytes key)
    cdef PyObject* peek(self, const char* key, Py_ssize_t size, unsigned int hash) noexcept nogil
    cdef int has(self, const char* key, Py_ssize_t size) noexcept
    cdef Item* walk(self, Py_ssize_t* at) noexcept
    cdef int _place(self, Item* item) except? -1
    cdef int _resize(self, unsigned int buckets) except? -1
    cdef Item** _where(self, const char* key, Py_ssize_t size, unsigned int hash) noexcept nogil
    cdef int _take_out(self, Item** where) except? -1
    cdef int ask_bucket(self, unsigned int hash) noexcept nogil
    cdef int ask_item(self, unsigned int hash) noexcept nogil
    cdef int ask_all(self) noexcept nogil

cdef bytes key_of(Item* item)
cdef object value_of(Item* item)

# What Python does not say: prefetching.
cdef extern from *:
    """
    #if defined(__GNUC__)
    #define elixir_prefetch(address) __builtin_prefetch((const void *)(address))
    #define elixir_prefetch_place(list, at) __builtin_prefetch(&((PyListObject *)(list))->ob_item[at])
    #else
    #define elixir_prefetch(address) ((void)(address))
    #define elixir_prefetch_place(list, at) ((void)(at))
    #endif
    """
    void elixir_prefetch(const void* address) noexcept nogil
    void elixir_prefetch_place(list items, Py_ssize_t at)
