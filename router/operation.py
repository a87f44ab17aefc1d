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
from cython.cimports.cluster.wire import Buffer, encode_command, read_number, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.router.connection import Parts
from cython.cimports.router.core import Core
from cython.cimports.router.gather import put
from cython.cimports.router.open_records import Open

from cluster import errors, frames
from cluster.command_table import TABLE
from cluster.errors import CommandError
from cluster.reply_parts import split_reply
from cluster.wire import command as encode
from cluster.wire import parse_command
from router.moves import Moves
from router.packing import members_of, part_head, record_end, record_head

HOLD = cython.declare(cython.int, TABLE["SHARD.HOLD"].id)
PREPARE = cython.declare(cython.int, TABLE["SHARD.PREPARE"].id)
BORROW = cython.declare(cython.int, TABLE["SHARD.BORROW"].id)
RUN = cython.declare(cython.int, TABLE["SHARD.RUN"].id)
COMMIT = cython.declare(cython.int, TABLE["SHARD.COMMIT"].id)
ABORT = cython.declare(cython.int, TABLE["SHARD.ABORT"].id)
LEND = cython.declare(cython.int, TABLE["SHARD.LEND"].id)
RESOLVE = cython.declare(cython.int, frames.RESOLVE)
BRIEF = cython.declare(cython.Py_ssize_t, 1024)  # bytes up to which what is run is shown to those who lend


@cython.cclass
class Operation(Parts):
    """One operation in flight.

    held: its shards. writes: it may commit a record. done(replies, error): shard -> raw array of replies (None: a
    watched key was touched), or a CommandError. watcher: the client whose keys on `watch_shards` must be untouched.
    state: holding -> moving (large values) -> running (what the shards have said is used) -> moving -> ready (it may
    commit) -> deciding (the first shard commits) -> committing -> done. first: the shard that commits before the
    others, or -1; gone: shards that were lost while it did.
    """

    operations = cython.declare(object, visibility="public")
    router = cython.declare(object, visibility="public")
    core = cython.declare(Core, visibility="public")
    id = cython.declare(bytes, visibility="public")
    held = cython.declare(list, visibility="public")
    holding = cython.declare(list, visibility="public")
    write = cython.declare(cython.bint, visibility="public")
    done = cython.declare(object, visibility="public")
    watcher = cython.declare(bytes, visibility="public")
    watch_shards = cython.declare(object, visibility="public")
    answers = cython.declare(dict, visibility="public")
    state = cython.declare(str, visibility="public")
    started_ms = cython.declare(cython.longlong, visibility="public")
    moved_ms = cython.declare(cython.longlong, visibility="public")
    first = cython.declare(cython.int, visibility="public")
    gone = cython.declare(set, visibility="public")
    record = cython.declare(Open, visibility="public")
    committed = cython.declare(Open, visibility="public")
    blob = cython.declare(bytes, visibility="public")
    members = cython.declare(list, visibility="public")
    missing = cython.declare(set, visibility="public")
    replies = cython.declare(dict, visibility="public")
    siblings = cython.declare(cython.ulonglong)

    def __init__(self, operations, held, write: bool, done, watcher: bytes = b"", watch_shards=()):
        self.operations = operations
        self.router = operations.router
        self.core = self.router.core
        self.id = operations.new_id()
        self.held = sorted(held)
        self.holding = []
        self.write = write
        self.done = done
        self.watcher = watcher
        self.watch_shards = watch_shards
        self.answers = {}
        self.replies = {}
        self.members = []
        self.state = "holding"
        self.started_ms = self.moved_ms = self.core.now
        self.first = -1
        self.gone = set()

    def start(self):
        """Take the holds."""
        shard: cython.int
        if self.write:
            self.record = self.router.records.reserve()
            self.operations.turns.join(self)
        self.siblings = 0
        for shard in self.held:
            if shard < 64:
                self.siblings |= cython.cast(cython.ulonglong, 1) << shard
        for shard in self.held:
            self._hold(shard)

    @cython.ccall
    def _hold(self, shard: cython.int):
        """Ask one shard for its hold (or what it lends); the subclasses say how."""

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _ask(self, shard: cython.int, command: cython.int, words: list) -> cython.int:
        """A message in the order of the link; `arrived` gets its reply."""
        out: Buffer = Buffer(128)
        encode_command(out, words)
        put(self.core, self, shard, command, 0, 0, 0, out.data, out.size, self.siblings)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _tell(self, shard: cython.int, command: cython.int, words: list, siblings: cython.ulonglong = 0) -> cython.int:
        """A message that overtakes what waits for holds; what comes back is an event."""
        out: Buffer = Buffer(128)
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
            self.answers[shard] = PyBytes_FromStringAndSize(data, size)
            if len(self.answers) == len(self.held):
                self._answered()
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _answered(self) -> cython.int:
        """All shards have answered: is everything as the client watched it?"""
        raw: bytes
        for raw in self.answers.values():
            if raw[:1] == b"-":
                self.fail(CommandError(raw[1:-2].decode("utf-8", "replace")))
                return 0
            if raw[1 if raw[:1] == b":" else 5] == 48:  # ":0", or "*2 :0 ..."
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
        self.blob = record_head(self.record.id, len(members)) + parts + record_end(self.core.now)
        self.members = members
        self.state = "ready"
        self.operations.turns.advance(self)

    def send_commit(self) -> bool:
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
        self.router.records.keep(self.committed, self.blob, members)
        words: list = self._commit_words()
        # Of three links two may be busy by turns for long: then holding a commit back for them would hold its keys.
        siblings: cython.ulonglong = self.siblings if len(self.held) == 2 else 0
        for shard in members:
            if shard not in self.gone:
                self._tell(shard, COMMIT, words, siblings)
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
            self.operations.turns.leave(self)
            self.missing -= self.gone
            if not others:
                self.router.records.cancel(self.committed)
            if not self.missing:
                self.finish(self.replies, None)
        self.operations.settled()

    @cython.ccall
    def _commit_words(self) -> list:
        return [b"SHARD.COMMIT", self.id, self.blob]

    def applied(self, shard: int, replies: bytes):
        """A participant has committed its part."""
        self.router.records.confirmed(self.committed, shard)
        self._keep_replies(shard, replies)
        self.missing.discard(shard)
        if not self.missing:
            self.finish(self.replies, None)

    @cython.ccall
    def _keep_replies(self, shard: int, replies: bytes):
        """What a participant's part was answered."""

    def lost(self, shard: int):
        """A shard went away: before the commit nothing happens, after it the record will."""
        if self.state == "done" or shard not in self.held:
            return
        if self.state == "deciding":
            self.gone.add(shard)
            if shard == self.first:
                done, self.done = self.done, _heard
                done(None, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
        elif self.state != "committing":
            self.fail(CommandError(errors.SHARD_DOWN.format(shard=shard)))
        elif shard in self.missing:
            self.missing.discard(shard)
            done, self.done = self.done, _heard  # the others are still waited for: they confirm their parts
            done(None, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
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
            if self.core.links[shard].up:
                self._tell(shard, ABORT, words)

    @cython.ccall
    def finish(self, replies, error):
        """The end, one way or the other."""
        if self.state == "done":
            return
        self.state = "done"
        self.operations.active.pop(self.id, None)
        if self.record is not None:
            self.router.records.cancel(self.record)
            self.record = None
            self.operations.turns.leave(self)
        self.done(replies, error)
        self.router.kick()


@cython.cclass
class Dataflow(Operation):
    """Commands that feed each other: they run at one home.

    keys: shard -> [(database, key), ...]. entries: what is run. lends: it may ask for keys that were not named,
    so all shards are held whole. roams: it may touch any key of its home, which is held whole. blind: it reads keys of
    its home only, so it runs there with the hold, and its commit is all that is left.
    """

    keys = cython.declare(dict, visibility="public")
    home = cython.declare(cython.int, visibility="public")
    entries = cython.declare(bytes, visibility="public")
    lends = cython.declare(cython.bint, visibility="public")
    roams = cython.declare(cython.bint, visibility="public")
    blind = cython.declare(cython.bint, visibility="public")
    asking = cython.declare(cython.bint)  # what runs at home waits for an answer
    borrowed = cython.declare(bytes)
    moves = cython.declare(object, visibility="public")

    def __init__(
        self,
        operations,
        keys: dict,
        home: int,
        entries: bytes,
        write: bool,
        done,
        watcher: bytes = b"",
        watch_shards=(),
        lends: bool = False,
        roams: bool = False,
        blind: bool = False,
    ):
        Operation.__init__(self, operations, {home, *keys, *watch_shards}, write, done, watcher, watch_shards)
        self.keys = keys
        self.home = home
        self.entries = entries
        self.lends = lends
        self.roams = roams
        self.blind = blind

    @cython.ccall
    def _hold(self, shard: cython.int):
        words: list
        watched: cython.bint = shard in self.watch_shards
        if self.write or watched or shard == self.home:
            how: bytes = b"R" if self.write else b""
            if self.blind:
                how += b"X" if shard == self.home else b""
            elif shard != self.home:
                how += b"LP" if len(self.entries) < BRIEF else b"L"
            if self.lends or (self.roams and shard == self.home):
                how += b"W"
            words = [b"SHARD.HOLD", self.id, self.watcher if watched else b"", how]
            self.holding.append(shard)
        else:
            words = [b"SHARD.BORROW", self.id]
        command: cython.int = BORROW if len(words) == 2 else HOLD
        for db, key in self.keys.get(shard, ()):
            words.append(db)
            words.append(key)
        if command == HOLD and (b"P" in how or b"X" in how):
            words.append(self.entries)
        self._ask(shard, command, words)

    @cython.ccall
    def all_held(self):
        borrowed: Buffer = Buffer(256)
        raw: bytes
        if self.blind:
            _append_lent(borrowed, self.answers[self.home])
            said: list = split_command(borrowed.data, borrowed.size)
            self.ran(self.home, said[0], said[1], said[2:])
            return
        large: list = []
        for shard, raw in self.answers.items():
            if shard != self.home and _append_lent(borrowed, raw):
                if shard not in self.holding:
                    self.holding.append(shard)
                places = parse_command(split_reply(raw)[2].partition(b"\r\n")[2])
                large += [(shard, self.home, db, key) for db, key in zip(places[::2], places[1::2])]
        self.borrowed = borrowed.take()
        if large:
            self.move(Moves(self, large, False, self.run))
        else:
            self.run()

    def move(self, moves):
        """Fetch large values, then go on."""
        self.state = "moving"
        self.moves = moves
        moves.begin()

    def run(self):
        """Everything is there: run the commands at home."""
        self.state = "running"
        words: list = [b"SHARD.RUN", self.id, self.entries, self.borrowed, b"PIECES"]
        self.borrowed = None
        if self.lends:
            words.append(b"LENDS")
        self._tell(self.home, RUN, words)

    def ran(self, shard: int, replies: bytes, parts: bytes, large: list):
        """The home shard has run the commands. large: database, key and owner of each value that goes in pieces."""
        self.replies = {self.home: replies}
        if large:
            self.first = int(large[2])
            moves = [(self.home, self.first, db, key) for db, key in zip(large[::3], large[1::3])]
            self.move(Moves(self, moves, True, lambda: self.commit(parts, members_of(parts))))
        elif parts:
            self.commit(parts, members_of(parts))
        else:
            self.release(self.holding)
            self.finish(self.replies, None)

    def lend(self, db: bytes, key: bytes):
        """What runs at home asks for a key of another shard and waits for it."""
        self.asking = True
        self._tell(self.core.shard_of(key), LEND, [b"SHARD.LEND", self.id, db, key])
        self.router.kick()

    def read(self, shards: list, db: int, words: list):
        """What runs at home asks other shards for their part of the whole keyspace, and waits."""
        self.asking = True
        self.router.asides.ask(shards, db, words, self.answered)

    def answered(self, answers: dict):
        """All of them have answered. (One that was lost has ended the operation.)"""
        self.lent([b"ok"] + [answers[shard] for shard in sorted(answers)])

    @cython.ccall
    def lent(self, answer: list):
        """What was asked for has come, or nobody will bring it: the script goes on."""
        if self.asking:
            self.asking = False
            self.router.send_alone(self.home, frames.LENT + encode(self.id, *answer))

    @cython.ccall
    def fail(self, error):
        if self.state not in ("done", "committing"):
            self.lent([b"error", error.text.encode()])
            Operation.fail(self, error)


@cython.cclass
class Prepared(Operation):
    """Commands as they are, if the watched keys are untouched: the record comes with the holds, its commit is a word.

    parts: shard -> its packed entries.
    """

    parts = cython.declare(dict)

    def __init__(self, operations, parts: dict, done, watcher: bytes, watch_shards):
        Operation.__init__(self, operations, {*parts, *watch_shards}, True, done, watcher, watch_shards)
        self.parts = parts

    @cython.ccall
    def _hold(self, shard: cython.int):
        watcher: bytes = self.watcher if shard in self.watch_shards else b""
        self.holding.append(shard)
        if self.blob is None:
            packed = []
            for member, entries in self.parts.items():
                packed += [part_head(member, entries), entries]
            self.members = list(self.parts)
            packed.append(record_end(self.core.now))
            self.blob = record_head(self.record.id, len(self.members)) + b"".join(packed)
        if shard in self.parts:
            self._ask(shard, PREPARE, [b"SHARD.PREPARE", self.id, watcher, self.blob])
        else:
            self._ask(shard, HOLD, [b"SHARD.HOLD", self.id, watcher, b""])

    @cython.ccall
    def all_held(self):
        if self.members:
            self.state = "ready"
            self.operations.turns.advance(self)
        else:
            self.release(self.holding)
            self.finish({}, None)

    @cython.ccall
    def _commit_words(self) -> list:
        return [b"SHARD.COMMIT", self.id]

    @cython.ccall
    def _keep_replies(self, shard: int, replies: bytes):
        self.replies[shard] = replies


def _heard(replies, error):
    """The client has been answered already."""


@cython.cfunc
@cython.exceptval(-1, check=True)
def _append_lent(out: Buffer, raw: bytes) -> cython.int:
    """The lent values of an answer: the bulk string behind "*2 :1". Whether there is more: the names of large ones."""
    at: cython.Py_ssize_t = 9
    data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(raw)
    length: cython.Py_ssize_t
    if not raw.startswith((b"*2\r\n:1\r\n$", b"*3\r\n:1\r\n$")):
        raise ValueError("not an answer to a hold")
    length = read_number(data, PyBytes_GET_SIZE(raw), cython.address(at))
    if length < 0 or at + length > PyBytes_GET_SIZE(raw):
        raise ValueError("a cut answer to a hold")
    out.append(data + at, length)
    return data[1] == 51
