"""The multi-shard records that not all participants have confirmed, in the order of their ids. Compiled.

The oldest says how far the watermark goes that every batch carries: what is below has been applied by all.
"""

import cython
from cython.cimports.router.core import Core

GAP_MOST = cython.declare(cython.Py_ssize_t, 4096)


@cython.cclass
class Open:
    """A record that a participant may lack; `blob` is empty while it is only reserved."""

    @property
    def id(self):
        """(epoch, sequence)"""
        return (self.epoch, self.sequence)

    def lacks(self, shard: cython.int) -> bool:
        """Whether a participant has not confirmed it yet."""
        if shard >= 64:
            return self.others is not None and shard in self.others
        return (self.missing >> shard) & 1 > 0


@cython.cclass
class OpenRecords:
    """Numbers records and keeps those that a participant may lack.

    Sequence numbers are given in the order in which parts enter the links (for an operation with holds: when it takes
    its holds), so they grow along every link.
    """

    def __init__(self, core: Core):
        self.core = core
        self.line = []  # from `first` on

    @property
    def open(self):
        """id -> record, in the order of the ids."""
        return {entry.id: entry for entry in self.line[self.first :] if not entry.settled}

    @cython.cfunc
    def opened(self) -> Open:
        """The next record; it keeps the watermark below."""
        entry: Open = Open.__new__(Open)
        self.sequence += 1
        entry.epoch = self.epoch
        entry.sequence = self.sequence
        entry.blob = b""
        self.line.append(entry)
        return entry

    def reserve(self) -> Open:
        """The same, for one that will be committed later (an operation that holds)."""
        return self.opened()

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def keep(self, entry: Open, blob: bytes, shards: list) -> cython.int:
        """It is about to be sent: keep it until all these participants confirm."""
        entry.blob = blob
        shard: cython.int
        entry.missing = 0
        entry.others = None
        for shard in shards:
            if shard < 64:
                entry.missing |= cython.cast(cython.ulonglong, 1) << shard
            else:
                entry.others = (entry.others or set()) | {shard}
        return 0

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def confirmed(self, entry: Open, shard: cython.int) -> cython.int:
        """A participant has applied (and journalled) a record."""
        if shard < 64:
            entry.missing &= ~(cython.cast(cython.ulonglong, 1) << shard)
        elif entry.others is not None:
            entry.others.discard(shard)
        if entry.missing == 0 and not entry.others:
            self.cancel(entry)
        return 0

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def cancel(self, entry: Open) -> cython.int:
        """Nobody lacks it, or nobody will get it."""
        entry.settled = True
        self.advance()
        return 0

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def advance(self) -> cython.int:
        """Raise the watermark to just below the oldest record that is not done. While one of an earlier router is
        open, shards are to keep everything."""
        oldest: Open
        self.core.epoch = self.epoch
        self.core.watermark = self.sequence
        count: cython.Py_ssize_t = len(self.line)
        while self.first < count:
            oldest = self.line[self.first]
            if not oldest.settled:
                self.core.epoch = oldest.epoch if oldest.epoch == self.epoch else 0
                self.core.watermark = oldest.sequence - 1 if oldest.epoch == self.epoch else 0
                break
            self.line[self.first] = None
            self.first += 1
        if self.first == count or self.first > GAP_MOST:
            del self.line[: self.first]
            self.first = 0
        return 0
