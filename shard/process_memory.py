"""What the shard's process uses, measured: the shell behind `shard.memory`.

Python's small objects live in arenas that are hardly ever given back, so RSS alone would say
that eviction frees nothing. Large blocks are counted by the C allocator (mallinfo2), small ones by
the interpreter (number of blocks in use) times the bytes per block that were seen when the
process was at its largest.
"""

from __future__ import annotations

import ctypes
import resource
import sys

PAGE_BYTES = resource.getpagesize()
LEARN_BYTES = 1 << 20  # from this growth on bytes per block are learned
BLOCK_BYTES = 64.0  # before that


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"
        )
    ]


class ProcessMemory:
    """Calling it gives (bytes in use by data since it was made, RSS bytes)."""

    def __init__(self) -> None:
        try:
            self._mallinfo = ctypes.CDLL(None).mallinfo2
            self._mallinfo.restype = _Mallinfo2
        except AttributeError:  # a C library without it: RSS has to do
            self._mallinfo = None
        self.block_bytes = BLOCK_BYTES
        self.peak_bytes = 0
        self.start_in_use, held, self.start_blocks = self._malloc()
        self.start_small = self.rss() - held

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
        small = rss - held - self.start_small
        grown = blocks - self.start_blocks
        if small > max(self.peak_bytes, LEARN_BYTES) and grown > 0:
            self.peak_bytes = small
            self.block_bytes = min(max(small / grown, 16.0), 512.0)
        return max(in_use - self.start_in_use, 0) + max(int(grown * self.block_bytes), 0), rss
