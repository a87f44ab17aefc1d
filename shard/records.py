"""The multi-shard records that a shard has applied (see cluster/records.py)."""

from __future__ import annotations

from collections import deque

from cluster.records import RecordId

MARK_EVERY_MS = 5000


class Records:
    """last: id of the newest applied record. kept: those that another participant may still
    lack, oldest first; the watermark that every batch brings lets go of the rest."""

    def __init__(self) -> None:
        self.last: RecordId = (0, 0)
        self.kept: deque[tuple[RecordId, bytes]] = deque()
        self._marked: RecordId = (0, 0)
        self._mark_next: RecordId = (0, 0)
        self._mark_at_ms = 0

    def lacks(self, record: RecordId) -> bool:
        """Whether a record has not been applied here."""
        return record > self.last

    def add(self, record: RecordId, blob: bytes) -> None:
        """A record was applied."""
        if record > self.last:
            self.last = record
        self.kept.append((record, blob))

    def trim(self, watermark: RecordId) -> None:
        """All records up to the watermark are known to be applied everywhere."""
        while self.kept and self.kept[0][0] <= watermark:
            self.kept.popleft()

    def passed(self, watermark: RecordId) -> None:
        """A journal says so: what it was part of itself it has applied."""
        self.last = max(self.last, watermark)
        self.trim(watermark)

    def mark(self, watermark: RecordId, now_ms: int) -> RecordId | None:
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
