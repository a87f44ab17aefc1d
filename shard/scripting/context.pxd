# C declarations of shard/scripting/context.py.

from shard.engine cimport Engine
from shard.entries cimport Entry

cdef class Context:
    cdef public Engine engine
    cdef public bytes name
    cdef public str kind
    cdef public list command
    cdef public long long started_ms
    cdef public bint running
    cdef public bint read_only
    cdef public bint allow_oom
    cdef public bint deny_oom
    cdef public bint wrote
    cdef public int resp
    cdef public object before_write
    cdef public object kill
    cdef public str refusal
    cdef public bint stale
    cdef public list keys
    cpdef object begin(self, str kind, bytes name, list command, bint read_only, bint allow_oom)
    cpdef object end(self)
    cpdef Entry resolve(self, list args)
    cpdef object execute(self, list args)
    cdef object _check_keys(self, Entry entry, list args)
