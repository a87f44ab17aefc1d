"""EXEC: how a transaction's commands reach their shards.

    all on one shard (and WATCH there too)  one message, the shard's reply is the reply
    independent commands on several shards  one hop: all parts in one go, as a record if they write
    commands that feed each other           hold, borrow, run, commit (router/operation.py)
    WATCH on another shard                  hold, check, commit
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster import errors, frames
from cluster.command_table import TABLE
from cluster.command_table.model import At, Command, F, Spread
from cluster.errors import CommandError
from cluster.records import pack_entries
from cluster.reply_parts import split_reply
from cluster.wire import command as encode
from cluster.wire import encoded
from router import dispatch, fanout
from router.dataflow import Dataflow, Prepared
from router.gather import Collected
from router.placement import ROAMING, keys_by_shard
from router.registry import HANDLERS, LATER

if TYPE_CHECKING:
    from router.fanout import Entry
    from router.queued import Queue
    from router.router import Router
    from router.session import Session
    from router.watched import Watch


class Captured:
    """Stands in for the session while a router command of a transaction runs: its reply
    becomes an element of EXEC's."""

    def __init__(self, session: Session, done: Any):
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_done", done)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._session, name, value)

    def reserve(self) -> int:
        return -1

    def fulfil(self, place: int, value: Any) -> None:
        self._done(encoded(value, self._session.resp))

    def fulfil_raw(self, place: int, raw: bytes) -> None:
        self._done(raw)

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass


@dataclass
class Element:
    """One command of the transaction: where its parts are and how they become its reply.

    parts: shard -> index among that shard's entries. reply: set when it is known at once.
    """

    row: Command
    args: list[bytes]
    db: int
    parts: dict[int, int] = field(default_factory=dict)
    places: dict[int, list[int]] | None = None
    count: int = 0
    reply: bytes | None = None
    router: bool = False

    def merged(self, replies: dict[int, list[bytes]]) -> bytes:
        """Its reply from the shards' (lists of raw replies)."""
        if self.reply is not None:
            return self.reply
        mine = {shard: replies[shard][index] for shard, index in self.parts.items()}
        if self.places is not None:
            return fanout.merge_split(self.row, mine, self.places, self.count)
        if len(mine) > 1:
            return fanout.merge_all(self.row, mine)
        return next(iter(mine.values()))


@dataclass
class Plan:
    """What a transaction does: elements in order, entries for each shard."""

    elements: list[Element] = field(default_factory=list)
    entries: dict[int, list[Entry]] = field(default_factory=dict)
    dataflow: bool = False
    writes: bool = False


def involved(router: Router, session: Session) -> set[int]:
    """The shards that EXEC needs."""
    watch = session.conn.watch
    shards: set[int] = set() if watch is None else set(watch.shards)
    for row, args in session.multi or ():
        if row.at is At.SHARD or row.whole:
            if row.spread is Spread.ALL or dispatch.reaches_anywhere(router, row, args):
                return set(range(router.shard_count))
            shards |= dispatch.shards_of(router, row, args) or {0}
    return shards


def plan(router: Router, session: Session, commands: Queue) -> Plan:
    """Spread a queue over the shards."""
    result = Plan()
    db = session.db
    for row, args in commands:
        element = Element(row, args, db)
        result.elements.append(element)
        if row.group == "scripting":
            router.scripts.before(row, args)
        if row.at is At.ROUTER and not row.whole:
            element.router = True
            if row.name == "SELECT" and args[1].isdigit() and int(args[1]) < int(router.config["databases"]):
                db = int(args[1])
            continue
        result.writes = result.writes or bool(row.flags & F.WRITE) or not row.flags & F.READONLY
        for shard, part in _parts(router, element).items():
            entries = result.entries.setdefault(shard, [])
            element.parts[shard] = len(entries)
            entries.append((row.id, db, session.conn.flags & frames.CARRIED, session.id, encode(*part)))
        if not element.parts:
            result.dataflow = True
    return result


def _parts(router: Router, element: Element) -> dict[int, list[bytes]]:
    """shard -> command of one element; empty if its keys feed each other over shards."""
    row, args = element.row, element.args
    if row.whole and row.at is At.ROUTER:  # SCAN, RANDOMKEY, SWAPDB: the router's ways cannot be part of a transaction
        return {} if router.shard_count > 1 else {0: args}
    if row.spread is Spread.ALL:
        return dict.fromkeys(range(router.shard_count), args)
    if dispatch.reaches_anywhere(router, row, args):
        return {}
    shards = dispatch.shards_of(router, row, args)
    if len(shards) <= 1:
        return {next(iter(shards), 0): args}
    if row.spread is Spread.SPLIT and not (getattr(row.keys, "step", 1) == 2 and len(args) % 2 == 0):
        parts = fanout.parts_by_key(router, row, args)
        element.places = {shard: ordinals for shard, (_, ordinals) in parts.items()}
        element.count = sum(len(ordinals) for ordinals in element.places.values())
        return {shard: command for shard, (command, _) in parts.items()}
    return {}


def execute(router: Router, session: Session, commands: Queue, watch: Watch | None) -> Any:
    """Run a transaction; its reply is an array, or null if a watched key was touched."""
    current = plan(router, session, commands)
    watch_shards: set[int] = set()
    if watch is not None:
        watch_shards = watch.shards
        router.core.watches.end(watch)
    watcher = b"%d" % session.id if watch_shards else b""
    shards = set(current.entries)
    plain_router = [element for element in current.elements if element.router]
    if not plain_router and not current.dataflow and len(shards | watch_shards) == 1:
        shard = next(iter(shards | watch_shards))
        raw = encode(b"SHARD.TXN", watcher, b"E", pack_entries(current.entries.get(shard, [])))
        router.core.forward(session.conn, shard, TABLE["SHARD.TXN"].id, raw)
        return LATER
    return Execution(router, session, current, watcher, watch_shards).start()


class Execution:
    """An EXEC that is more than one message."""

    def __init__(self, router: Router, session: Session, current: Plan, watcher: bytes, watch_shards: set[int]):
        self.router = router
        self.session = session
        self.plan = current
        self.watcher = watcher
        self.watch_shards = watch_shards
        self.place = session.reserve()
        self.waiting = 0
        self.replies: dict[int, list[bytes]] | None = None
        self.null = False
        self.error: CommandError | None = None
        self.finished = False
        self.paused = False

    def start(self) -> Any:
        """Send what has to be sent."""
        current = self.plan
        if any(element.router for element in current.elements):
            # What the client has sent behind it must see what these do (SELECT, ...).
            self.session.pause()
            self.paused = True
        if current.dataflow:
            self._staged()
        elif self.watch_shards:
            self._held()
        elif current.entries:
            self._one_hop()
        else:
            self._arrived({})
        return LATER

    def _one_hop(self) -> None:
        """Independent commands: all parts in one go."""
        entries = self.plan.entries
        if self.plan.writes and len(entries) > 1:
            self.router.records.send(entries, "", self._gathered)
        else:
            gather = Collected(list(entries), self._gathered)
            for shard, part in entries.items():
                raw = encode(b"SHARD.TXN", b"", b"E", pack_entries(part))
                self.router.core.submit(shard, TABLE["SHARD.TXN"].id, 0, 0, 0, raw, gather)
        self.router.kick()

    def _gathered(self, replies: dict[int, bytes | None]) -> None:
        lost = next((shard for shard, raw in replies.items() if raw is None), None)
        if lost is not None:
            self.error = CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=lost))
            self._finish()
            return
        self._arrived({shard: split_reply(raw) for shard, raw in replies.items() if raw is not None})

    def _held(self) -> None:
        """WATCH elsewhere: hold everybody involved, look, then commit the commands as they are."""
        parts = {shard: pack_entries(entries) for shard, entries in self.plan.entries.items()}
        self.session.pause()
        operations = self.router.operations
        operations.launch(Prepared(operations, parts, self._operated, self.watcher, self.watch_shards))

    def _staged(self) -> None:
        """Commands that feed each other over shards: all of them run at one home."""
        commands = [(element.row, element.args) for element in self.plan.elements if not element.router]
        apart = next((row for row, _ in commands if row.spread is Spread.ALL and not row.whole), None)
        if apart is not None:  # functions are not staged
            name = apart.name.replace("|", " ")
            self.error = CommandError(f"ERR a transaction cannot combine {name} with a command that moves data between shards")
            self._finish()
            return
        keys: dict[int, list[tuple[int, bytes]]] = {}
        entries = []
        anywhere = any(row.whole for row, _ in commands)
        for element in self.plan.elements:
            if element.router:
                continue
            for shard, found in keys_by_shard(self.router, element.db, [(element.row, element.args)]).items():
                mine = keys.setdefault(shard, [])
                mine.extend(key for key in found if key not in mine)
            anywhere = anywhere or dispatch.reaches_anywhere(self.router, element.row, element.args)
            flags = self.session.conn.flags & frames.UNTRACKED
            entries.append((element.row.id, element.db, flags, self.session.id, encode(*element.args)))
        if anywhere:
            keys = {shard: keys.get(shard, []) for shard in range(self.router.shard_count)}
        home = max(keys, key=lambda shard: len(keys[shard]))
        self.session.pause()
        self.router.operations.launch(
            Dataflow(
                self.router.operations,
                keys,
                home,
                pack_entries(entries),
                True,
                self._ran,
                self.watcher,
                self.watch_shards,
                lends=anywhere,
                roams=any(row.group in ROAMING or row.keys is None for row, _ in commands),
            )
        )
        self.router.tracking.read(self.session, commands)

    def _ran(self, replies: dict[int, bytes] | None, error: CommandError | None) -> None:
        """A staged run: one array with the replies of all shard commands."""
        self.error = error
        if replies is None:
            self.null = error is None
        else:
            elements = iter(split_reply(next(iter(replies.values()))))
            for element in self.plan.elements:
                if not element.router:
                    element.reply = next(elements)
        self._after_operation()

    def _operated(self, replies: dict[int, bytes] | None, error: CommandError | None) -> None:
        """A held commit: the shards' arrays."""
        self.error = error
        if replies is None:
            self.null = error is None
        else:
            self.replies = {shard: split_reply(raw) for shard, raw in replies.items()}
        self._after_operation()

    def _after_operation(self) -> None:
        if self.error is not None or self.null:
            self._finish()
        else:
            self._arrived(self.replies or {})
        if not self.paused:  # else `_finish` does it, once the router's own commands are done, too
            self.session.resume()

    def _arrived(self, replies: dict[int, list[bytes]]) -> None:
        """The shards' replies are there: run the router's own commands, then answer."""
        self.replies = replies
        pending = [element for element in self.plan.elements if element.router]
        self.waiting = len(pending)
        for element in pending:
            self._run_here(element)
        if not self.waiting:
            self._finish()

    def _run_here(self, element: Element) -> None:
        def done(raw: bytes) -> None:
            element.reply = raw
            self.waiting -= 1
            if not self.waiting:
                self._finish()

        handler = HANDLERS.get(element.row.name)
        captured: Any = Captured(self.session, done)
        try:
            if handler is None:
                raise errors.unknown_command(element.args)
            reply = handler(self.router, captured, element.args)
        except CommandError as error:
            reply = error
        if reply is not LATER:
            element.reply = encoded(reply, self.session.resp)
            self.waiting -= 1

    def _finish(self) -> None:
        if self.finished:
            return
        self.finished = True
        if self.error is not None:
            self.session.fulfil(self.place, self.error)
        elif self.null:
            self.session.fulfil_raw(self.place, b"_\r\n" if self.session.resp == 3 else b"*-1\r\n")
        else:
            parts = [element.merged(self.replies or {}) for element in self.plan.elements]
            self.session.fulfil_raw(self.place, b"*%d\r\n" % len(parts) + b"".join(parts))
        if self.paused and not self.session.conn.closed:
            self.session.resume()
