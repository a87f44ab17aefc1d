"""The router's state and decisions: sessions, links, shards that come and go. No I/O.

The shell (`router/server.py`) gives it the clock (`now`), connections and link events, and
does what it asks for through `kick` (flush soon), `close` and `report`.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from typing import Any

import router.commands  # noqa: F401  registers the handlers
from cluster import errors, frames
from cluster.command_table.model import Command, F
from cluster.errors import CommandError
from cluster.records import Place, RecordId
from cluster.slots import slot_map
from cluster.wire import encoded
from router import dispatch, fanout
from router.asides import Asides
from router.blocking import Blocking
from router.commands import transactions
from router.commands.scripts import Busy
from router.connection import Parts
from router.core import Core
from router.failover import Failover
from router.gates import Gates, writes
from router.loading import Loading
from router.monitoring import feed
from router.multi import Multi
from router.operations import Operations
from router.pausing import Pause
from router.pubsub import PubSub
from router.records import RouterRecords
from router.replication.fill import Fill
from router.replication.master import Master, new_replid
from router.replication.roles import set_role
from router.room import Room
from router.script_cache import ScriptCache
from router.session import Session
from router.slowlog import SlowLog
from router.stats import Stats
from router.tracking import Tracking
from router.waits import ShardAway, ShardWaits

log = logging.getLogger("elixircache.router")


class Router:
    """One group's router. `config` is a cluster.config.Config."""

    def __init__(self, shard_count: int, config: Any, now_ms: int, generation: int = 0):
        """`generation`: where the counting of link generations begins, different for each
        router process (below 2**30), so that no shard takes an old router's batch for ours."""
        self.config = config
        self.shard_count = shard_count
        self.core = Core(slot_map(shard_count))
        self.core.now = now_ms
        for link in self.core.links:
            link.generation = generation
        self.core.on_command = self.on_command
        self.core.on_protocol_error = self.on_protocol_error
        self.core.on_event = self.on_event
        self.core.on_kick = lambda: self.kick()
        self.core.on_flood = self.on_flood
        for name in ("proto-max-bulk-len", "client-query-buffer-limit"):
            self.set_limit(name, config[name])
            config.on_change(self.set_limit, name)
        for name in ("maxmemory", "maxmemory-policy"):
            config.on_change(self.set_eviction, name)
        self.set_eviction()
        self.core.on_internal_error = self.on_internal_error
        self.started_ms = now_ms
        self.clients: dict[int, Session] = {}
        self.next_client = 1
        self.monitors: set[Session] = set()
        self.stats = Stats()
        self.records = RouterRecords(self)
        self.core.many = Multi(self.records, self.stats)
        self.shard_waits = ShardWaits(self)
        self.event_handlers: dict[bytes, Callable[[int, list[bytes]], None]] = {}
        self.operations = self.core.many.operations = Operations(self)
        self.leave_listeners: list[Callable[[Session], None]] = [self.drop_transaction]
        self.pubsub = PubSub(self)
        self.blocking = Blocking(self)
        self.tracking = Tracking(self)
        self.chance = random.Random(generation)
        self.event_handlers[b"publish"] = lambda shard, event: self.pubsub.publish(event[1], event[2])
        self.master = Master(self)
        self.fill = Fill(self)
        self.upstream: Any = None
        self.run_directory = "."
        self.make_upstream: Callable[[str, int], Any] = lambda host, port: None
        self.listening_port: Callable[[], int] = lambda: 0
        self.on_tell: list[Callable[[str, dict[str, Any]], None]] = []
        self.busy = Busy(self)
        self.scripts = ScriptCache(self)
        self.asides = Asides(self)
        self.pause = Pause(self)
        self.gates = Gates(self)
        self.room = Room(self)
        self.slowlog = SlowLog(self)
        self.failover = Failover(self)
        self.next_measure_ms = 0
        self.excused_ms = 0  # until then a shard may be silent: it was told to sleep
        self.run_id = f"{self.chance.getrandbits(160):040x}"
        self.draining: list[tuple[Session, Callable[[], None]]] = []
        self.leave_listeners.append(lambda session: self.settle_paths() if session.monitor else None)
        self.serving = False
        self.loading = Loading(now_ms)
        # Of a replica, also before its shards are there and it can follow: nobody may take it for a master meanwhile.
        host, _, port = str(config["replicaof"]).partition(" ")
        self.replica_of: tuple[str, int] | None = (host, int(port)) if host else None
        self.settle_paths()
        self.greetings: dict[int, dict[str, Any]] = {}
        # The shell fills these in.
        self.clock_us: Callable[[], int] = lambda: 0  # how long commands take is told, and decides nothing
        self.kick: Callable[[], None] = lambda: None
        self.wake_at: Callable[[int], None] = lambda at_ms: None  # unix ms; without it waits end with the next tick
        self.close: Callable[[Any, str], None] = lambda conn, reason: None
        self.listen_elsewhere: Callable[[dict[str, Any]], None] = lambda config: None  # CommandError: it listens as before
        self.send_alone: Callable[[int, bytes], None] = lambda shard, message: None
        self.report: Callable[[dict[str, Any]], None] = lambda event: None

    @property
    def now(self) -> int:
        """Unix ms of this turn of the loop."""
        return int(self.core.now)

    # -- clients -------------------------------------------------------------------------

    def connect(self, session: Session) -> None:
        """A client is there."""
        self.clients[session.id] = session
        self.stats.connections += 1
        session.authenticated = not self.config["requirepass"]
        session.settle()

    def new_id(self) -> int:
        """A client id; they are never used twice."""
        self.next_client += 1
        return self.next_client - 1

    def disconnected(self, conn: Any, reason: str) -> None:
        """A connection is closed: nothing of its client stays."""
        session = self.clients.pop(conn.id, None)
        if session is None:
            return
        session.left_for = reason
        self.monitors.discard(session)
        self.stats.bytes_in += conn.bytes_in
        self.stats.bytes_out += conn.bytes_out
        for listener in self.leave_listeners:
            listener(session)

    def on_command(self, conn: Any, args: list[bytes]) -> None:
        """A command that the fast path does not take."""
        try:
            dispatch.execute(self, conn.session, args)
        except Exception as error:
            log.exception("command %r failed", args[:1])
            conn.session.reply(CommandError(f"ERR internal error: {type(error).__name__}: {error}"))

    def execute(self, session: Session, args: list[bytes]) -> None:
        """Run a command that was held back."""
        self.on_command(session.conn, args)

    def on_protocol_error(self, conn: Any, text: str) -> None:
        """Bytes that are no RESP: say so, and close."""
        conn.session.reply(CommandError(text))
        conn.session.close_after_reply()

    def set_limit(self, name: str, value: int) -> None:
        """How much one argument, or all that a client has sent and that is not executed, may be."""
        if name == "proto-max-bulk-len":
            self.core.bulk_max = value
        else:
            self.core.inbox_max = value

    def set_eviction(self, *_: Any) -> None:
        """Whether shards may evict keys: of those that are watched, the router knows less then."""
        self.core.watches.evicting = self.config["maxmemory"] > 0 and self.config["maxmemory-policy"] != "noeviction"
        self.core.watches.may_have_written()

    def on_flood(self, conn: Any) -> None:
        """A client sent more than client-query-buffer-limit without its being executed."""
        log.warning("client %d closed: over the query buffer limit (%d bytes)", conn.id, conn.in_size)
        self.close(conn, "query buffer limit")

    def on_internal_error(self, error: Exception) -> None:
        """A fault of ours in a callback; the other replies of the batch go on."""
        log.error("internal error", exc_info=error)

    def gate(self, session: Session, row: Command, args: list[bytes]) -> None:
        """Whether the group takes this command now. CommandError says why not."""
        if self.busy.shards and not row.flags & F.ALLOW_BUSY:
            self.busy.check()
        if not self.serving and not row.flags & F.LOADING:
            raise CommandError(errors.LOADING)
        if session.conn.writer:
            return
        if self.gates.closed_to_writes and writes(session, row):
            raise CommandError(self.gates.refusal)
        if self.gates.stale and not row.flags & F.STALE:
            raise CommandError(errors.MASTER_DOWN)
        if self.room.full:
            self.room.check(session, row, args)

    def output_class(self, session: Session) -> str:
        """Which of client-output-buffer-limit's classes a client is in."""
        if session.replica is not None:
            return "replica"
        return "pubsub" if session.subscribed else "normal"

    def feed_monitors(self, session: Session, args: list[bytes]) -> None:
        """Show a command to MONITOR clients."""
        feed(self, session, args)

    def settle_paths(self) -> None:
        """Say which commands may not take the fast path: what MONITOR, CLIENT PAUSE or a long script must see."""
        core = self.core
        core.all_slow = bool(self.monitors or self.busy.shards or self.pause.everything or self.gates.stale)
        core.writes_slow = self.gates.closed_to_writes or bool(self.pause.until_ms or self.room.full)
        core.queues_slow = bool(self.room.full)
        core.scripts_slow = bool(self.config["allow-undeclared-keys"])
        core.python_from = ("no", "local", "yes").index(str(self.config["enable-python-functions"]))

    def when_drained(self, session: Session, action: Callable[[], None]) -> None:
        """Do something once a client has all the replies to what it sent before; it is not read from until then."""
        if not session.conn.pending and not any(waiting is session for waiting, _ in self.draining):
            action()
            return
        session.pause()
        self.draining.append((session, action))

    def _drained(self) -> None:
        draining, self.draining = self.draining, []
        for session, action in draining:
            if session.conn.closed:
                continue
            if session.conn.pending:
                self.draining.append((session, action))
                continue
            session.conn.paused = False
            action()
            if not session.conn.paused:
                session.resume()

    # -- replication -----------------------------------------------------------------------

    def become_replica(
        self, host: str, port: int, failover: Callable[[bool], None] | None = None, place: Place | None = None
    ) -> None:
        """Follow a master from now on; clients' writes are refused.

        `failover`: it is a replica of ours that has all that we have, and is to take over; see Upstream.
        `place`: our keys are those at this place of a master's stream."""
        before, upstream = self.upstream, self.make_upstream(host, port)
        if before is not None:
            upstream.succeed(before)
            before.stop()
        else:
            # Said here, before the shards stop to feed us: what a step still to come would write, the stream would lack.
            under_way = any(operation.write for operation in self.operations.active.values())
            links_up = all(link.up for link in self.core.links)
            upstream.own_history = self.master.feed.active and self.serving and links_up and not under_way
            self.master.close_replicas("this group is a replica now")
            self.blocking.unblock_all(errors.UNBLOCKED_ROLE)
        if failover is not None:
            upstream.failover = failover
            upstream.replid, upstream.offset = self.master.feed.replid, self.failover.settled
        if place is not None:
            upstream.go_on(*place)
            self.master.feed.adopt(place[0], place[1])
            self.master.feed.active = True
        self.upstream = upstream
        self.replica_of = (host, port)
        self.gates.settle()
        set_role(self, b"replica")
        self.remember_role()
        upstream.start()

    def keep_mastership(self) -> None:
        """The replica that was to take over did not: all is as it was before."""
        if self.upstream is not None:
            self.upstream.stop()
        self.upstream = self.replica_of = None
        self.gates.settle()
        set_role(self, b"master")
        self.remember_role()

    def become_master(self) -> None:
        """Follow nobody; replicas of the old master may go on with us."""
        if self.upstream is None:
            return
        unapplied = self.upstream.unapplied
        self.upstream.stop()
        self.upstream = None
        self.replica_of = None
        self.master.feed.promote(new_replid(), unapplied)
        self.gates.settle()
        # A replica of ours must ask again: it learns the new id, and lacks nothing that it does not have.
        self.master.close_replicas("this group is a master now")
        set_role(self, b"master")
        self.remember_role()
        self.tell("Promoted to master", kind="failover")

    def remember_role(self) -> None:
        """A router that is started anew has the role of this moment, and CONFIG REWRITE writes it."""
        text = " ".join(map(str, self.replica_of)) if self.replica_of else ""
        if text != self.config["replicaof"]:
            self.config.apply({"replicaof": text})
            self.report({"config": {"replicaof": text}})

    def tell(self, text: str, **event: Any) -> None:
        """Something that people who watch should know (WebSocket broadcasts)."""
        for listener in self.on_tell:
            listener(text, event)

    # -- shards --------------------------------------------------------------------------

    def require(self, shard: int) -> None:
        """ShardAway if a shard has no link now."""
        if not self.core.links[shard].up:
            raise ShardAway(shard)

    def wait_for_shard(self, session: Session, args: list[bytes], shard: int) -> None:
        """Hold a command back until its shard is there."""
        self.shard_waits.add(session, args, shard)

    def link_opened(self, shard: int) -> None:
        """A socket to a shard is there: greet it. It serves once it has answered."""
        link = self.core.links[shard]
        link.generation += 1
        hello = {"generation": link.generation, "shards": self.shard_count, "place": self.master.place(shard)}
        self.send_alone(shard, frames.HELLO + json.dumps(hello).encode())

    def link_message(self, shard: int, message: bytes) -> None:
        """A message that is no reply of this generation: a greeting, or an old batch."""
        if not message.startswith(frames.HELLO):
            return
        answer = json.loads(message[len(frames.HELLO) :])
        link = self.core.links[shard]
        if answer["generation"] != link.generation or link.up:
            return
        self.greetings[shard] = answer
        self.scripts.stored([name.encode("latin-1") for name in answer["whole_scripts"]])
        link.heard_ms = self.now
        if not self.serving:
            if len(self.greetings) == self.shard_count:
                self._begin()
            return
        self.join(shard)

    def _begin(self) -> None:
        """All shards have greeted: finish what an earlier router left open, then serve."""
        last = {shard: _record_id(answer["last_record"]) for shard, answer in self.greetings.items()}
        kept = {shard: [bytes.fromhex(raw) for raw in answer["records"]] for shard, answer in self.greetings.items()}
        self.records.epoch = max(self.now, max(last.values())[0] + 1)
        self.records.adopt(kept, last)
        self.records.advance()
        for shard in range(self.shard_count):
            self.core.links[shard].up = True
        self.master.shard_back(all(answer.get("resumed") for answer in self.greetings.values()))
        # Before anything is run: who decides what has expired. The last router may have died within a failover.
        set_role(self, b"master" if self.replica_of is None else b"replica")
        for shard in range(self.shard_count):
            count = self.records.catch_up(shard, last[shard])
            if count:
                log.warning("shard %d lacked %d multi-shard records; handed over", shard, count)
        place = common_place(self.greetings)
        if self.fill.resume():
            place = self.fill.place
        self.serving = True
        self.scripts.router_back()
        if self.replica_of is not None:
            self.become_replica(*self.replica_of, place=place)
        self.kick()
        self.report({"ready": True})

    def join(self, shard: int) -> None:
        """A restarted shard is back."""
        answer = self.greetings.get(shard)
        if answer is None or not self.operations.may_join(shard, _record_id(answer["last_record"])):
            return
        self.core.links[shard].up = True
        self.master.shard_back(bool(answer.get("resumed")))
        set_role(self, b"replica" if self.upstream is not None else b"master", shard)
        place = answer.get("place")
        if self.upstream is not None:
            self.upstream.shard_back(shard, (place[0], place[1], place[2]) if place else None)
        count = self.records.catch_up(shard, _record_id(answer["last_record"]))
        self.fill.shard_back(shard)
        log.warning("shard %d is back (%d records handed over)", shard, count)
        self.scripts.shard_back(shard)
        self.tracking.shard_back()
        self.shard_waits.link_up(shard)
        self.tell(f"Shard {shard} is back", kind="shard_up", shard=shard)
        self.kick()
        self.report({"shard_up": shard})

    def link_lost(self, shard: int) -> None:
        """A shard went away: what was in flight has an unknown outcome."""
        if self.upstream is not None:
            self.upstream.shard_lost(shard)
        self.tell(f"Link to shard {shard} lost", kind="shard_lost", shard=shard)
        self.busy.on_free(shard)
        self.room.told(shard, False)
        self.greetings.pop(shard, None)
        for session in self.clients.values():
            # What happened to its watched keys meanwhile is not known: its EXEC must not run.
            watch = session.conn.watch
            if watch is not None and shard in watch.shards:
                watch.broken = True
        self.operations.shard_lost(shard)
        self.asides.shard_lost(shard)
        self.blocking.shard_lost(shard)
        self.master.shard_lost()
        lost = self.core.drop_link(shard)
        error = CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard))
        for target, place in lost:
            if hasattr(target, "session"):
                if not target.closed:
                    self._fail_run(target, place, error)
            else:
                try:
                    if isinstance(target, Parts):
                        target.lost(shard)
                    else:
                        target(None)
                except Exception as fault:
                    self.on_internal_error(fault)
        self.kick()

    def _fail_run(self, conn: Any, place: int, error: CommandError) -> None:
        raw = encoded(error) * self.core.run_length(conn, place)
        conn.session.fulfil_raw(place, raw)

    def on_event(self, shard: int, event: list[bytes]) -> None:
        """Something that a shard says unasked: a client unblocked, a key changed, ..."""
        handler = self.event_handlers.get(event[0])
        if handler is not None:
            handler(shard, event)

    def drop_transaction(self, session: Session) -> None:
        """Forget what a client has queued and watches."""
        transactions.drop(self, session)

    def ask_all(self, args: list[bytes], done: Callable[[dict[int, bytes | None]], None]) -> None:
        """Ask every shard something; `done` gets shard -> raw reply."""
        fanout.ask_all(self, args, done)

    def tick(self, now_ms: int) -> None:
        """Ten times a second."""
        self.core.now = now_ms
        self.shard_waits.tick(now_ms)
        self.operations.tick(now_ms)
        self.blocking.tick(now_ms)
        self.tracking.tick(now_ms)
        self.master.tick(now_ms)
        self.pause.tick(now_ms)
        self.gates.tick()
        self.failover.tick(now_ms)
        if now_ms >= self.next_measure_ms:
            self.next_measure_ms = now_ms + 1000
            conns = [session.conn for session in self.clients.values()]
            bytes_in = self.stats.bytes_in + sum(conn.bytes_in for conn in conns)
            bytes_out = self.stats.bytes_out + sum(conn.bytes_out for conn in conns)
            self.stats.measure(now_ms, self.core.commands, bytes_in, bytes_out)
        if self.draining:
            self._drained()


def common_place(greetings: dict[int, dict[str, Any]]) -> Place | None:
    """The place in a master's stream that all shards are at, None if they are at none or at several."""
    places = {tuple(answer.get("place") or ()) for answer in greetings.values()}
    found = places.pop() if len(places) == 1 else ()
    return (found[0], found[1], found[2]) if found else None


def _record_id(pair: list[int]) -> RecordId:
    return (pair[0], pair[1])
