"""The multi-shard records that a shard has applied (see cluster/records.py). Compiled."""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy

from cluster.records import noted_place, record_id

MARK_EVERY_MS = 5000
GAP_MOST = cython.declare(cython.Py_ssize_t, 4096)


@cython.cclass
class Records:
    """last: id of the newest applied record. kept: (id, blob) of those that another participant may still lack, oldest
    first; the watermark that every batch brings lets go of the rest. note: up to where everything of a master's stream
    is here and noted in the journal (`cluster.records.place_note`), or None."""

    def __init__(self):
        self.blobs = []  # from `first` on; a list with a beginning of its own, for every record passes it
        self._marked = self._mark_next = (0, 0)

    @property
    def last(self):
        return (self.epoch, self.sequence)

    @last.setter
    def last(self, record):
        self.epoch, self.sequence = record

    @property
    def kept(self):
        return [(record_id(blob), blob) for blob in self.blobs[self.first :]]

    def lacks(self, record: tuple) -> bool:
        """Whether a record has not been applied here."""
        return record > self.last

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def lacks_packed(self, blob: bytes) -> cython.bint:
        """The same of a packed record."""
        epoch: cython.ulonglong = 0
        sequence: cython.ulonglong = 0
        _id_of(blob, cython.address(epoch), cython.address(sequence))
        return epoch > self.epoch or (epoch == self.epoch and sequence > self.sequence)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def add(self, blob: bytes) -> cython.int:
        """A record was applied."""
        if self.lacks_packed(blob):
            _id_of(blob, cython.address(self.epoch), cython.address(self.sequence))
        self.blobs.append(blob)
        return 0

    def keep(self, blob: bytes):
        """Another participant may lack this record, which was applied before."""
        self.blobs.append(blob)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def trim(self, epoch: cython.ulonglong, sequence: cython.ulonglong) -> cython.int:
        """All records up to this one are known to be applied everywhere."""
        oldest: cython.ulonglong = 0
        number: cython.ulonglong = 0
        count: cython.Py_ssize_t = len(self.blobs)
        while self.first < count:
            blob: bytes = self.blobs[self.first]
            _id_of(blob, cython.address(oldest), cython.address(number))
            if oldest > epoch or (oldest == epoch and number > sequence):
                break
            self.blobs[self.first] = None
            self.first += 1
        if self.first == count or self.first > GAP_MOST:
            del self.blobs[: self.first]
            self.first = 0
        return 0

    def passed(self, watermark: tuple):
        """A journal says so: what it was part of itself it has applied."""
        self.last = max(self.last, watermark)
        self.trim(watermark[0], watermark[1])

    def reached(self, note: bytes, changes: cython.longlong) -> bool:
        """A place in the stream; whether it is worth a note."""
        known: cython.bint = self.note == note and self.note_changes == changes
        self.note = note
        self.note_changes = changes
        return not known

    def place_at(self, changes: cython.longlong):
        """The place that the keys are at, if nothing was changed since."""
        return None if self.note is None or changes != self.note_changes else noted_place(self.note)

    def mark(self, watermark: tuple, now_ms: cython.longlong):
        """A watermark that is worth a note in the journal, so that whoever replays it keeps few records; most often None.

        It is one of some seconds ago: a participant that applied a record may lose it in a power cut until its fsync,
        and needs it from the others' journals then.
        """
        if now_ms < self._mark_at_ms:
            return None
        self._mark_at_ms = now_ms + MARK_EVERY_MS
        due, self._mark_next = self._mark_next, min(watermark, self.last)
        if due <= self._marked:
            return None
        self._marked = due
        return due


@cython.cfunc
@cython.exceptval(-1, check=True)
def _id_of(
    blob: bytes, epoch: cython.pointer(cython.ulonglong), sequence: cython.pointer(cython.ulonglong)
) -> cython.int:
    """The id of a packed record."""
    if PyBytes_GET_SIZE(blob) < 22:
        raise ValueError("a cut record")
    memcpy(epoch, PyBytes_AS_STRING(blob) + 4, 8)
    memcpy(sequence, PyBytes_AS_STRING(blob) + 12, 8)
    return 0
