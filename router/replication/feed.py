"""The group's replication stream: the shards' streams merged, numbered, kept for a while.

    shard 0  ---- a b R1 c ----\\
                                 merge --> a d MULTI R1's parts EXEC b c ... --> backlog, replicas
    shard 1  ---- d R1 e    ----/

Segments of one shard keep their order. A multi-shard record waits at the head of its shard's
queue until it is at the head of every participant's; ids grow along every link, so this cannot
lock up. A barrier (the point of a snapshot) waits for all shards alike: what went out before it
is in the snapshot, what goes out after it is not. This is a core: no I/O, no clock.

With each segment goes how much of its shard's journal it is: the backlog says at any moment up to which place of every
journal the stream has everything, once. A shard that is restarted, and all of them after the router was, tell the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cluster.wire import command
from router.replication.backlog import Backlog

MULTI = command("MULTI")
EXEC = command("EXEC")


@dataclass(slots=True)
class Segment:
    """A piece of one shard's stream. token: None, or what must be at the head of all `shards`. size: bytes of its journal.
    place: no piece, but where in its journal the next begins: (number, bytes, inode, database)."""

    data: bytes
    first_db: int
    last_db: int
    token: bytes | None = None
    shards: tuple[int, ...] = ()
    barrier: bool = False
    size: int = 0
    place: Place | None = None


Place = tuple[int, int, int, int]
NOWHERE: Place = (-1, 0, 0, -1)


class Feed:
    """replid, offset: how a replica names its place. backlog: gets the merged stream; from a shard whose queue is
    empty the router's core brings it there. on_barrier(token) is called between what a snapshot has and what it lacks."""

    def __init__(self, shard_count: int, replid: str, backlog_size: int):
        self.shard_count = shard_count
        self.replid = replid
        self.replid2 = "0" * 40
        self.offset2 = -1
        self.active = False
        self.backlog = Backlog(backlog_size, shard_count)
        self.queues: list[deque[Segment]] = [deque() for _ in range(shard_count)]
        self.primed = [False] * shard_count  # shards whose stream counts: from a mark on
        self.barrier = b""  # the mark that is waited for
        self.on_barrier: Callable[[bytes], None] = lambda token: None
        self.backlog.on_queued = self.on_stream
        self._settle()

    @property
    def offset(self) -> int:
        """Of the last byte of the stream."""
        return int(self.backlog.offset)

    def _settle(self) -> None:
        """Which shards' streams may go out without waiting for another's."""
        self.backlog.direct = [primed and not queue for primed, queue in zip(self.primed, self.queues, strict=True)]

    def _describe(self) -> None:
        """Tell the backlog what it is called, and whether a new router may go on with it."""
        self.backlog.describe(self.replid, self.replid2, self.offset2, all(self.primed))

    def keep_at(self, path: str, owner: str, fresh: str) -> bool:
        """Leave the stream in a file to the next router; whether an earlier one has left one, and we go on with it. It gets
        a fresh name if the group was started anew: somebody might have copied its files and go on with those."""
        left = self.backlog.keep_at(path, owner)
        if left is None:
            self._describe()
            return False
        self.replid, self.replid2, self.offset2, same = left
        self.primed = [True] * self.shard_count
        self.active = True
        self._settle()
        if not same:
            self.rename(fresh)
        return True

    # -- what comes from the shards --------------------------------------------------------

    def on_stream(self, shard: int, event: list[bytes]) -> None:
        """("stream", first db, last db, bytes)"""
        self._add(shard, Segment(event[3], int(event[1]), int(event[2]), size=len(event[3])))

    def on_record(self, shard: int, event: list[bytes]) -> None:
        """("record", id, participants, first db, last db, body, size)"""
        shards = tuple(int(one) for one in event[2].split(b","))
        self._add(shard, Segment(event[5], int(event[3]), int(event[4]), event[1], shards, size=int(event[6])))

    def on_place(self, shard: int, event: list[bytes]) -> None:
        """("place", number bytes inode database, or nothing)"""
        words = [int(word) for word in event[1].split()]
        place = (words[0], words[1], words[2], words[3]) if words else NOWHERE
        if self.queues[shard]:
            self._add(shard, Segment(b"", -1, -1, place=place))
        else:
            self.backlog.place(shard, *place)

    def resume(self, shard: int) -> Place | None:
        """A shard's link begins anew: from which place on it is to tell its stream, None if nobody knows. What it has told
        and could not go out yet it tells again."""
        self.queues[shard].clear()
        self._settle()
        place: Place | None = self.backlog.place_of(shard) if self.primed[shard] else None
        return place

    def on_mark(self, shard: int, event: list[bytes]) -> None:
        """("barrier", token)"""
        if event[1] != self.barrier:
            return  # of a snapshot that has been given up
        self.primed[shard] = True  # `_add` settles
        everybody = tuple(range(self.shard_count))
        self._add(shard, Segment(b"", -1, -1, b"barrier " + event[1], everybody, True))

    def on_feeding(self, shard: int, event: list[bytes]) -> None:
        """("feeding",): a promoted group's shard feeds from here on."""
        self.primed[shard] = True
        self._settle()
        self._describe()

    def unprime(self) -> None:
        """The shards' streams count no more: what comes now is another's."""
        self._begin_anew(self.backlog.db)
        self._describe()

    def drop_barrier(self) -> None:
        """Wait for no mark any more."""
        token, self.barrier = b"barrier " + self.barrier, b""
        for number, queue in enumerate(self.queues):
            self.queues[number] = deque(segment for segment in queue if segment.token != token)
        self._drain()

    def _add(self, shard: int, segment: Segment) -> None:
        if not self.primed[shard]:
            self.backlog.merge(b"", [(shard, segment.size, segment.last_db)], self.backlog.db)
            return
        self.queues[shard].append(segment)
        self._drain()

    def _drain(self) -> None:
        moved = True
        while moved:
            moved = False
            for number, queue in enumerate(self.queues):
                while queue and queue[0].token is None:
                    self._emit(number, queue.popleft())
                    moved = True
                if queue and self._ready(queue[0]):
                    self._emit_together(queue[0])
                    moved = True
        self._settle()

    def _ready(self, segment: Segment) -> bool:
        for shard in segment.shards:
            queue = self.queues[shard]
            if not queue or queue[0].token != segment.token:
                return False
        return True

    def _emit(self, shard: int, segment: Segment) -> None:
        if segment.place is not None:
            self.backlog.place(shard, *segment.place)
        else:
            data = self._selected(segment, self.backlog.db)
            self.backlog.merge(data, [(shard, segment.size, segment.last_db)], segment.last_db)

    @staticmethod
    def _selected(segment: Segment, db: int) -> bytes:
        """Its bytes behind others that end in a database."""
        if segment.first_db in (-1, db):
            return segment.data
        return command("SELECT", segment.first_db) + segment.data

    def _emit_together(self, head: Segment) -> None:
        parts = [self.queues[shard].popleft() for shard in head.shards]
        if head.barrier:
            self._describe()  # all are primed now
            self.on_barrier((head.token or b"").removeprefix(b"barrier "))
            return
        out, db = [], self.backlog.db
        for part in parts:
            if part.data:
                out.append(self._selected(part, db))
                db = part.last_db
        reached = [(shard, part.size, part.last_db) for shard, part in zip(head.shards, parts, strict=True)]
        self.backlog.merge(MULTI + b"".join(out) + EXEC if out else b"", reached, db)

    @property
    def idle(self) -> bool:
        """Whether everything that the shards sent has gone out."""
        return not any(self.queues)

    # -- what goes out ---------------------------------------------------------------------

    def put(self, data: bytes) -> None:
        """Append bytes to the stream."""
        if data:
            self.backlog.put(data)

    @property
    def first_offset(self) -> int:
        """The offset of the oldest byte in the backlog (offsets count from 1, as in Redis)."""
        return self.offset - len(self.backlog) + 1

    def since(self, replid: str, offset: int) -> bytes | None:
        """What a replica lacks that wants to go on at `offset` (the first byte it has not),
        None when only a full synchronisation helps."""
        if not self.active:
            return None
        known = replid == self.replid or (replid == self.replid2 and offset <= self.offset2)
        if not known or offset < self.first_offset or offset > self.offset + 1:
            return None
        return bytes(self.backlog.last(self.offset + 1 - offset))

    def restart(self, replid: str) -> None:
        """What a lost shard may have sent is unknown: begin a new history."""
        self.replid = replid
        self.replid2, self.offset2 = "0" * 40, -1
        self.backlog.clear()
        self._begin_anew()
        self.active = False
        self._describe()

    def _begin_anew(self, db: int = -1) -> None:
        self.backlog.db = db
        self.primed = [False] * self.shard_count
        self.barrier = b""
        for queue in self.queues:
            queue.clear()
        self._settle()

    def adopt(self, replid: str, offset: int) -> None:
        """We follow a master now, at its offset: what it sends is our stream."""
        self.replid = replid
        self.replid2, self.offset2 = "0" * 40, -1
        self.backlog.clear()
        self._begin_anew()
        self.backlog.offset = offset
        self._describe()

    def rename(self, replid: str) -> None:
        """The same stream goes on under another id: who knows it by the old one may go on with us."""
        self.replid2, self.offset2 = self.replid, self.offset + 1
        self.replid = replid
        self._describe()

    def promote(self, replid: str, unapplied: int = 0) -> None:
        """We are a master now: replicas of our old master may go on with us. `unapplied`: bytes at the
        end of the stream that are no whole command or unit; they never happened."""
        if unapplied:
            self.backlog.cut(unapplied)
        self.backlog.forget_db()
        self.rename(replid)
