# C declarations of shard/values/table.py.

from shard.values.taker cimport Taker

cdef extern from "Python.h":
    Py_hash_t _Py_HashBytes(const void* data, Py_ssize_t size)
    Py_hash_t PyObject_Hash(object key) noexcept

cdef struct Node:
    Node* next
    unsigned int hash
    unsigned int key
    unsigned int value

cdef struct Table:
    Node** buckets
    size_t capacity
    size_t count
    size_t heap
    unsigned int bits
    unsigned int split
    unsigned int longest

cdef inline char* node_key(Node* node) noexcept nogil:
    return <char*> node + 20

cdef inline char* node_value(Node* node) noexcept nogil:
    return <char*> node + 20 + node.key

cdef inline size_t table_buckets(const Table* table) noexcept nogil:
    return (<size_t> 1 << table.bits) + table.split

cdef inline unsigned int text_hash(const char* key, Py_ssize_t size) noexcept:
    return <unsigned int> _Py_HashBytes(key, size)

cdef inline unsigned int bytes_hash(bytes key) noexcept:
    return <unsigned int> PyObject_Hash(key)

cdef bint table_ask(Table* table, bytes member, int step) noexcept
cdef Node* table_find(Table* table, unsigned int hashed, const char* key, Py_ssize_t size) noexcept
cdef int table_put(Table* table, unsigned int hashed, const char* key, Py_ssize_t size, const char* value, Py_ssize_t length) except? -1
cdef bint table_remove(Table* table, unsigned int hashed, const char* key, Py_ssize_t size) noexcept
cdef Node* table_random(Table* table, unsigned long long seed) noexcept
cdef Py_ssize_t table_give_bucket(const Table* table, size_t at, bint keys, bint values, Taker taker) except -1
cdef int table_give(const Table* table, bint keys, bint values, Taker taker) except -1
cdef unsigned long long table_scan(Table* table, unsigned long long cursor, Py_ssize_t count, bint values, Taker taker) except? 0
cdef int table_open(Table* table, size_t expected) except? -1
cdef bint table_release(Table* table, size_t count) noexcept
cdef void table_free(Table* table) noexcept
cdef size_t table_memory(const Table* table) noexcept
