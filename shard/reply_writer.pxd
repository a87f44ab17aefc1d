# C declarations of shard.reply_writer.py.

from cluster.wire cimport Buffer
from shard.values.taker cimport Taker

cdef class ReplyWriter(Taker):
    cdef Buffer out
