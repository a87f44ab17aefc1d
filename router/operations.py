"""The operations over several shards that are in flight (router/operation.py), and what shards say to them. Compiled."""

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.router.dataflow import Dataflow
from cython.cimports.router.operation import InFlight, Operation

from cluster import frames
from cluster.command_table.model import F
from cluster.errors import CommandError
from cluster.records import pack_entries
from cluster.reply_parts import split_reply
from cluster.wire import command as encode
from router import dispatch
from router.placement import ROAMING, home_of, keys_by_shard
from router.registry import LATER
from router.turns import Turns

GIVEN_UP = "ERR operation over several shards timed out; nothing was changed"


@cython.cclass
class Hearing(InFlight):
    """Hears what shards say of operations."""

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def said(self, shard: cython.int, event: list) -> cython.int:
        """("op", id, "ran", replies, parts, large ...), ("op", id, "asks", db, key),
        ("op", id, "reads", shards, db, command...), ("op", id, "lent", kind, value, expiry), ("op", id, "piece", raw,
        more) or ("op", id, "took")."""
        operation: Operation = self.active.get(event[1])
        kind: bytes = event[2]
        if kind == b"piece" or kind == b"took":
            if operation is not None and operation.state == "moving":
                operation.moved_ms = self.core.now
                moves: object = cython.cast(Dataflow, operation).moves
                if kind == b"took":
                    moves.took()
                else:
                    moves.gave(event[3], event[4] == b"1")
        elif operation is not None and operation.state == "running":
            running: Dataflow = operation
            if kind == b"ran":
                running.ran(shard, event[3], event[4], event[5:])
            elif kind == b"asks":
                running.lend(event[3], event[4])
            elif kind == b"reads":
                running.read(list(map(int, event[3].split(b","))), int(event[4]), event[5:])
            else:
                running.lent(event[3:])
        elif kind in (b"asks", b"reads"):  # it has been given up meanwhile
            self.router.send_alone(shard, frames.LENT + encode(event[1], b"error", GIVEN_UP.encode()))
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def committed(
        self, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        length: cython.int = cython.cast(cython.uchar, data[0])
        operation: Operation = self.active.get(PyBytes_FromStringAndSize(data + 1, length))
        if operation is not None and operation.state == "committing":
            operation.applied(shard, PyBytes_FromStringAndSize(data + 1 + length, size - 1 - length))
        elif operation is not None and operation.state == "deciding":
            operation.decided(True)
        return 0


class Operations(Hearing):
    """All operations in flight."""

    def __init__(self, router):
        self.router = router
        self.core = router.core
        self.core.operations = self
        self.records = router.records
        self.active = {}
        self.turns = Turns(router.shard_count)
        self.postponed: set = set()

    def shard_lost(self, shard: int):
        """A shard's link is gone."""
        for operation in list(self.active.values()):
            operation.lost(shard)

    def may_join(self, shard: int, last: tuple) -> bool:
        """A restarted shard that has all records up to `last` is there: settles what it decides. Whether it may serve,
        or another shard that is to decide on an operation of its is away still: `settled` comes back to it."""
        for operation in list(self.active.values()):
            if operation.state == "deciding" and operation.first == shard:
                operation.decided(last >= operation.record.id)
        held = [one for one in self.active.values() if one.state == "deciding" and shard in one.held]
        if held:
            self.postponed.add(shard)
        return not held

    def settled(self):
        """It is decided whether an operation happens: shards that had to wait for that may join."""
        postponed, self.postponed = self.postponed, set()
        for shard in postponed:
            self.router.join(shard)

    def tick(self, now_ms: int):
        """No operation holds keys for longer than hold-timeout, not counted while large values come."""
        limit = int(self.router.config["hold-timeout"])
        for operation in list(self.active.values()):
            if now_ms - operation.moved_ms > limit:
                operation.fail(CommandError(GIVEN_UP))

    def oldest_ms(self) -> int:
        """How long the oldest operation in flight has been, 0 if there is none."""
        return max((self.router.now - operation.started_ms for operation in self.active.values()), default=0)

    def dataflow(self, session, row, args: list):
        """One command whose keys lie on several shards."""
        keys = keys_by_shard(self.router, session.db, [(row, args)])
        lends = dispatch.reaches_anywhere(self.router, row, args)
        if lends:
            keys = {shard: keys.get(shard, []) for shard in range(self.router.shard_count)}
        for shard in keys:
            self.router.require(shard)
        entries = pack_entries([(row.id, session.db, session.conn.flags & frames.UNTRACKED, session.id, encode(*args))])
        home = home_of(self.router, row, args, keys)
        write = lends or not row.flags & F.READONLY
        place = session.reserve()
        session.pause()

        def done(replies, error):
            if error is not None:
                session.fulfil(place, error)
            else:
                session.fulfil_raw(place, split_reply(replies[home])[0])
            session.resume()

        if session.tracking is not None:
            session.tracking.before(session, row, args)
        self.launch(Dataflow(self, keys, home, entries, write, done, lends=lends, roams=row.group in ROAMING))
        self.router.tracking.read(session, [(row, args)])
        return LATER
