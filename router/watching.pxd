# C declarations of router/watching.py.

from router.connection cimport Conn
from router.core cimport Core
from router.watched cimport Watch

cdef bint watch_more(Core core, Conn conn, list words) except? -1
cpdef int tell_shards(Core core, Conn conn, Watch watch) except? -1
cpdef int forget_watch(Core core, Conn conn, Watch watch) except? -1
