"""What the shard's process uses, measured: the shell behind `shard.memory`.

Python's small objects live in arenas that are hardly ever given back, so RSS alone would say
that eviction frees nothing. Large blocks are counted by the C allocator (mallinfo2), keys with their short strings by
their tables, other small blocks by the interpreter (number of blocks in use) times the bytes per block that were seen
when the process was at its largest. What a process takes without data (interpreter, modules, buffers once made) is
not counted: the figure is 0 when it has just been made, and whenever somebody says that there is no data (`forget`).
"""

from __future__ import annotations

import ctypes
import resource
import sys

from shard.slot_table import small_items

PAGE_BYTES = resource.getpagesize()
LEARN_BYTES = 1 << 18  # from this growth on bytes per block are learned
BLOCK_BYTES = 64.0  # before that


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"
        )
    ]


class ProcessMemory:
    """Calling it gives (bytes in use by data, RSS bytes)."""

    def __init__(self) -> None:
        try:
            self._mallinfo = ctypes.CDLL(None).mallinfo2
            self._mallinfo.restype = _Mallinfo2
        except AttributeError:  # a C library without it: RSS has to do
            self._mallinfo = None
        self.block_bytes = BLOCK_BYTES
        self.peak_blocks = 0
        self.forget()
        self.start_small = self.rss() - self._malloc()[1]

    def forget(self) -> None:
        """There is no data: what is in use now is not counted from now on."""
        self.start_in_use, _, blocks = self._malloc()
        self.start_blocks = blocks - small_items()[0]

    @staticmethod
    def rss() -> int:
        """Resident bytes of this process."""
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE_BYTES

    def _malloc(self) -> tuple[int, int, int]:
        """(bytes in use, bytes held, small blocks in use)."""
        if self._mallinfo is None:
            return 0, 0, sys.getallocatedblocks()
        info = self._mallinfo()
        return info.uordblks + info.hblkhd, info.arena + info.hblkhd, sys.getallocatedblocks()

    def __call__(self) -> tuple[int, int]:
        in_use, held, blocks = self._malloc()
        rss = self.rss()
        items, item_bytes = small_items()
        small = rss - held - self.start_small - item_bytes
        grown = blocks - items - self.start_blocks
        if blocks > self.peak_blocks:
            self.peak_blocks = blocks
            # Where nearly all blocks are items the rest is a difference of large numbers, and says nothing.
            if small > LEARN_BYTES and grown * 4 > items:
                self.block_bytes = min(max(small / grown, 16.0), 512.0)
        return max(in_use - self.start_in_use, 0) + item_bytes + max(int(grown * self.block_bytes), 0), rss
