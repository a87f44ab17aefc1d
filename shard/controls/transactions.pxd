# C declarations of shard/controls/transactions.py, for the batch loop.

from cluster.wire cimport Buffer
from shard.engine cimport Engine

cdef int run_unit(Engine engine, const char* raw, Py_ssize_t size, Buffer out) except? -1
cdef int apply_record(Engine engine, bytes blob, Buffer out) except? -1
