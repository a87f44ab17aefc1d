# C declarations of shard/direct.py, for the batch loop.

from cluster.wire cimport Buffer
from shard.engine cimport Engine
from shard.keyspace cimport Database

ctypedef struct Strings:
    const char* key
    Py_ssize_t key_size
    const char* value
    Py_ssize_t value_size

cdef int strings_of(int kind, const char* raw, Py_ssize_t size, Strings* found) noexcept nogil
cdef int run_direct(Engine engine, Database db, int kind, int slot, unsigned int hash, Strings* strings, Buffer out) except? -1
