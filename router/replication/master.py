"""The master's side: replicas that ask for the stream, snapshots for them, WAIT.

States of a replica:

    handshake   it has sent REPLCONF, not yet PSYNC
    queued      it waits for a snapshot that can be its own to be begun
    waiting     a snapshot for it is being written; the stream since its point is kept for it
    sending     the snapshot goes out, the stream waits behind it
    online      gets the stream as it comes
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.command_table import TABLE
from cluster.errors import CommandError
from cluster.wire import command as encode
from router.replication.feed import Feed
from router.replication.replica import Replica, Snapshot, Waiter

log = logging.getLogger("elixircache.router")

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

GETACK = encode("REPLCONF", "GETACK", "*")
PIECE_MS = 5  # the age at which a piece of a busy stream goes out that is not full (router/replication/backlog.py)


class Master:
    """Feeds replicas. The shell lends `send_file(session, paths, done)`."""

    def __init__(self, router: Router):
        self.router = router
        backlog = int(router.config["repl-backlog-size"])
        self.feed = Feed(router.shard_count, new_replid(), backlog)
        router.config.on_change(lambda name, value: self.feed.backlog.resize(value), "repl-backlog-size")
        self.backlog = router.core.outflow = self.feed.backlog
        self.backlog.on_unsent = self._unsent
        self.backlog.on_piece = self.send
        self.backlog.on_large = self._send_large
        self.backlog.on_kept = self._keep
        self.feed.on_barrier = self._on_barrier
        self.replicas: dict[int, Replica] = {}
        self.waiters: list[Waiter] = []
        self.snapshot: Snapshot | None = None
        self.snapshots = 0
        self.sent_ms = self.pieces = 0  # when the last piece went out, and how many have
        self.next_ping_ms = 0
        self.full_syncs = self.partial_syncs = self.refused_partial_syncs = 0
        self.send_file: Callable[[Session, list[str], Callable[[bool], None]], None] = lambda session, paths, done: None
        self.send_soon: Callable[[Callable[[], None]], None] = lambda due: due()  # call it in PIECE_MS
        router.event_handlers[b"record"] = self.feed.on_record
        router.event_handlers[b"barrier"] = self.feed.on_mark
        router.event_handlers[b"feeding"] = self.feed.on_feeding
        router.event_handlers[b"place"] = self.feed.on_place
        router.event_handlers[b"snapshot"] = self._on_written
        router.event_handlers[b"snapshot_at"] = self._on_progress
        router.leave_listeners.append(self._left)

    def recover(self, path: str, owner: str) -> None:
        """Go on with the stream that the last router has left in a file, if there is one; leave ours there, too."""
        if self.feed.keep_at(path, owner, new_replid()):
            log.info("going on with the stream at offset %d of %s", self.feed.offset, self.feed.replid)

    # -- replicas --------------------------------------------------------------------------

    def replica(self, session: Session) -> Replica:
        """The replica that a client is, from its first REPLCONF on."""
        found = self.replicas.get(session.id)
        if found is None:
            found = Replica(session, ip=session.addr.rpartition(":")[0].strip("[]"))
            self.replicas[session.id] = found
        return found

    def greet(self, session: Session) -> None:
        """A client says that it is a replica: what it did before is the beginning of a handshake."""
        if session.id in self.replicas:
            return
        self.router.tell("Handshake started", kind="handshake", peer=session.addr)
        if session.pinged:
            self.router.tell("Slave -> Master: PING", kind="handshake")
            self.router.tell("Master -> Slave: PONG", kind="handshake")

    def _left(self, session: Session) -> None:
        reason = session.left_for
        replica = self.replicas.pop(session.id, None)
        self._settle()
        if replica is not None:
            if replica.state != "handshake":
                log.warning("replica %s, %s: its link has ended: %s", replica.name, replica.state, reason or "it closed it")
            text = f"Link to replica {replica.ip}:{replica.port} lost"
            self.router.tell(text, kind="link_lost", port=replica.port, offset=replica.offset)

    def psync(self, session: Session, replid: str, offset: int) -> None:
        """PSYNC: go on from an offset if the backlog has it, else a full synchronisation."""
        replica = self.replica(session)
        session.replica = replica
        session.settle()
        self.send()
        replica.heard_ms = self.router.now
        self.router.tell(f"Slave -> Master: PSYNC {replid} {offset}", kind="handshake", offset=offset)
        rest = self.feed.since(replid, offset) if replid != "?" else None
        if rest is not None:
            self.partial_syncs += 1
            replica.state = "online"  # what it has received its shards may not have: it confirms by itself
            session.push_raw(b"+CONTINUE %s\r\n" % self.feed.replid.encode() + rest)
            self._settle()
            log.info("replica %s goes on at offset %d: %d bytes from the backlog", replica.name, offset, len(rest))
            self.router.tell(f"Master -> Slave: CONTINUE {self.feed.replid}", kind="handshake", bytes=len(rest))
            self.router.tell("Handshake completed successfully", kind="handshake", port=replica.port)
            return
        asked = "no history yet"
        if replid != "?":
            self.refused_partial_syncs += 1
            ours = replid == self.feed.replid or replid == self.feed.replid2 and offset <= self.feed.offset2
            asked = f"offset {offset} is not in the backlog" if ours else f"{replid} at offset {offset} is not our history"
        log.info("replica %s: full synchronisation (%s)", replica.name, asked)
        self.full_syncs += 1
        replica.state = "queued"  # if a snapshot is under way, its point may have passed
        replica.kept, replica.kept_size = [], 0
        self._begin_queued()
        self._settle()

    def _begin_snapshot(self) -> None:
        """Ask all shards in one go: their marks are one point of the total order."""
        if not all(link.up for link in self.router.core.links):
            return  # what a shard that comes back lacks must come before its mark; `tick` tries again
        up = self.router.upstream
        if up is not None and up.busy:
            up.when_at_rest(self._begin_queued)
            return
        if up is not None and up.unapplied > len(self.backlog):
            return  # within a command that is larger than what is kept
        self.snapshots += 1
        first = not all(self.feed.primed)
        self.feed.active = True
        token = b"%d-%d" % (os.getpid(), self.snapshots)
        directory = self.router.run_directory
        paths = [os.path.join(directory, f"sync-{token.decode()}-{shard}.rdb") for shard in range(self.router.shard_count)]
        queued = [replica for replica in self.replicas.values() if replica.state == "queued"]
        only = queued[0].only
        self.snapshot = Snapshot(token, paths, only, self.router.now)
        self.snapshot.first = first
        self.feed.barrier = token
        for replica in queued:
            if replica.only == only:
                replica.state = "waiting"
        db = ""
        if up is not None:
            # The master's stream is ours: the snapshot's point is behind what has been given to the shards.
            db = str(up.selected_db)
            self._at_point(self.feed.offset - up.unapplied)
        row = TABLE["SHARD.SNAPSHOT"].id
        for shard, path in enumerate(paths):
            raw = encode(b"SHARD.SNAPSHOT", token, path, b"1" if shard == 0 else b"0", db, only)
            self.router.core.submit(shard, row, 0, 0, 0, raw, lambda raw: None)
        self.router.kick()

    def _on_barrier(self, token: bytes) -> None:
        snapshot = self.snapshot
        if snapshot is None or snapshot.token != token:
            return
        # The snapshot is loaded into no particular database.
        self.backlog.forget_db()
        self._at_point(self.feed.offset)

    def _at_point(self, offset: int) -> None:
        """The snapshot's point in the stream is known: say it, and keep the stream from there on."""
        snapshot = self.snapshot
        assert snapshot is not None
        snapshot.offset = offset
        snapshot.replid = self.feed.replid
        behind = self.feed.offset - offset
        for replica in self.replicas.values():
            if replica.state == "waiting":
                if behind:
                    replica.kept.append(self.backlog.last(behind))
                    replica.kept_size += behind
                text = f"+FULLRESYNC {snapshot.replid} {snapshot.offset}\r\n"
                if not replica.session.old_sync:
                    replica.session.push_raw(text.encode())
                shown = f"Master -> Slave: {text.strip().lstrip('+')}"
                self.router.tell(shown, kind="handshake", offset=snapshot.offset, port=replica.port)

    def _on_progress(self, shard: int, event: list[bytes]) -> None:
        """("snapshot_at", token, keys written, keys)"""
        snapshot = self.snapshot
        if snapshot is not None and event[1] == snapshot.token:
            snapshot.written.heard(shard, int(event[2]), int(event[3]))
            if snapshot.spoken.due(self.router.now):
                log.info("the snapshot for replicas: %d %% are written", 100 * snapshot.written.share)

    def _on_written(self, shard: int, event: list[bytes]) -> None:
        """("snapshot", token, "1" | "0")"""
        snapshot = self.snapshot
        if snapshot is None or event[1] != snapshot.token:
            return
        snapshot.missing.discard(shard)
        snapshot.failed = snapshot.failed or event[2] != b"1"
        snapshot.written.heard(shard, 1, 1)
        share = snapshot.written.share
        text = f"Snapshot of shard {shard} {'written' if event[2] == b'1' else 'failed'}"
        self.router.tell(text, kind="snapshot", shard=shard, progress=round(share, 3))
        if snapshot.missing:
            return
        receivers = [replica for replica in self.replicas.values() if replica.state == "waiting"]
        self.snapshot = None
        if snapshot.failed or snapshot.offset < 0:
            for replica in receivers:
                self.router.close(replica.session.conn, "the snapshot failed")
            _remove(snapshot.paths)
        elif not receivers:
            _remove(snapshot.paths)
        else:
            left = len(receivers)
            for replica in receivers:
                replica.state, replica.heard_ms = "sending", self.router.now

                def done(ok: bool, replica: Replica = replica) -> None:
                    nonlocal left
                    left -= 1
                    if not left:
                        _remove(snapshot.paths)
                    if ok and replica.rdb_only:
                        log.info("replica %s has got the snapshot that it wanted", replica.name)
                        replica.session.close_after_reply()
                    elif ok:
                        self._online(replica)

                self.send_file(replica.session, snapshot.paths, done)
        self._begin_queued()

    def _begin_queued(self) -> None:
        """A snapshot for those that wait for one, if none is under way."""
        if self.snapshot is None and any(replica.state == "queued" for replica in self.replicas.values()):
            self._begin_snapshot()

    def _online(self, replica: Replica) -> None:
        self.send()
        replica.state = "online"
        replica.heard_ms = self.router.now
        for data in replica.kept:
            replica.session.push_raw(data)
        replica.kept, replica.kept_size = [], 0
        self._settle()
        log.info("replica %s has got its snapshot, and gets the stream behind offset %d", replica.name, self.feed.offset)
        self.router.tell("Handshake completed successfully", kind="handshake", port=replica.port)

    def _settle(self) -> None:
        """Whom the stream goes to."""
        self.backlog.online = bool(self.online)
        self.backlog.keeping = len(self.online) < len(self.replicas)

    def _keep(self, data: bytes) -> None:
        """The stream since the point of a snapshot that is under way."""
        for replica in list(self.replicas.values()):
            if replica.rdb_only:
                continue
            if replica.state == "sending" or (replica.state == "waiting" and self.snapshot and self.snapshot.offset >= 0):
                replica.kept.append(data)
                replica.kept_size += len(data)
                hard = self.router.config.output_limits("replica")[0]
                if hard and replica.kept_size > hard:
                    self.router.close(replica.session.conn, "the stream since its snapshot is over its limit")

    def _unsent(self) -> None:
        """The first of a piece: what comes after a pause goes at once."""
        if self.router.now - self.sent_ms > PIECE_MS:
            self.send()
        else:
            self._wait_for_piece()

    def _wait_for_piece(self) -> None:
        self.backlog.waiting, pieces = True, self.pieces

        def due() -> None:
            if pieces == self.pieces:
                self.backlog.waiting = False
                self.send()
            else:  # a full one has gone meanwhile
                self._wait_for_piece()

        self.send_soon(due)

    def send(self) -> None:
        """Let what has come of the stream go to the replicas now."""
        count = self.backlog.take_unsent()
        if count:
            self.sent_ms = self.router.now
            self.pieces += 1
            for replica in self.online:
                self.router.core.push_stream(replica.session.conn, count)
            self.router.kick()

    def _send_large(self, data: bytes) -> None:
        """What is larger than the backlog."""
        for replica in self.online:
            replica.session.push_raw(data)

    def ack(self, session: Session, offset: int, on_disk: bool = False) -> None:
        """REPLCONF ACK, FACK (the offset is in the replica's journal, on its disk)"""
        replica = self.replicas.get(session.id)
        if replica is not None:
            if on_disk:
                replica.on_disk = max(replica.on_disk, offset)
            else:
                replica.acked = max(replica.acked, offset)
            replica.heard_ms = self.router.now
            self._serve_waiters()

    @property
    def online(self) -> list[Replica]:
        """Replicas that get the stream."""
        return [replica for replica in self.replicas.values() if replica.state == "online"]

    # -- WAIT ------------------------------------------------------------------------------

    def confirmed(self, offset: int, on_disk: bool = False) -> int:
        """How many replicas have confirmed an offset (as on their disks)."""
        return sum((replica.on_disk if on_disk else replica.acked) >= offset for replica in self.online)

    def wait(
        self, session: Session, wanted: int, timeout_ms: int, done: Callable[[int | CommandError], None], on_disk: bool = False
    ) -> None:
        """`done(count)` once `wanted` replicas have confirmed all that is in the stream now. The client is blocked until then."""
        deadline_ms = self.router.now + timeout_ms if timeout_ms else 1 << 62
        waiter = Waiter(self, self.feed.offset if self.feed.idle else -1, wanted, deadline_ms, done, on_disk)
        self.waiters.append(waiter)
        session.blocked = waiter
        if waiter.offset >= 0 and self.confirmed(waiter.offset, on_disk) < wanted and self.online:
            self.ask_replicas()
        self._serve_waiters()

    def ask_replicas(self) -> None:
        """Every replica is to say how far it is; during a failover the stream stands still, and they say so once a second."""
        if not self.router.failover.active:
            self.feed.put(GETACK)
            self.send()

    def _serve_waiters(self) -> None:
        for waiter in list(self.waiters):
            late = self.router.now >= waiter.deadline_ms
            if waiter.count >= waiter.wanted or late:
                self.waiters.remove(waiter)
                waiter.done(max(waiter.count, 0))

    def tick(self, now_ms: int) -> None:
        """Heartbeats, replicas that are silent, WAITs that end."""
        for waiter in self.waiters:
            if waiter.offset < 0 and self.feed.idle:
                waiter.offset = self.feed.offset
                self.ask_replicas()
        self.send()
        self._serve_waiters()
        self._begin_queued()
        if now_ms >= self.next_ping_ms:
            self.next_ping_ms = now_ms + 1000 * int(self.router.config["repl-ping-replica-period"])
            if self.online and self.router.upstream is None and not self.router.failover.active:
                self.feed.put(encode("PING"))
        limit = 1000 * int(self.router.config["repl-timeout"])
        for replica in list(self.replicas.values()):
            if replica.silent_ms(now_ms) > limit:
                self.router.close(replica.session.conn, "replica timeout")
        for replica in self.replicas.values():
            if replica.state in ("waiting", "queued"):
                replica.session.push_raw(b"\n")

    def tell_replicas(self, args: list[bytes]) -> None:
        """Put a command that changes no keys (PUBLISH) into the stream of a master."""
        if self.online and self.router.upstream is None and not self.router.failover.active:
            self.feed.put(encode(*args))

    def close_replicas(self, reason: str) -> None:
        """Every replica of ours has to synchronise anew."""
        self.send()
        for replica in list(self.replicas.values()):
            if replica.state != "handshake":
                self.router.close(replica.session.conn, reason)

    def place(self, shard: int) -> str:
        """What a shard whose link begins is asked to go on from, "" if it need not."""
        found = self.feed.resume(shard)
        return "" if found is None or self.router.upstream is not None else " ".join(map(str, found))

    def shard_lost(self) -> None:
        """The snapshot that it was writing will not come; the stream goes on when it is back."""
        snapshot, self.snapshot = self.snapshot, None
        if snapshot is None:
            return
        _remove(snapshot.paths)
        if snapshot.first and snapshot.offset < 0:
            self.feed.restart(new_replid())
        else:
            self.feed.drop_barrier()
        for replica in list(self.replicas.values()):
            if replica.state in ("waiting", "queued"):
                self.router.close(replica.session.conn, "a shard was lost during the snapshot")

    def shard_back(self, resumed: bool) -> None:
        """A shard, or all of them to a new router, tell from their journals what has not come; if they cannot, a new history
        begins."""
        if resumed or not self.feed.active or self.router.upstream is not None:
            return
        self.feed.restart(new_replid())
        self.snapshot = None
        self.close_replicas("a shard lost part of the stream; synchronise anew")


def new_replid() -> str:
    """A replication id: 40 hexadecimal digits."""
    return secrets.token_hex(20)


def _remove(paths: list[str]) -> None:
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
