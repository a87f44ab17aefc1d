# C declarations of shard/rdb/objects.py.

from shard.rdb.sink cimport Sink
from shard.rdb.source cimport Source

cpdef object decode(Source source, int kind)
cpdef int encode(Sink sink, bytes type_name, object plain) except? -1
cpdef int kind_of(bytes type_name, object plain) except? -1
