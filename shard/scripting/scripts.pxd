# C declarations of shard/scripting/scripts.py.

from shard.engine cimport Engine
from shard.scripting.context cimport Context
from shard.scripting.lua_host cimport LuaHost

cdef class Script:
    cdef public bytes sha
    cdef public bytes text
    cdef public object function
    cdef public frozenset flags

cdef class Scripts:
    cdef public Engine engine
    cdef public Context context
    cdef public dict cache
    cdef public object library_set
    cdef public list told
    cdef LuaHost _lua
    cdef object _python
    cpdef Script find(self, list args)
    cpdef object eval(self, Script script, list args, bint read_only)
    cpdef bint rights(self, frozenset flags, bint read_only) except? -1
    cpdef object run(self, str kind, bytes name, object function, list args, Py_ssize_t nkeys, bint read_only, bint allow_oom)

cpdef Scripts scripts_of(Engine engine)
cpdef Py_ssize_t number_of_keys(list args, str not_a_number) except? -1
