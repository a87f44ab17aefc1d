"""The router's side of multi-shard records: handing them out, and to shards that come back what they lack. Compiled."""

from cython.cimports.router.open_records import Open, OpenRecords

from cluster.command_table import TABLE
from cluster.records import Record, pack_entries, record_id, unpack
from cluster.wire import command as encode
from router.gather import Collected


class RouterRecords(OpenRecords):
    """Numbering, what is open, what a shard lacks (see router/open_records.py)."""

    def __init__(self, router):
        OpenRecords.__init__(self, router.core)
        self.router = router
        self.txn_id = TABLE["SHARD.TXN"].id
        self.record_id = TABLE["SHARD.RECORD"].id

    def send(
        self,
        parts: dict,
        watcher: str,
        done,
    ):
        """Send a write's parts as one record, in one go. `done` gets shard -> raw array reply
        (None: the shard was lost; the part will be applied when it is back)."""
        entry: Open = self.reserve()
        packed = {shard: pack_entries(part) for shard, part in parts.items()}
        self.keep(entry, Record(entry.id, packed, self.router.core.now).pack(), list(parts))
        gather = Collected(list(parts), done)
        gather.records, gather.record = self, entry
        raw = encode(b"SHARD.TXN", watcher.encode(), b"R", entry.blob)
        for shard in parts:
            self.router.core.submit(shard, self.txn_id, 0, 0, 0, raw, gather)

    def catch_up(self, shard: int, last: tuple) -> int:
        """A shard is (back) on its link and has everything up to `last`: hand it what it lacks,
        before anything else. How many records that were."""
        count = 0
        for entry in self.open.values():
            if not entry.lacks(shard):
                continue
            if entry.id <= last:
                self.confirmed(entry, shard)
                continue
            count += 1

            def arrived(raw: bytes | None, entry: Open = entry):
                if raw is not None:
                    self.confirmed(entry, shard)

            self.router.core.submit(shard, self.record_id, 0, 0, 0, encode(b"SHARD.RECORD", entry.blob), arrived)
        return count

    def adopt(self, kept: dict, last: dict):
        """A new router takes over: `kept` are the records that each shard holds, `last` the
        newest that each has applied. Records that some participant lacks are open again."""
        found = {record_id(blob): blob for blobs in kept.values() for blob in blobs}
        for number, blob in sorted(found.items()):
            missing = {shard for shard in unpack(blob).parts if shard in last and number > last[shard]}
            if missing:
                entry: Open = self.reserve()
                self.sequence -= 1  # it has its number already
                entry.epoch, entry.sequence = number
                self.keep(entry, blob, list(missing))
