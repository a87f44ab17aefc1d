"""The router's side of multi-shard records: numbering, what is open, what a shard lacks. Compiled."""

from collections import OrderedDict

import cython

from cluster.command_table import TABLE
from cluster.records import Record, pack_entries, record_id, unpack
from cluster.wire import command as encode
from router.gather import Collected


@cython.cclass
class Open:
    """A record that not all participants have confirmed; `blob` is empty while it is only reserved."""

    id = cython.declare(tuple, visibility="public")
    blob = cython.declare(bytes, visibility="public")
    missing = cython.declare(set, visibility="public")

    def __init__(self, record: tuple, blob: bytes, missing: set):
        self.id = record
        self.blob = blob
        self.missing = missing


class RouterRecords:
    """Numbers records and keeps those that a participant may lack.

    Sequence numbers are given in the order in which parts enter the links (for an operation
    with holds: when it takes its holds), so they grow along every link. `open` is in the order of
    the ids: its first says how far the watermark may go.
    """

    def __init__(self, router):
        self.router = router
        self.epoch = 0
        self.sequence = 0
        self.open = OrderedDict()
        self.txn_id = TABLE["SHARD.TXN"].id
        self.record_id = TABLE["SHARD.RECORD"].id

    def next_id(self) -> tuple:
        """The next record id."""
        self.sequence += 1
        return (self.epoch, self.sequence)

    def reserve(self) -> tuple:
        """An id for a record that will be committed later (an operation that holds); it keeps the
        watermark below."""
        record = self.next_id()
        self.open[record] = Open(record, b"", set())
        return record

    def cancel(self, record: tuple):
        """The operation of a reserved id was aborted."""
        self.open.pop(record, None)
        self.advance()

    def keep(self, record: tuple, blob: bytes, missing: set):
        """A record is about to be sent: keep it until all participants confirm."""
        self.open[record] = Open(record, blob, missing)

    def opened(self, record: Record) -> bytes:
        """The same, for one that is not packed yet. Its blob."""
        blob = record.pack()
        self.keep(record.id, blob, set(record.parts))
        return blob

    def confirmed(self, record: tuple, shard: int):
        """A participant has applied (and journalled) a record."""
        entry = self.open.get(record)
        if entry is None:
            return
        entry.missing.discard(shard)
        if not entry.missing:
            del self.open[record]
            self.advance()

    def advance(self):
        """Raise the watermark to just below the oldest record that is not done. While one of
        an earlier router is open, shards are to keep everything."""
        core = self.router.core
        epoch, sequence = next(iter(self.open), (self.epoch, self.sequence + 1))
        core.epoch, core.watermark = (self.epoch, sequence - 1) if epoch == self.epoch else (0, 0)

    def send(
        self,
        parts: dict,
        watcher: str,
        done,
    ):
        """Send a write's parts as one record, in one go. `done` gets shard -> raw array reply
        (None: the shard was lost; the part will be applied when it is back)."""
        record = Record(self.next_id(), {shard: pack_entries(entries) for shard, entries in parts.items()})
        gather = Collected(list(parts), done)
        gather.records, gather.record = self, record.id
        raw = encode(b"SHARD.TXN", watcher.encode(), b"R", self.opened(record))
        for shard in parts:
            self.router.core.submit(shard, self.txn_id, 0, 0, 0, raw, gather)

    def catch_up(self, shard: int, last: tuple) -> int:
        """A shard is (back) on its link and has everything up to `last`: hand it what it lacks,
        before anything else. How many records that were."""
        count = 0
        for record in sorted(self.open):
            entry = self.open[record]
            if shard not in entry.missing:
                continue
            if record <= last:
                self.confirmed(record, shard)
                continue
            count += 1

            def arrived(raw: bytes | None, record: tuple = record):
                if raw is not None:
                    self.confirmed(record, shard)

            self.router.core.submit(shard, self.record_id, 0, 0, 0, encode(b"SHARD.RECORD", entry.blob), arrived)
        return count

    def adopt(self, kept: dict, last: dict):
        """A new router takes over: `kept` are the records that each shard holds, `last` the
        newest that each has applied. Records that some participant lacks are open again."""
        found = {record_id(blob): blob for blobs in kept.values() for blob in blobs}
        for number, blob in sorted(found.items()):
            missing = {shard for shard in unpack(blob).parts if shard in last and number > last[shard]}
            if missing:
                self.keep(number, blob, missing)
