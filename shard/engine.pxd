# C declarations of shard/engine.py, for the batch loop and the hot commands.

from cluster.wire cimport Buffer
from shard.entries cimport Entry
from shard.holds cimport Holds
from shard.keyspace cimport Database
from shard.records cimport Records
from shard.reply_writer cimport ReplyWriter
from shard.values.taker cimport Taker

cdef class Engine:
    cdef public long long now
    cdef public list dbs
    cdef public Database db
    cdef public int resp
    cdef ReplyWriter writer
    cdef public bint master
    cdef public bint loading
    cdef public bint may_block
    cdef public bint no_touch
    cdef public bint replaying
    cdef public bint reading
    cdef public long long caching
    cdef public long long hits
    cdef public long long misses
    cdef public long long dirty
    cdef public long long changes
    cdef public long long counted
    cdef public bint rewritten
    cdef public int depth
    cdef public list unit
    cdef Buffer body
    cdef Buffer draft
    cdef int body_count
    cdef int body_db
    cdef public Buffer stream
    cdef Buffer scratch
    cdef public int stream_db
    cdef public int listening
    cdef public bint track_access
    cdef public list entries
    cdef public dict by_name
    cdef public list events
    cdef public list fed
    cdef public object config
    cdef public object watching
    cdef public object waiting
    cdef public object expiry
    cdef public object notifier
    cdef public object tracking
    cdef public set staged
    cdef public object access
    cdef public object memory
    cdef public object stats
    cdef public object scripts
    cdef public object owns
    cdef public object controls
    cdef public object worker
    cdef public object rng
    cdef public bytes write_error
    cdef public bint over_memory
    cdef public list lazy
    cdef public object scan_snapshot
    cdef public Records records
    cdef public object pieces
    cdef public object staging
    cdef public int shard_index
    cdef public Holds holds
    cdef public bint feeding
    cdef public list units
    cdef Buffer named
    cdef public Py_ssize_t named_size
    cdef public int worker_shards
    cpdef object lookup(self, bytes key)
    cpdef object typed(self, bytes key, object kind)
    cpdef object put(self, bytes key, object value)
    cpdef object overwrite(self, bytes key, object value)
    cpdef bint delete(self, bytes key) except? -1
    cdef Taker taker(self)
    cpdef object changed(self, bytes key, bytes event, int kind, long long count=*)
    cpdef object noted(self, bytes key, bytes event, int kind, long long count=*)
    cpdef object effect_of(self, list args, list rest=*, Py_ssize_t first=*)
    cdef object call_raw(self, Entry entry, list args, bytes raw)
    cdef object _expire(self, bytes key, object value)
    cdef int begin(self) except? -1
    cdef int finish(self, const char* raw, Py_ssize_t size) except? -1
    cdef int flush_unit(self, bytes record) except? -1
    cdef int wrote(self, const char* raw, Py_ssize_t size) except? -1
    cdef int _select(self, int db) except? -1
    cdef int name(self, Py_ssize_t number, Py_ssize_t size) except? -1
