# C declarations of shard/rdb/streams.py.

from shard.rdb.sink cimport Sink
from shard.rdb.source cimport Source

cpdef object decode_stream(Source source, int kind)
cpdef object encode_stream(Sink sink, object stream)
