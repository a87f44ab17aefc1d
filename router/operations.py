"""Operations whose keys lie on several shards and feed each other: hold, borrow, run, commit.

    HOLD to all involved shards, in one go
      -> each answers with what it lends and puts off what may touch the held keys
    RUN at the home shard, on its own and the borrowed values
      -> replies, and the writes of each owner
    COMMIT, one record with all writes, to all of them (or ABORT)
      -> each applies its part, journals the record, goes on

All HOLDs enter the links in the router's order, so two operations that want the same key meet in the same order on
every shard: no deadlock. Operations on other keys are under way at the same time; those that share a shard commit in
the order in which they took their holds (router/turns.py), so that the ids of records grow along every link. A read borrows
in one go and needs a hold only at home. The client is not read from until its operation ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cluster import errors, frames
from cluster.command_table import TABLE, row_of
from cluster.command_table.model import Command, F
from cluster.errors import CommandError
from cluster.records import Record, RecordId, pack_entries
from cluster.wire import command as encode
from cluster.wire import parse_command, parse_commands, split_reply
from router import dispatch
from router.registry import LATER
from router.turns import Turns

if TYPE_CHECKING:
    from router.fanout import Entry
    from router.router import Router
    from router.session import Session

DbKey = tuple[int, bytes]
ROAMING = frozenset({"scripting", "python"})  # groups of commands that may touch keys that they do not name
GIVEN_UP = "ERR operation over several shards timed out; nothing was changed"


class Operation:
    """One operation in flight.

    keys: shard -> its keys; home: the shard that runs; entries: what it runs;
    done(replies, error): the RESP array of the entries' replies, or a CommandError.
    plain: entries for each shard that need no borrowed values (EXEC under WATCH): there is
    nothing to run at home, they are committed as they are.
    lends: what runs may ask for keys that were not named; all shards are held whole then.
    roams: what runs may touch any key of its home, which is held whole.
    """

    def __init__(
        self,
        operations: Operations,
        keys: dict[int, list[DbKey]],
        home: int,
        entries: list[Entry],
        write: bool,
        done: Callable[[dict[int, bytes], CommandError | None], None],
        watcher: str = "",
        watch_shards: Iterable[int] = (),
        plain: dict[int, list[Entry]] | None = None,
        lends: bool = False,
        roams: bool = False,
    ):
        self.operations = operations
        self.router = operations.router
        self.id = operations.new_id()
        self.keys = keys
        self.home = home
        self.entries = entries
        self.write = write
        self.done = done
        self.watcher = watcher
        self.watch_shards = set(watch_shards)
        self.plain = plain
        self.lends = lends
        self.roams = roams
        self.parts: dict[int, list[Entry]] = {}
        self.asking = False
        self.held = set(keys) | {home} | self.watch_shards
        self.holding: set[int] = set()
        self.answers: dict[int, bytes | None] = {}
        self.record: RecordId | None = None
        self.missing: set[int] = set()
        self.replies: dict[int, bytes] = {}
        self.state = "holding"
        self.started_ms = self.router.now

    def start(self) -> None:
        """Take the holds."""
        core = self.router.core
        hold, borrow = TABLE["SHARD.HOLD"].id, TABLE["SHARD.BORROW"].id
        if self.write:
            self.record = self.router.records.reserve()
            self.operations.turns.join(self)
        for shard in sorted(self.held):
            asked = [word for place in self.keys.get(shard, ()) for word in place]
            if self.write or shard == self.home or self.watch_shards:
                self.holding.add(shard)
                watcher = self.watcher if shard in self.watch_shards else ""
                how = "R" if self.write else ""
                if self.plain is None and shard != self.home:
                    how += "L"
                if self.lends or (self.roams and shard == self.home):
                    how += "W"
                raw = encode(b"SHARD.HOLD", str(self.id), watcher, how, *asked)
                core.submit(shard, hold, 0, 0, 0, raw, self._held(shard))
            else:
                core.submit(shard, borrow, 0, 0, 0, encode(b"SHARD.BORROW", *asked), self._held(shard))

    def _held(self, shard: int) -> Callable[[bytes | None], None]:
        def arrived(raw: bytes | None) -> None:
            self.answers[shard] = raw
            if raw is None:
                self.fail(CommandError(errors.SHARD_DOWN.format(shard=shard)))
            elif self.state == "holding" and len(self.answers) == len(self.held):
                self._all_held()

        return arrived

    def _all_held(self) -> None:
        for shard in self.watch_shards:
            raw = self.answers[shard]
            if raw is not None and split_reply(raw)[0] != b":1\r\n":
                self.release()
                self.finish({self.home: b"*-1\r\n"}, None)
                return
        if self.plain is not None:
            self._commit(self.plain)
            return
        borrowed = []
        for shard, raw in self.answers.items():
            if shard == self.home or raw is None:
                continue
            elements = split_reply(raw)
            # A BORROW answers with the lent values, a HOLD with [untouched, lent values].
            holds = self.write or bool(self.watch_shards)
            lent = split_reply(elements[1]) if holds else elements
            for (db, key), value in zip(self.keys.get(shard, ()), lent, strict=True):
                parts = _bulk_items(value)
                kind, payload, at_ms = parts if parts else (b"", b"", b"-1")
                borrowed.append(encode(db, key, kind, payload, at_ms))
        self.state = "running"
        more = [b"LENDS"] if self.lends else []
        raw = encode(b"SHARD.RUN", str(self.id), pack_entries(self.entries), b"".join(borrowed), *more)
        self.operations.running[self.id] = self
        self.router.core.submit(self.home, TABLE["SHARD.RUN"].id, 0, frames.RESOLVE, 0, raw, None)

    def lend(self, db: bytes, key: bytes) -> None:
        """What runs at home asks for a key of another shard and waits for it."""
        self.asking = True
        raw = encode(b"SHARD.LEND", str(self.id), db, key)
        owner = self.router.core.shard_of(key)
        self.router.core.submit(owner, TABLE["SHARD.LEND"].id, 0, frames.RESOLVE, 0, raw, None)
        self.router.kick()

    def lent(self, answer: list[bytes]) -> None:
        """The key's owner has answered, or nobody will: the script goes on."""
        if self.asking:
            self.asking = False
            self.router.send_hello(self.home, frames.LENT + encode(str(self.id), *answer))

    def ran(self, shard: int, replies: bytes, writes: bytes) -> None:
        """The home shard has run the commands."""
        parts: dict[int, list[Entry]] = {}
        for db, key, raw in parse_commands(writes)[0]:
            shard = self.router.core.shard_of(key) if key else self.home
            args = parse_command(raw)
            parts.setdefault(shard, []).append((row_of(args).id, int(db), 0, 0, raw))
        self.replies = {self.home: replies}
        if not parts:
            self.release()
            self.finish(self.replies, None)
            return
        self._commit(parts)

    def _commit(self, parts: dict[int, list[Entry]]) -> None:
        """What is to be written is known: commit it as soon as it is our turn."""
        self.parts = parts
        self.state = "ready"
        self.operations.turns.advance(self)

    def send_commit(self) -> None:
        """One record with every shard's writes; shards without one are let go."""
        assert self.record is not None
        self.state = "committing"
        parts = self.parts
        record = Record(self.record, {shard: pack_entries(entries) for shard, entries in parts.items()})
        self.record = None
        blob = self.router.records.opened(record)
        self.missing = set(parts)
        self.operations.running[self.id] = self
        self.committed = record.id
        commit = TABLE["SHARD.COMMIT"].id
        raw = encode(b"SHARD.COMMIT", str(self.id), blob)
        for shard in parts:
            self.router.core.submit(shard, commit, 0, frames.RESOLVE, 0, raw, None)
        self.release(self.holding - set(parts))

    def applied(self, shard: int, replies: bytes) -> None:
        """A participant has committed its part."""
        self.router.records.confirmed(self.committed, shard)
        if self.plain is not None:
            self.replies[shard] = replies
        self.missing.discard(shard)
        if not self.missing:
            self.finish(self.replies, None)

    def shard_lost(self, shard: int) -> None:
        """A shard went away: before the commit nothing happens, after it the record will."""
        if shard not in self.held or self.state == "done":
            return
        if self.state == "committing":
            if shard in self.missing:
                self.state = "done"
                self.operations.running.pop(self.id, None)
                self.operations.ended(self)
                self.done({}, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
            return
        self.fail(CommandError(errors.SHARD_DOWN.format(shard=shard)))

    def fail(self, error: CommandError) -> None:
        """Let everybody go; nothing happened."""
        if self.state in ("done", "committing"):
            return
        self.lent([b"error", error.text.encode()])
        self.release()
        self.finish({}, error)

    def release(self, shards: set[int] | None = None) -> None:
        """End the holds on shards (all of them) without an effect."""
        abort = TABLE["SHARD.ABORT"].id
        raw = encode(b"SHARD.ABORT", str(self.id))
        for shard in self.holding if shards is None else shards:
            if self.router.core.links[shard].up:
                self.router.core.submit(shard, abort, 0, frames.RESOLVE, 0, raw, None)
        self.router.kick()

    def finish(self, replies: dict[int, bytes], error: CommandError | None) -> None:
        """The end, one way or the other."""
        if self.state == "done":
            return
        self.state = "done"
        if self.record is not None:
            self.router.records.cancel(self.record)
            self.record = None
            self.operations.turns.leave(self)
        self.operations.running.pop(self.id, None)
        self.operations.ended(self)
        self.done(replies, error)
        self.router.kick()


class Operations:
    """All operations in flight; tells them what shards say."""

    def __init__(self, router: Router):
        self.router = router
        self.sequence = 0
        self.active: dict[int, Operation] = {}
        self.running: dict[int, Operation] = {}
        self.turns = Turns(router.shard_count)
        router.event_handlers[b"op"] = self.on_event

    def new_id(self) -> int:
        self.sequence += 1
        return self.sequence

    def launch(self, operation: Operation) -> None:
        """Start an operation."""
        self.active[operation.id] = operation
        operation.start()
        self.router.kick()

    def ended(self, operation: Operation) -> None:
        self.active.pop(operation.id, None)

    def on_event(self, shard: int, event: list[bytes]) -> None:
        """("op", id, "ran", replies, writes), ("op", id, "done", replies, ""), ("op", id, "asks", db, key)
        or ("op", id, "lent", kind, value, expiry)."""
        operation = self.running.get(int(event[1]))
        if event[2] in (b"asks", b"lent"):
            if operation is not None and operation.state == "running":
                if event[2] == b"asks":
                    operation.lend(event[3], event[4])
                else:
                    operation.lent(event[3:])
            elif event[2] == b"asks":  # it has been given up meanwhile
                self.router.send_hello(shard, frames.LENT + encode(event[1], b"error", GIVEN_UP.encode()))
        elif event[2] == b"ran":
            if operation is not None and operation.state == "running":
                operation.ran(shard, event[3], event[4])
        elif operation is not None:
            operation.applied(shard, event[3])

    def shard_lost(self, shard: int) -> None:
        """A shard's link is gone."""
        for operation in list(self.active.values()):
            operation.shard_lost(shard)

    def tick(self, now_ms: int) -> None:
        """No operation holds shards for longer than hold-timeout."""
        limit = int(self.router.config["hold-timeout"])
        for operation in list(self.active.values()):
            if now_ms - operation.started_ms > limit:
                operation.fail(CommandError(GIVEN_UP))

    def dataflow(self, session: Session, row: Command, args: list[bytes]) -> Any:
        """One command whose keys lie on several shards."""
        keys = keys_by_shard(self.router, session.db, [(row, args)])
        lends = dispatch.reaches_anywhere(self.router, row, args)
        if lends:
            keys = {shard: keys.get(shard, []) for shard in range(self.router.shard_count)}
        for shard in keys:
            self.router.require(shard)
        place = session.reserve()
        session.pause()

        def done(replies: dict[int, bytes], error: CommandError | None) -> None:
            if error is not None:
                session.fulfil(place, error)
            else:
                session.fulfil_raw(place, split_reply(next(iter(replies.values())))[0])
            session.resume()

        entry = (row.id, session.db, session.conn.flags & 33, session.id, encode(*args))
        home = home_of(self.router, row, args, keys)
        write = lends or bool(row.flags & F.WRITE) or not row.flags & F.READONLY
        roams = row.group in ROAMING
        self.launch(Operation(self, keys, home, [entry], write, done, lends=lends, roams=roams))
        return LATER


def keys_by_shard(router: Router, db: int, commands: list[tuple[Command, list[bytes]]]) -> dict[int, list[DbKey]]:
    """shard -> [(db, key), ...] of commands, each key once."""
    found: dict[int, list[DbKey]] = {}
    for row, args in commands:
        for at in row.key_indexes(args):
            keys = found.setdefault(router.core.shard_of(args[at]), [])
            databases = [db]
            if row.name == "COPY" and at == 2:
                databases = [copy_database(args, db)]
            elif row.name == "MOVE" and args[2].isdigit():
                databases.append(min(int(args[2]), 1 << 31))
            for database in databases:
                if (database, args[at]) not in keys:
                    keys.append((database, args[at]))
    return found


def copy_database(args: list[bytes], db: int) -> int:
    """The database of COPY's destination: what follows DB, else the client's."""
    for at in range(3, len(args) - 1):
        if args[at].upper() == b"DB" and args[at + 1].isdigit():
            return min(int(args[at + 1]), 1 << 31)
    return db


def home_of(router: Router, row: Command, args: list[bytes], keys: dict[int, list[DbKey]]) -> int:
    """Where a command runs: at its destination if it stores, else where most of its keys are."""
    if "STORE" in row.name or row.name in ("BITOP", "PFMERGE"):
        return int(router.core.shard_of(args[row.key_indexes(args)[0]]))
    return max(keys, key=lambda shard: len(keys[shard]))


def _bulk_items(raw: bytes) -> list[bytes]:
    """The elements of an array of bulk strings and integers."""
    items = []
    for element in split_reply(raw):
        items.append(element[1:-2] if element[:1] == b":" else element[element.index(b"\n") + 1 : -2])
    return items
