# C declarations of shard/controls/direct_holds.py, for the batch loop.

from cluster.wire cimport Buffer
from shard.engine cimport Engine

cdef int run_hold(Engine engine, const char* raw, Py_ssize_t size, Buffer out) except? -1
cdef int run_commit(Engine engine, const char* raw, Py_ssize_t size) except? -1
