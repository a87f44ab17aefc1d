# C declarations of shard/commands/hash_expiry.py.

from shard.engine cimport Engine
from shard.values.hashes cimport HashValue

cdef HashValue live_hash(Engine engine, bytes key)
cdef HashValue drop_due(Engine engine, bytes key, HashValue value)
