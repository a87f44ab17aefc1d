"""FAILOVER: a master hands its role to one of its replicas, and no write is lost.

    state                  means                                                   left by
    no-failover            nothing is going on                                     start
    waiting-for-sync       writes wait until a replica has the whole stream        it has -> in-progress;
                                                                                   time-out or ABORT -> no-failover
    failover-in-progress   we follow it and told it to take over (PSYNC FAILOVER)  its answer -> no-failover

Clients' writes are held back all the time; they are answered by what we are afterwards: executed
after a failover that came to nothing, refused with READONLY by a replica. The states' names are those of INFO.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.errors import CommandError
from router.replication.master import GETACK
from router.replication.replica import Replica
from router.replication.roles import set_role

if TYPE_CHECKING:
    from router.router import Router

log = logging.getLogger("elixircache.router")
NONE, WAITING, SWITCHING = "no-failover", "waiting-for-sync", "failover-in-progress"
FOREVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Target:
    """host, port: empty when any replica will do. force: switch at the time-out all the same."""

    host: str = ""
    port: int = 0
    timeout_ms: int = 0
    force: bool = False


class Failover:
    """One at a time."""

    def __init__(self, router: Router):
        self.router = router
        self.state = NONE
        self.target = Target()
        self.deadline_ms = FOREVER_MS
        self.point = -1  # where the stream stands still; -1 while something that may write is under way

    @property
    def active(self) -> bool:
        """Whether the stream has to stand still."""
        return self.state != NONE

    def start(self, target: Target) -> None:
        """Begin. CommandError: there is nobody who could take over."""
        router = self.router
        if self.active:
            raise CommandError("ERR FAILOVER already in progress.")
        if router.upstream is not None:
            raise CommandError("ERR FAILOVER is not valid when server is a replica.")
        if not router.master.replicas:
            raise CommandError("ERR FAILOVER requires connected replicas.")
        if target.force and not (target.timeout_ms and target.host):
            raise CommandError("ERR FAILOVER with force option requires both a timeout and target HOST and IP.")
        if target.host:
            found = [replica for replica in router.master.replicas.values() if self._is_target(replica, target)]
            if not found:
                raise CommandError("ERR FAILOVER target HOST and PORT is not a replica.")
            if found[0].state != "online":
                raise CommandError("ERR FAILOVER target replica is not online.")
        self.state, self.target, self.point = WAITING, target, -1
        self.deadline_ms = router.now + target.timeout_ms if target.timeout_ms else FOREVER_MS
        log.warning("failover: writes wait until %s has all of them", target.host or "a replica")
        router.pause.hold_writes(True)
        set_role(router, b"replica", feeding=True)  # nothing expires now: that would write, too
        self._settle_down()

    def abort(self) -> None:
        """FAILOVER ABORT. CommandError if there is nothing to abort."""
        if not self.active:
            raise CommandError("ERR No failover in progress.")
        self._end("aborted by a client")

    def tick(self, now_ms: int) -> None:
        """Look whether a replica has it all; end what takes too long."""
        if self.state != WAITING:
            return
        if self.point < 0:
            self._settle_down()
        caught_up = self._caught_up()
        if caught_up is not None:
            self._switch(caught_up.ip, caught_up.port)
        elif now_ms >= self.deadline_ms:
            if self.target.force:
                self._switch(self.target.host, self.target.port)
            else:
                self._end("no replica had caught up in time")

    @property
    def settled(self) -> int:
        """Where our stream ends but for what only asked for confirmations."""
        return self.point if self.point >= 0 else self.router.master.feed.offset

    # -- the steps -------------------------------------------------------------------------

    def _settle_down(self) -> None:
        """Ask the shards something behind all that was sent; when it is answered and no operation was
        under way meanwhile, the stream has everything."""
        router = self.router
        feed = router.master.feed

        def under_way() -> bool:
            writing = any(operation.write for operation in router.operations.active.values())
            return bool(writing or router.records.open or not feed.idle)

        def answered(replies: dict[int, bytes | None]) -> None:
            whole = len(replies) == router.shard_count and all(raw is not None for raw in replies.values())
            if self.state == WAITING and self.point < 0 and whole and not under_way():
                self.point = feed.offset
                self.tick(router.now)
                if self.state == WAITING:
                    feed.put(GETACK)  # a replica of Redis's kind answers with the offset before it
                    if len(router.master.replicas) > 1:
                        # The others get the question, too: it belongs to the stream that they go on with.
                        self.point = feed.offset

        if under_way() or not all(link.up for link in router.core.links):
            return

        router.ask_all([b"DBSIZE"], answered)

    def _caught_up(self) -> Replica | None:
        """A replica that has the whole stream: the target, or any."""
        for replica in self.router.master.online if self.point >= 0 else ():
            if replica.acked >= self.point and (not self.target.host or self._is_target(replica, self.target)):
                return replica
        return None

    def _switch(self, host: str, port: int) -> None:
        self.state = SWITCHING
        log.warning("failover: %s:%d is told to take over", host, port)
        self.router.become_replica(host, port, self._answered)

    def _answered(self, ok: bool) -> None:
        if self.state == SWITCHING and ok:
            feed = self.router.master.feed
            feed.backlog.cut(feed.offset - self.settled)  # our master's stream goes on there
            self._end("")
        elif self.state == SWITCHING:
            self._end("the replica did not take over")

    def _end(self, problem: str) -> None:
        router = self.router
        was, self.state = self.state, NONE
        if was == SWITCHING and problem:
            router.keep_mastership()
        elif was == WAITING:
            set_role(router, b"master")
        log.warning("failover: %s", problem or "done")
        router.tell(f"Failover: {problem or 'done'}", kind="failover")
        router.pause.hold_writes(False)

    @staticmethod
    def _is_target(replica: Replica, target: Target) -> bool:
        return (replica.ip, replica.port) == (target.host, target.port)
