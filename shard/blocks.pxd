# C declarations of shard/blocks.py, for the slots' tables.

cdef void* take_block(int order) noexcept
cdef void give_block(void* block, int order) noexcept
