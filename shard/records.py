"""The multi-shard records that a shard has applied (see cluster/records.py)."""

from __future__ import annotations

from collections import deque

from cluster.records import RecordId


class Records:
    """last: id of the newest applied record. kept: those that another participant may still
    lack, oldest first; the watermark that every batch brings lets go of the rest."""

    def __init__(self) -> None:
        self.last: RecordId = (0, 0)
        self.kept: deque[tuple[RecordId, bytes]] = deque()

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
