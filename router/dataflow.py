"""The two kinds of operations over several shards (router/operation.py): what runs at one home on values that others lend,
and what is known beforehand and only waits for watched keys. Compiled."""

from functools import partial

import cython
from cython.cimports.cluster.numbers import write_longlong
from cython.cimports.cluster.wire import Buffer, read_number, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcmp
from cython.cimports.router.connection import Conn
from cython.cimports.router.gather import Answer, put
from cython.cimports.router.operation import InFlight, Operation
from cython.cimports.router.packing import members_of, packed_record
from cython.cimports.router.queued import begin_entry

from cluster import frames
from cluster.command_table import TABLE
from cluster.reply_parts import split_reply
from cluster.wire import command as encode
from cluster.wire import parse_command
from router.moves import Moves
from router.packing import part_head

HOLD = cython.declare(cython.int, TABLE["SHARD.HOLD"].id)
PREPARE = cython.declare(cython.int, TABLE["SHARD.PREPARE"].id)
BORROW = cython.declare(cython.int, TABLE["SHARD.BORROW"].id)
RUN = cython.declare(cython.int, TABLE["SHARD.RUN"].id)
LEND = cython.declare(cython.int, TABLE["SHARD.LEND"].id)
BRIEF = cython.declare(cython.Py_ssize_t, 1024)  # bytes up to which what is run is shown to those who lend


@cython.cclass
class Dataflow(Operation):
    """Commands that feed each other: they run at one home.

    keys: shard -> [(database, key), ...]. entries: what is run. lends: it may ask for keys that were not named,
    so all shards are held whole. roams: it may touch any key of its home, which is held whole. blind: it reads keys of
    its home only, so it runs there with the hold, and its commit is all that is left.
    """

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
    ):
        Operation.__init__(self, operations, {home, *keys, *watch_shards}, write, done, watcher, watch_shards)
        self.keys = keys
        self.home = home
        self.entries = entries
        self.lends = lends
        self.roams = roams

    @cython.ccall
    def _hold(self, shard: cython.int):
        words: list
        watched: cython.bint = shard in self.watch_shards
        if self.write or watched or shard == self.home:
            how: bytes = b"R" if self.write else b""
            if shard != self.home:
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
        if command == HOLD and b"P" in how:
            words.append(self.entries)
        self._ask(shard, command, words)

    @cython.ccall
    def all_held(self):
        borrowed: Buffer = self.core.scratch
        length: cython.Py_ssize_t = 0
        at: cython.Py_ssize_t
        raw: bytes
        if self.blind:
            raw = self.answers[self.home]
            at = _lent_at(raw, cython.address(length))
            said: list = split_command(PyBytes_AS_STRING(raw) + at, length)
            self.ran(self.home, said[0], said[1], said[2:])
            return
        borrowed.clear()
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

    @cython.ccall
    def ran(self, shard: cython.int, replies: bytes, parts: bytes, large: list):
        """The home shard has run the commands. large: database, key and owner of each value that goes in pieces."""
        self.replies = {self.home: replies}
        if large:
            self.first = int(large[2])
            moves = [(self.home, self.first, db, key) for db, key in zip(large[::3], large[1::3])]
            self.move(Moves(self, moves, True, partial(self.moved, parts)))
        elif parts:
            self.commit(parts, members_of(parts))
        else:
            self.release(self.holding)
            self.finish(self.replies, None)

    def moved(self, parts: bytes):
        """What is written and large is where it belongs."""
        self.commit(parts, members_of(parts))

    def lend(self, db: bytes, key: bytes):
        """What runs at home asks for a key of another shard and waits for it."""
        self.asking = True
        self._tell(self.core.shard_of(key), LEND, [b"SHARD.LEND", self.id, db, key])
        self.core.kick()

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
            self.blob = packed_record(
                self.record.epoch, self.record.sequence, len(self.members), b"".join(packed), self.core.now
            )
        if shard in self.parts:
            self._ask(shard, PREPARE, [b"SHARD.PREPARE", self.id, watcher, self.blob])
        else:
            self._ask(shard, HOLD, [b"SHARD.HOLD", self.id, watcher, b""])

    @cython.ccall
    def all_held(self):
        if self.members:
            self.state = "ready"
            self.operations.advance(self)
        else:
            self.release(self.holding)
            self.finish({}, None)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _write_commit(self, out: Buffer) -> cython.int:
        out.append(b"*2\r\n$12\r\nSHARD.COMMIT\r\n", 23)
        return out.append_bulk(PyBytes_AS_STRING(self.id), PyBytes_GET_SIZE(self.id))

    @cython.ccall
    def _keep_replies(self, shard: cython.int, replies: bytes):
        self.replies[shard] = replies


@cython.cfunc
@cython.exceptval(-1, check=True)
def rename(
    operations: InFlight,
    conn: Conn,
    command: cython.int,
    flags: cython.int,
    home: cython.int,
    other: cython.int,
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    answer: Answer,
) -> cython.int:
    """A `blind` operation of two keys (RENAME), from its bytes as the scanner has left them: no list of words for each message."""
    shard: cython.int
    at: cython.int
    digits: cython.char[24]
    out: Buffer = operations.core.scratch
    operation: Dataflow = Dataflow.__new__(Dataflow)
    operation.begin(operations, [home, other] if home < other else [other, home], True, b"", ())
    operation.answer = answer
    operation.home = home
    operation.blind = True
    operation.holding = [home, other]
    operations.active[operation.id] = operation
    operation.enter()
    for shard in operation.held:
        at = 1 if shard == home else 2
        out.clear()
        out.append_line(42, 7 if shard == home else 6)
        out.append(b"$10\r\nSHARD.HOLD\r\n", 17)
        out.append_bulk(PyBytes_AS_STRING(operation.id), PyBytes_GET_SIZE(operation.id))
        out.append(b"$0\r\n\r\n", 6)
        out.append_bulk(b"RX", 2 if shard == home else 1)
        out.append_bulk(digits, write_longlong(digits, conn.db))
        out.append_bulk(data + conn.arg_at[at], conn.arg_size[at])
        if shard == home:
            out.append_line(36, 12 + size)
            begin_entry(out, command, conn.db, flags, conn.id)
            out.put_u32(out.size - 12, cython.cast(cython.uint, size))
            out.append(data, size)
            out.append(b"\r\n", 2)
        put(operations.core, operation, shard, HOLD, 0, 0, 0, out.data, out.size, operation.siblings)
    operations.core.kick()
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def prepare(operations: InFlight, parts: dict, answer: Answer, watcher: bytes, watch_shards: object) -> cython.int:
    """Commit packed entries of shards if the watched keys are untouched. It is answered at the place of `answer`."""
    operation: Prepared = Prepared.__new__(Prepared)
    operation.begin(operations, sorted({*parts, *watch_shards}), True, watcher, watch_shards)
    operation.answer = answer
    operation.parts = parts
    operations.launch(operation)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def flow(
    operations: InFlight, keys: dict, home: cython.int, entries: bytes, write: cython.bint, answer: Answer
) -> cython.int:
    """Run packed entries at `home`, on the keys of all shards. It is answered at the place of `answer`."""
    operation: Dataflow = Dataflow.__new__(Dataflow)
    operation.begin(operations, sorted(keys), write, b"", ())
    operation.answer = answer
    operation.keys = keys
    operation.home = home
    operation.entries = entries
    operations.launch(operation)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _append_lent(out: Buffer, raw: bytes) -> cython.int:
    """The lent values of an answer: the bulk string behind "*2 :1". Whether there is more: the names of large ones."""
    length: cython.Py_ssize_t = 0
    at: cython.Py_ssize_t = _lent_at(raw, cython.address(length))
    out.append(PyBytes_AS_STRING(raw) + at, length)
    return PyBytes_AS_STRING(raw)[1] == 51


@cython.cfunc
@cython.exceptval(-1, check=True)
def _lent_at(raw: bytes, length: cython.pointer(cython.Py_ssize_t)) -> cython.Py_ssize_t:
    """Where that string is. ValueError if there is none."""
    at: cython.Py_ssize_t = 9
    data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(raw)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    if size < 14 or data[0] != 42 or not 50 <= data[1] <= 51 or memcmp(data + 2, b"\r\n:1\r\n$", 7):
        raise ValueError("not an answer to a hold")
    length[0] = read_number(data, size, cython.address(at))
    if length[0] < 0 or at + length[0] > size:
        raise ValueError("a cut answer to a hold")
    return at
