# C declarations of router/packing.py, for those who build records in place.

cdef enum:  # bytes; see cluster/records.py
    RECORD_HEAD = 22
    PART_HEAD = 6
    RECORD_END = 8

cdef char* begin_record(char* to, unsigned long long epoch, unsigned long long sequence, unsigned short parts) noexcept
cdef char* begin_part(char* to, unsigned short shard, unsigned int size) noexcept
cdef void end_record(char* to, unsigned long long made_ms) noexcept
cdef bytes packed_record(
    unsigned long long epoch, unsigned long long sequence, unsigned short members, bytes parts, unsigned long long made_ms
)
cpdef list members_of(bytes parts)
