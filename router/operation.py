"""Operations whose keys lie on several shards and feed each other: hold, borrow, run, commit. Compiled.

    HOLD to all involved shards, in one go
      -> each answers with what it lends and puts off what may touch the held keys
    RUN at the home shard, on its own and the borrowed values
      -> replies, and the writes of each owner
    COMMIT, one record with all writes, to all of them (or ABORT)
      -> each applies its part, journals the record, goes on

Large values, borrowed or written, go in pieces before RUN and before COMMIT (router/moves.py). A record cannot carry
those that are written: the shard that has got them commits first, and its journal decides. While that is open, none of
the other shards of the operation serves again after a restart (`undecided`).

An EXEC whose client watches keys of several shards is the same without RUN: its record is known, so PREPARE brings
it along. All HOLDs enter the links in the router's order, so two operations that want the same key meet in the same
order on every shard: no deadlock. Operations on other keys are under way at the same time; those that share a shard
commit in the order in which they took their holds (router/turns.py), so that the ids of records grow along every link.
A read borrows in one go and needs a hold only at home. The client is not read from until its operation ends.
"""

import cython
from cython.cimports.cluster.numbers import write_longlong
from cython.cimports.cluster.wire import Buffer, encode_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcmp
from cython.cimports.router.connection import Link, Parts, Sink
from cython.cimports.router.gather import Answer, put
from cython.cimports.router.packing import packed_record

from cluster import errors, frames
from cluster.command_table import TABLE
from cluster.errors import CommandError

COMMIT = cython.declare(cython.int, TABLE["SHARD.COMMIT"].id)
ABORT = cython.declare(cython.int, TABLE["SHARD.ABORT"].id)
RESOLVE = cython.declare(cython.int, frames.RESOLVE)


@cython.cclass
class Operation(Parts):
    """One operation in flight.

    held: its shards; unanswered: how many of them have not answered yet, answers: what those lend that lend something.
    writes: it may commit a record. done(replies, error): shard -> raw array of replies (None: a
    watched key was touched), or a CommandError. watcher: the client whose keys on `watch_shards` must be untouched.
    state: holding -> moving (large values) -> running (what the shards have said is used) -> moving -> ready (it may
    commit) -> deciding (the first shard commits) -> committing -> done. first: the shard that commits before the
    others, or -1; gone: shards that were lost while it did.
    """

    def __init__(self, operations: InFlight, held, write: bool, done, watcher: bytes = b"", watch_shards=()):
        self.begin(operations, sorted(held), write, watcher, watch_shards)
        self.done = done

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def begin(
        self, operations: InFlight, held: list, write: cython.bint, watcher: bytes, watch_shards: object
    ) -> cython.int:
        """`held` is in order."""
        self.operations = operations
        self.router = operations.router
        self.core = operations.core
        self.id = operations.new_id()
        self.held = held
        self.holding = []
        self.write = write
        self.watcher = watcher
        self.watch_shards = watch_shards
        self.answers = {}
        self.replies = {}
        self.state = "holding"
        self.unanswered = len(held)
        self.started_ms = self.moved_ms = self.core.now
        self.first = -1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def start(self) -> cython.int:
        """Take the holds."""
        shard: cython.int
        self.enter()
        for shard in self.held:
            self._hold(shard)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def enter(self) -> cython.int:
        """It has its place in the order of its shards."""
        shard: cython.int
        if self.write:
            self.record = self.operations.records.opened()
            self.operations.turns.join(self, self.held)
        self.siblings = 0
        for shard in self.held:
            if shard < 64:
                self.siblings |= cython.cast(cython.ulonglong, 1) << shard
        return 0

    @cython.ccall
    def _hold(self, shard: cython.int):
        """Ask one shard for its hold (or what it lends); the subclasses say how."""

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _ask(self, shard: cython.int, command: cython.int, words: list) -> cython.int:
        """A message in the order of the link; `arrived` gets its reply."""
        out: Buffer = self.core.scratch
        out.clear()
        encode_command(out, words)
        put(self.core, self, shard, command, 0, 0, 0, out.data, out.size, self.siblings)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _tell(self, shard: cython.int, command: cython.int, words: list, siblings: cython.ulonglong = 0) -> cython.int:
        """A message that overtakes what waits for holds; what comes back is an event."""
        out: Buffer = self.core.scratch
        out.clear()
        encode_command(out, words)
        put(self.core, self, shard, command, 0, RESOLVE, 0, out.data, out.size, siblings)
        return 0

    def tell(self, shard: int, command: int, words: list):
        """The same, for plain Python."""
        self._tell(shard, command, words)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def arrived(
        self, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        if data == cython.NULL:
            self.fail(CommandError(errors.SHARD_DOWN.format(shard=shard)))
        elif self.state == "holding":
            if not _says_nothing(data, size):
                self.answers[shard] = PyBytes_FromStringAndSize(data, size)
            self.unanswered -= 1
            if self.unanswered == 0:
                self._answered()
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _answered(self) -> cython.int:
        """All shards have answered: is everything as the client watched it?"""
        raw: bytes
        for raw in self.answers.values():
            if PyBytes_AS_STRING(raw)[0] == 45:
                self.fail(CommandError(raw[1:-2].decode("utf-8", "replace")))
                return 0
            if PyBytes_AS_STRING(raw)[1 if PyBytes_AS_STRING(raw)[0] == 58 else 5] == 48:  # ":0", or "*2 :0 ..."
                self.release(self.holding)
                self.finish(None, None)
                return 0
        self.all_held()
        return 0

    @cython.ccall
    def all_held(self):
        """Go on, now that all shards are held and have lent what they were asked for."""

    @cython.ccall
    def commit(self, parts: bytes, members: list):
        """What is to be written is known (packed, see cluster/records.py): commit it as soon as it is our turn."""
        self.blob = packed_record(self.record.epoch, self.record.sequence, len(members), parts, self.core.now)
        self.members = members
        self.state = "ready"
        self.operations.advance(self)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def send_commit(self) -> cython.bint:
        """One record with every shard's writes; shards without one are let go. False: it is to be decided first."""
        if self.first >= 0:
            self.state = "deciding"
            self._tell(self.first, COMMIT, [b"SHARD.COMMIT", self.id, self.blob, b"SYNC"])
            return False
        self._commit_all(self.members)
        return True

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _commit_all(self, members: list) -> cython.int:
        """Every participant but for the first, if there is one, is told."""
        shard: cython.int
        self.state = "committing"
        self.committed, self.record = self.record, None
        self.missing = set(members)
        self.operations.records.keep(self.committed, self.blob, members)
        # Of three links two may be busy by turns for long: then holding a commit back for them would hold its keys.
        siblings: cython.ulonglong = self.siblings if len(self.held) == 2 else 0
        out: Buffer = self.core.scratch
        out.clear()
        self._write_commit(out)
        for shard in members:
            if self.gone is None or shard not in self.gone:
                put(self.core, self, shard, COMMIT, 0, RESOLVE, 0, out.data, out.size, siblings)
        if len(self.holding) > len(members):
            self.release([shard for shard in self.holding if shard not in self.missing and shard != self.first])
        return 0

    def decided(self, applied: bool):
        """The first shard has committed, so the others will, whatever happens to them; or it never will."""
        if not applied:
            self.state = "running"
            self.fail(CommandError(errors.SHARD_DOWN.format(shard=self.first)))
        else:
            others = [shard for shard in self.members if shard != self.first]
            self._commit_all(others)
            self.operations.leave(self)
            self.missing -= self.gone or set()
            if not others:
                self.operations.records.cancel(self.committed)
            if not self.missing:
                self.finish(self.replies, None)
        self.operations.settled()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _write_commit(self, out: Buffer) -> cython.int:
        """What participants are told."""
        out.append(b"*3\r\n$12\r\nSHARD.COMMIT\r\n", 23)
        out.append_bulk(PyBytes_AS_STRING(self.id), PyBytes_GET_SIZE(self.id))
        return out.append_bulk(PyBytes_AS_STRING(self.blob), PyBytes_GET_SIZE(self.blob))

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def applied(self, shard: cython.int, replies: bytes) -> cython.int:
        """A participant has committed its part."""
        self.operations.records.confirmed(self.committed, shard)
        self._keep_replies(shard, replies)
        self.missing.discard(shard)
        if not self.missing:
            self.finish(self.replies, None)
        return 0

    @cython.ccall
    def _keep_replies(self, shard: cython.int, replies: bytes):
        """What a participant's part was answered."""

    def lost(self, shard: int):
        """A shard went away: before the commit nothing happens, after it the record will."""
        if self.state == "done" or shard not in self.held:
            return
        if self.state == "deciding":
            self.gone = (self.gone or set()) | {shard}
            if shard == self.first:
                self._say(None, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
        elif self.state != "committing":
            self.fail(CommandError(errors.SHARD_DOWN.format(shard=shard)))
        elif shard in self.missing:
            self.missing.discard(shard)
            # The others are still waited for: they confirm their parts.
            self._say(None, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
            if not self.missing:
                self.finish(None, None)

    @cython.ccall
    def fail(self, error):
        """Let everybody go; nothing happened."""
        if self.state in ("done", "deciding", "committing"):
            return
        self.release(self.holding)
        self.finish(None, error)

    @cython.ccall
    def release(self, shards: list):
        """End the holds on shards without an effect."""
        shard: cython.int
        words: list = [b"SHARD.ABORT", self.id]
        for shard in shards:
            if cython.cast(Link, self.core.links[shard]).up:
                self._tell(shard, ABORT, words)

    @cython.ccall
    def finish(self, replies, error):
        """The end, one way or the other."""
        if self.state == "done":
            return
        self.state = "done"
        self.operations.active.pop(self.id, None)
        if self.record is not None:
            self.operations.records.cancel(self.record)
            self.record = None
            self.operations.leave(self)
        self._say(replies, error)
        self.core.kick()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _say(self, replies: dict, error: object) -> cython.int:
        """Tell whoever waits for it how it ended, once."""
        answer: Answer = self.answer
        done: object = self.done
        self.answer = None
        self.done = None
        if answer is not None:
            answer.operated(replies, error)
        elif done is not None:
            done(replies, error)
        return 0


@cython.cfunc
@cython.exceptval(check=False)
def _says_nothing(data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.bint:
    """Whether an answer to a HOLD, or a PREPARE, is that what is watched is untouched, and nothing is lent."""
    return (size == 14 and memcmp(data, b"*2\r\n:1\r\n$0\r\n\r\n", 14) == 0) or (size == 4 and memcmp(data, b":1\r\n", 4) == 0)


@cython.cclass
class InFlight(Sink):
    """The operations that are in flight, by id. router/operations.py has what plain Python does with them."""

    @cython.cfunc
    def new_id(self) -> bytes:
        """An id that no operation of this router has had."""
        digits: cython.char[24]
        self.sequence += 1
        return PyBytes_FromStringAndSize(digits, write_longlong(digits, self.sequence))

    @cython.ccall
    def launch(self, operation: Operation):
        """Start an operation."""
        self.active[operation.id] = operation
        operation.start()
        self.core.kick()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def advance(self, operation: Operation) -> cython.int:
        """Commit an operation, and those that have waited for it, if it is their turn."""
        first: Operation
        due: list = [operation]
        while due:
            first = due.pop()
            if first.state != "ready" or not self.turns.leads(first, first.held):
                continue
            if first.send_commit():  # else it leaves when that is decided
                due.extend(self.turns.leave(first, first.held))
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def leave(self, operation: Operation) -> cython.int:
        """An operation will not commit, or has: those behind it are next."""
        follower: Operation
        for follower in self.turns.leave(operation, operation.held):
            self.advance(follower)
        return 0
