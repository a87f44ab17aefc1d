"""The multi-shard records that a shard has applied (see cluster/records.py). Compiled."""

from collections import deque

import cython

MARK_EVERY_MS = 5000


@cython.cclass
class Records:
    """last: id of the newest applied record. kept: those that another participant may still
    lack, oldest first; the watermark that every batch brings lets go of the rest. place: up to where everything of a
    master's stream is here and noted in the journal, or None."""

    last = cython.declare(tuple, visibility="public")
    kept = cython.declare(object, visibility="public")
    place = cython.declare(object, visibility="public")
    place_changes = cython.declare(cython.longlong)  # the engine's count of changes there
    _marked = cython.declare(tuple)
    _mark_next = cython.declare(tuple)
    _mark_at_ms = cython.declare(cython.longlong)

    def __init__(self):
        self.last = (0, 0)
        self.kept = deque()
        self._marked = self._mark_next = (0, 0)
        self._mark_at_ms = 0

    def lacks(self, record: tuple) -> bool:
        """Whether a record has not been applied here."""
        return record > self.last

    def add(self, record: tuple, blob: bytes):
        """A record was applied."""
        if record > self.last:
            self.last = record
        self.kept.append((record, blob))

    def trim(self, watermark: tuple):
        """All records up to the watermark are known to be applied everywhere."""
        while self.kept and self.kept[0][0] <= watermark:
            self.kept.popleft()

    def passed(self, watermark: tuple):
        """A journal says so: what it was part of itself it has applied."""
        self.last = max(self.last, watermark)
        self.trim(watermark)

    def reached(self, place: tuple, changes: cython.longlong) -> bool:
        """A place in the stream; whether it is worth a note."""
        known: cython.bint = self.place == place and self.place_changes == changes
        self.place = place
        self.place_changes = changes
        return not known

    def place_at(self, changes: cython.longlong):
        """The place that the keys are at, if nothing was changed since."""
        return self.place if changes == self.place_changes else None

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
