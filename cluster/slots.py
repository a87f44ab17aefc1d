"""Hash slots: which slot a key has and which shard owns a slot.

Source: the Redis Cluster specification (CRC16-XMODEM modulo 16384, hash tags).
"""

from __future__ import annotations

from binascii import crc_hqx
from functools import cache

SLOT_COUNT = 16384
SHARDS_MAX = 256


def slot_of(key: bytes) -> int:
    """The slot (0..16383) of a key; when it has a non-empty `{tag}`, that of the tag."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) & (SLOT_COUNT - 1)


def slot_ranges(shards: int) -> list[tuple[int, int]]:
    """Contiguous (first, last) slots of each of `shards` shards, both ends included."""
    bounds = [SLOT_COUNT * i // shards for i in range(shards + 1)]
    return [(bounds[i], bounds[i + 1] - 1) for i in range(shards)]


@cache
def slot_map(shards: int) -> list[int]:
    """For each slot the index of the shard that owns it; not to be changed."""
    owners: list[int] = []
    for shard, (first, last) in enumerate(slot_ranges(shards)):
        owners.extend([shard] * (last - first + 1))
    return owners
