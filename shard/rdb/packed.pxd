# C declarations of shard/rdb/packed.py.

cpdef list listpack_items(bytes raw)
cpdef list ziplist_items(bytes raw)
cpdef list intset_items(bytes raw)
cpdef list zipmap_items(bytes raw)
cpdef bytes listpack(list items)
cpdef bytes intset(list numbers)
cdef bint small_integer(bytes text, long long* number) noexcept
cdef bytes decimal(long long number)
