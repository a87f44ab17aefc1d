"""What replication allows clients to do now: write (is it a replica? are enough replicas near?), read stale data.

The fast path asks nothing of this: two flags of the core send what may be refused to `Router.gate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster import errors
from cluster.command_table.model import Command, F
from router.replication.replica import lag_s
from router.replication.roles import set_role

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


def writes(session: Session, row: Command) -> bool:
    """Whether a command writes; an EXEC does if one of its queue does."""
    if row.name == "EXEC" and session.multi is not None:
        return any(queued.flags & F.WRITE for queued, _ in session.multi)
    return bool(row.flags & F.WRITE)


class Gates:
    """filling: a master's snapshot is not loaded everywhere. readonly: a replica that takes no writes.
    short: a master with too few good replicas.
    stale: a replica without its master that shall not answer from old data."""

    def __init__(self, router: Router):
        self.router = router
        self.filling = self.readonly = self.short = self.stale = False
        self.link = ""
        names = ("replica-read-only", "replica-serve-stale-data", "min-replicas-to-write", "min-replicas-max-lag")
        router.config.on_change(lambda name, value: self.settle(), *names)

    @property
    def closed_to_writes(self) -> bool:
        """Whether writes are looked at one by one now."""
        return self.filling or self.readonly or self.short

    @property
    def refusal(self) -> str:
        """What a write is answered with now; empty when it is welcome."""
        if self.readonly:
            return errors.READONLY
        if self.filling:
            return errors.LOADING
        return errors.NO_REPLICAS if self.short else ""

    def good_replicas(self) -> int:
        """How many replicas were heard within min-replicas-max-lag."""
        router = self.router
        lag_max_s = int(router.config["min-replicas-max-lag"])
        return sum(1 for replica in router.master.online if lag_s(replica, router.now) <= lag_max_s)

    def settle(self) -> None:
        """Look anew at role, link, replicas and configuration."""
        config, upstream = self.router.config, self.router.upstream
        wanted = int(config["min-replicas-to-write"])
        if not int(config["min-replicas-max-lag"]):
            wanted = 0  # either of the two at 0 switches this off, as in Redis
        before = (self.filling, self.readonly, self.short, self.stale)
        self.filling = self.router.fill.pending
        self.readonly = upstream is not None and bool(config["replica-read-only"])
        self.short = upstream is None and wanted > 0 and self.good_replicas() < wanted
        self.stale = upstream is not None and upstream.state != "connected" and not config["replica-serve-stale-data"]
        if before != (self.filling, self.readonly, self.short, self.stale):
            self.router.settle_paths()
            set_role(self.router, b"master" if upstream is None else b"replica")  # scripts write at the shards

    def tick(self) -> None:
        """Replicas come, go and fall silent; links break, which the supervisor is told."""
        upstream = self.router.upstream
        link = "" if upstream is None else upstream.state
        if link != self.link:
            self.link = link
            self.router.report({"link": link})
        if self.router.upstream is not None or self.short or self.router.config["min-replicas-to-write"]:
            self.settle()
