# C declarations of shard/scripting/lua_host.py.

from shard.engine cimport Engine
from shard.scripting.context cimport Context

cdef class LuaHost:
    cdef Engine engine
    cdef Context context
    cdef object runtime
    cdef object table_from
    cdef object run_few
    cdef object run_many
    cdef object compile_text
    cdef object load_text
    cdef unsigned long long seed_state
    cdef object to_lua(self, object reply)
    cdef object element(self, object reply)
    cdef object array(self, object reply)
    cdef object _seed(self, long long seed)
    cpdef object run(self, object function, bint is_eval, Py_ssize_t nkeys, list command)
