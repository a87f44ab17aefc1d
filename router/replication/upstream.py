"""The replica's side: greet a master as Redis does, load its snapshot, follow its stream.

    PING -> AUTH -> REPLCONF listening-port -> REPLCONF capa -> PSYNC id offset
        +FULLRESYNC id offset, RDB   every shard loads its own keys from the file
        +CONTINUE [id]               go on where we were

The stream is fed to an inner connection whose commands take the ordinary way, so they reach
their shards batched, and a MULTI ... EXEC unit is applied at one point of our order. That
connection outlives a cut of the link: the half of a command that has come, the queued part of a
unit and the selected database belong to the offset at which a partial synchronisation goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from cluster.command_table import TABLE
from cluster.frames import FROM_MASTER, SILENT
from cluster.records import Place, RecordId, place_note
from cluster.wire import command as encode
from router.connection import Conn
from router.replication.incoming import SyncFailed, receive
from router.replication.link import MasterLink
from router.replication.master import new_replid
from router.replication.missed import entries_for
from router.replication.progress import Progress, Spoken
from router.replication.stream import Stream

if TYPE_CHECKING:
    from router.router import Router

log = logging.getLogger("elixircache.router")
PLACE = TABLE["SHARD.PLACE"].id
RETRY_S = 1.0

Connect = Callable[[str, int], Coroutine[Any, Any, MasterLink]]


class Upstream:
    """Follows one master until `stop`. state: connect, handshake, sync, connected.

    connect(host, port): a connection to a master; OSError.
    own_history: we were a master until now: if the new one goes on where we end, it was our replica and had it all.
    failover: None, or what is called once the master has taken over from us (True) or will not (False)."""

    own_history = False
    failover: Callable[[bool], None] | None = None

    def __init__(self, router: Router, host: str, port: int, connect: Connect):
        self.router = router
        self.connect = connect
        self.host = host
        self.port = port
        self.state = "connect"
        self.replid = "?"
        self.offset = -1  # of the last byte that we have been given
        self.applied = -1
        self.on_disk = -1  # up to there it is in our shards' journals, and fsynced
        self.asking = self.asked_again = self.stopped = False
        self.task: asyncio.Task[None] | None = None
        self.conn: Any = None
        self.session: Stream | None = None
        self.link: MasterLink | None = None
        self.pending = b""  # of the stream, behind a snapshot
        self.sync_total = self.sync_read = self.heard_ms = self.linked_ms = 0
        self.why_cut = ""
        self.down_since_ms = router.now
        self.first_db = 0  # selected where the stream goes on behind a snapshot
        self.behind: set[int] = set()  # shards that were lost; nothing of the stream is executed until they have caught up
        self.noted = -1  # up to there the shards have been told that they have everything

    def start(self) -> None:
        """Begin to follow."""
        self.task = asyncio.ensure_future(self._run())

    def stop(self) -> None:
        """Follow no more."""
        self.stopped = True
        if self.task is not None:
            self.task.cancel()
        self.router.fill.give_up()
        self._hang_up()
        self._forget()

    def finish(self, done: Callable[[], None]) -> None:
        """Hear no more; `done()` once all that has come is under way to the shards, but for half a command or unit."""
        self.stopped = True
        if self.task is not None:
            self.task.cancel()
        self._hang_up()
        conn = self.conn
        if conn is None or not self.behind and (conn.in_size == 0 or not (conn.paused or conn.stalled)):
            done()
        else:
            asyncio.get_running_loop().call_later(0.002, self.finish, done)

    def succeed(self, other: Upstream) -> None:
        """Go on where we are in the stream of another master; it may be the same stream under another id."""
        self.replid, self.offset, self.applied = other.replid, other.offset, other.applied
        self.conn, self.session, self.behind = other.conn, other.session, other.behind
        other.conn = other.session = None
        if self.session is not None:
            self.session.upstream = self

    # -- shards of ours that are restarted -------------------------------------------------

    def shard_lost(self, shard: int) -> None:
        """What was on its way is lost. It may catch up from its journal and our backlog; else begin with a snapshot."""
        config, conn = self.router.config, self.conn
        waits = bool(self.behind) or (conn is not None and not conn.paused)
        if not (waits and config["appendonly"] and config["replica-read-only"]) or self.router.fill.pending:
            self.resync()
            return
        self.behind.add(shard)
        conn.paused = True
        self._hang_up()

    def shard_back(self, shard: int, place: Place | None) -> bool:
        """It is on its link, and nothing has been asked of it. Whether it has caught up."""
        if shard not in self.behind:
            return False
        feed, core = self.router.master.feed, self.router.core
        stream = feed.since(place[0], place[1] + 1) if place is not None else None
        if stream is None or place is None or len(stream) < self.unapplied:
            self.resync()
            return False
        entries = entries_for(self.router, shard, stream[: len(stream) - self.unapplied], place[2])
        if entries is None:
            self.resync()
            return False
        for entry in entries:
            core.submit(shard, *entry, lambda raw: None)
        records = self.router.records
        lacking = [entry for entry in records.open.values() if entry.lacks(shard)]
        last = max((entry.id for entry in lacking), default=None)
        self._note(shard, self.offset - self.unapplied, last)
        for entry in lacking:
            records.confirmed(entry, shard)
        log.info("shard %d has caught up with the stream: %d bytes of it", shard, len(stream))
        self.behind.discard(shard)
        if not self.behind and self.session is not None:
            self.session.resume()
        return True

    def note(self) -> None:
        """Tell the shards that they have everything up to this point of the stream."""
        if self.conn is None or self.conn.paused or self.behind:
            return
        point = self.offset - self.unapplied
        if point > self.noted:
            self.noted = point
            for link in self.router.core.links:
                if link.up:
                    self._note(link.index, point)

    def _note(self, shard: int, point: int, last: RecordId | None = None) -> None:
        db = self.selected_db
        words = [place_note((self.router.master.feed.replid, point, db))]
        if last is not None:
            words.append(b"%d-%d" % last)
        raw = encode(b"SHARD.PLACE", *words)
        self.router.core.submit(shard, PLACE, db, FROM_MASTER | SILENT, 0, raw, lambda raw: None)

    def cut(self, reason: str) -> None:
        """End the link; it is begun again, and goes on at our offset."""
        self.why_cut = reason
        self._hang_up()

    def resync(self) -> None:
        """A shard of ours lacks what nobody knows: begin with a snapshot."""
        self.behind = set()
        self.own_history = False
        if not self.router.fill.pending:  # else the stream has not begun
            self.replid, self.offset = "?", -1
        self._hang_up()
        self._forget()

    @property
    def unapplied(self) -> int:
        """Bytes at the end of what has come that were not executed: half a command, half a unit."""
        if self.conn is None or self.session is None:
            return 0
        queued = self.session.multi
        held = 0 if queued is None else len(encode("MULTI")) + sum(len(encode(*args)) for _, args in queued)
        return int(self.conn.in_size) + held

    @property
    def busy(self) -> bool:
        """Whether a command of the stream takes more than one step just now."""
        return self.conn is not None and bool(self.conn.paused)

    def when_at_rest(self, called: Callable[[], None]) -> None:
        """Call once no command of the stream is half done; only while `busy`."""
        if self.session is not None:
            self.session.at_rest = called

    @property
    def selected_db(self) -> int:
        """The database that the stream has selected."""
        return 0 if self.session is None else self.session.db

    def _hang_up(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None

    def _forget(self) -> None:
        if self.conn is not None:
            self.conn.closed = True
            self.conn = None

    async def _run(self) -> None:
        # `wait_for` of Python 3.11 loses a cancellation that comes with its result: a follower that went on
        # beside its successor would apply the stream twice.
        while not self.stopped:
            self.linked_ms, self.why_cut = self.router.now, ""
            try:
                await self._follow()
            except (TimeoutError, OSError, SyncFailed, EOFError, ValueError) as error:
                if self.state == "connected":
                    self.down_since_ms = self.router.now
                log.warning("link to the master %s:%d: %s", self.host, self.port, error or type(error).__name__)
                self.router.tell(f"Link to master lost: {error}", kind="link_lost")
                if self.failover is not None:
                    self.failover(False)
            self._hang_up()
            # A link that held is begun again at once; a master that accepts us and hangs up is not asked without a pause.
            held = self.state == "connected" and self.router.now - self.linked_ms >= 1000 * RETRY_S
            self.state = "connect"
            if not held:
                await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        # What waits for a shard waits for a bounded time, and the stream may lack nothing.
        while self.router.fill.pending or not all(link.up for link in self.router.core.links):
            await asyncio.sleep(0.01)
        if self.own_history:
            await self._end_of_own_history()
        timeout = float(self.router.config["repl-timeout"])
        link = await asyncio.wait_for(self.connect(self.host, self.port), timeout)
        if self.stopped:
            link.close()
            return
        self.link = link
        self.state = "handshake"
        tell = self.router.tell
        tell("Handshake started", kind="handshake")
        tell("Slave -> Master: PING", kind="handshake")
        answer = await self._ask("PING")
        if not answer.startswith((b"+PONG", b"-NOAUTH", b"-NOPERM")):
            raise SyncFailed(f"PING: {answer.decode(errors='replace')}")
        tell("Master -> Slave: PONG", kind="handshake")
        if self.router.config["masterauth"]:
            user = str(self.router.config["masteruser"])
            words = ["AUTH", *([user] if user else []), str(self.router.config["masterauth"])]
            await self._expect_ok("AUTH", *words[1:])
        port = int(self.router.config["replica-announce-port"]) or self.router.listening_port()
        tell(f"Slave -> Master: REPLCONF listening-port {port}", kind="handshake")
        await self._expect_ok("REPLCONF", "listening-port", port)
        tell("Master -> Slave: OK", kind="handshake")
        announced = str(self.router.config["replica-announce-ip"])
        if announced:
            await self._expect_ok("REPLCONF", "ip-address", announced)
        tell("Slave -> Master: REPLCONF capa psync2", kind="handshake")
        await self._expect_ok("REPLCONF", "capa", "eof", "capa", "psync2")
        tell("Master -> Slave: OK", kind="handshake")
        wanted = self.offset + 1 if self.offset >= 0 else -1
        tell(f"Slave -> Master: PSYNC {self.replid} {wanted}", kind="handshake")
        self.state = "sync"
        self.heard_ms = self.router.now
        answer = await self._ask("PSYNC", self.replid, wanted, *(["FAILOVER"] if self.failover else []))
        words = answer.decode(errors="replace").split()
        tell("Master -> Slave: " + answer.decode(errors="replace").lstrip("+"), kind="handshake")
        if self.failover is not None and words and words[0] in ("+FULLRESYNC", "+CONTINUE"):
            self.failover(True)
            self.failover = None
        if words and words[0] == "+FULLRESYNC" and len(words) >= 3:
            await self._full(link, words[1], int(words[2]))
        elif words and words[0] == "+CONTINUE":
            log.info("the master goes on with the stream behind offset %d of %s", self.offset, self.replid)
            if len(words) > 1 and words[1] != self.replid:
                self.replid = words[1]
                self.router.master.feed.rename(self.replid)
                self.router.master.close_replicas("the stream has a new replication id")
        else:
            raise SyncFailed(f"PSYNC: {answer.decode(errors='replace')}")
        tell("Handshake completed successfully", kind="handshake")
        await self._stream(link)

    async def _end_of_own_history(self) -> None:
        """Where in our own stream our keys are: behind all that the shards were asked before we became a replica."""
        router, feed = self.router, self.router.master.feed
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def done(replies: dict[int, bytes | None]) -> None:
            if not answered.done():
                answered.set_result(len(replies) == router.shard_count and all(raw is not None for raw in replies.values()))

        router.ask_all([b"DBSIZE"], done)
        if await answered and self.own_history and feed.idle and feed.active:
            offset = feed.offset
            if self.failover is not None:  # what came behind it, to ask for confirmations, our successor may not have
                offset = self.offset
            elif offset + 1 == feed.offset2:  # nothing has come since it got its name: others know it by the one before
                feed.rename(feed.replid2)
            feed.unprime()
            self.go_on(feed.replid, offset, max(feed.backlog.db, 0))
        self.own_history = False

    async def _ask(self, *words: Any) -> bytes:
        link = self.link
        if link is None:
            raise SyncFailed("one of our shards was restarted")
        link.write(encode(*words))
        while True:
            line = await asyncio.wait_for(link.readline(), float(self.router.config["repl-timeout"]))
            if line.strip():
                return line.strip()

    async def _expect_ok(self, *words: Any) -> None:
        answer = await self._ask(*words)
        # An old master may not know an option of REPLCONF; that alone is no reason to stop.
        if answer.startswith(b"-") and words[0] == "AUTH":
            raise SyncFailed(f"{words[0]}: {answer.decode(errors='replace')}")

    # -- the snapshot ----------------------------------------------------------------------

    async def _full(self, link: MasterLink, replid: str, offset: int) -> None:
        fill, feed = self.router.fill, self.router.master.feed
        await self._receive(link, fill.part)
        loaded: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def changing() -> None:
            # From here on our keys are at no offset of the old stream. What the shards are asked from now on comes behind
            # the snapshot, so for others this is its point already.
            self.replid, self.offset = "?", -1
            self._forget()
            feed.adopt(replid, offset)
            feed.active = True
            self.router.master.close_replicas("the master sent a new snapshot")

        log.info("the master's snapshot has come, %s bytes; the shards read it", f"{self.sync_read:,}")
        fill.begin(replid, offset, changing, lambda failed: None if loaded.done() else loaded.set_result(failed))
        failed = await loaded
        if failed:
            feed.restart(new_replid())
            raise SyncFailed(f"a shard could not load the snapshot: {failed.decode(errors='replace')}")
        self.go_on(replid, offset, fill.first_db)
        log.info("synchronised with the master at offset %d of %s", offset, replid)

    def go_on(self, replid: str, offset: int, db: int) -> None:
        """Our keys are those at this point of the stream, where `db` is selected."""
        self.replid, self.offset, self.applied, self.on_disk, self.noted = replid, offset, offset, -1, -1
        self.first_db = db

    async def _receive(self, link: MasterLink, path: str) -> None:
        """The snapshot goes to a file, what has come behind it stands in `pending`."""
        router = self.router
        self.sync_read = self.sync_total = 0
        spoken = Spoken(router.now)
        progress = Progress(router.tell, "Snapshot received", 0)

        def came(read: int, total: int) -> None:
            self.heard_ms = router.now
            if read < 0:
                return
            if read == 0:
                log.info("the master's snapshot comes in: %s bytes", f"{total:,}" if total else "an unknown number of")
            self.sync_read, self.sync_total, progress.total = read, total, total
            progress.at(read)
            if spoken.due(router.now):
                share = f" ({100 * read // total} %)" if total else ""
                log.info("the master's snapshot: %s bytes have come%s", f"{read:,}", share)

        self.pending = await receive(link, path, float(router.config["repl-timeout"]), came)

    # -- the stream ------------------------------------------------------------------------

    async def _stream(self, link: MasterLink) -> None:
        if self.link is None:
            raise SyncFailed("one of our shards was restarted")
        if self.conn is None:
            self._open_inner()
        conn = self.conn
        self.state = "connected"
        self.heard_ms = self.router.now
        data, self.pending = self.pending, b""
        if data:
            self._take(conn, data)
            self.router.kick()
        await link.stream(self.router.core, conn, lambda data: self._take(conn, data))  # `beat` ends it when the master is silent
        raise SyncFailed((self.why_cut or "the master closed the link") if self.conn is conn else "a shard of ours was restarted")

    def _take(self, conn: Conn, data: bytes) -> None:
        """Something of the stream has come."""
        if self.conn is not conn:  # it belongs to an offset that no longer counts
            return
        self.heard_ms = self.router.now
        self.offset += len(data)
        self.router.master.feed.put(data)
        self.router.core.receive_data(conn, data)
        self.note()

    def _open_inner(self) -> None:
        conn = self.conn = Conn(self.router.new_id())
        self.session = Stream(self.router, conn, f"{self.host}:{self.port}")
        self.session.upstream = self
        self.session.authenticated = True
        self.session.settle()
        conn.flags = FROM_MASTER
        conn.writer = True
        conn.muted = True
        self.session.db, self.first_db = self.first_db, 0

    def acknowledge(self) -> None:
        """Tell the master how far we are: all that was given to the shards and answered."""
        if self.link is None or self.state != "connected" or self.conn is None:
            return
        disk = ("FACK", self.on_disk) if self.on_disk >= 0 else ()
        self.link.write(encode("REPLCONF", "ACK", self.applied, *disk))

    def beat(self) -> None:
        """Once a second: tell how far we are, and how far our disks are, or that a snapshot still comes or is read; give a
        master up that is silent."""
        silent_ms = self.router.now - self.heard_ms
        if self.state == "connected" and silent_ms > 1000 * int(self.router.config["repl-timeout"]):
            self.cut(f"the master has been silent for {silent_ms} ms")
            return
        if self.state == "sync" and self.link is not None:
            self.link.write(b"\n")
        self.note()
        self.acknowledge_soon()
        offset, conn = self.applied, self.conn
        if self.state != "connected" or offset <= self.on_disk or not self.router.config["appendonly"]:
            return

        def synced(replies: dict[int, bytes | None]) -> None:
            if self.conn is conn and all(raw == b"+OK\r\n" for raw in replies.values()):
                self.on_disk = max(self.on_disk, offset)
                self.acknowledge()

        self.router.ask_all([b"SHARD.DEBUG", b"FSYNC"], synced)

    def acknowledge_soon(self) -> None:
        """The master asks: answer once the shards have done all that was received up to now.

        The stream may never pause, so the shards are asked something behind it: links are first
        in, first out, and their answers prove that what went before is done."""
        asyncio.get_running_loop().call_soon(self._ask_behind_the_stream)

    def _ask_behind_the_stream(self) -> None:
        conn = self.conn
        if conn is None or self.state != "connected":
            return
        if self.applied == self.offset:
            self.acknowledge()
            return
        if conn.paused:  # an operation in flight asks its shards more than once
            asyncio.get_running_loop().call_later(0.002, self._ask_behind_the_stream)
            return
        if self.asking:
            self.asked_again = True
            return
        offset = self.offset - conn.in_size
        self.asking, self.asked_again = True, False

        def done(replies: dict[int, bytes | None]) -> None:
            self.asking = False
            if self.conn is not conn:
                return
            if len(replies) == self.router.shard_count and all(raw is not None for raw in replies.values()):
                self.applied = max(self.applied, offset)
            self.acknowledge()
            if self.asked_again:
                self.acknowledge_soon()

        self.router.ask_all([b"DBSIZE"], done)
