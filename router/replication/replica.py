"""What a master knows of a replica, of the snapshot that is made for some of them, and of who waits for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster import errors
from cluster.errors import CommandError
from router.replication.progress import Shares, Spoken

if TYPE_CHECKING:
    from router.replication.master import Master
    from router.session import Session

EVERYTHING, FUNCTIONS, NOTHING = b"", b"functions", b"nothing"  # what a snapshot has


@dataclass(eq=False)
class Replica:
    """A client that is a replica. acked, on_disk: the offsets that it has confirmed, -1 before it has confirmed any.

    only: what its snapshot has, EVERYTHING or some of it. rdb_only: it does not want the stream."""

    session: Session
    state: str = "handshake"
    port: int = 0
    ip: str = ""
    only: bytes = EVERYTHING
    rdb_only: bool = False
    acked: int = -1
    on_disk: int = -1
    heard_ms: int = 0
    taken: int = 0  # bytes of output, when that was last looked at
    kept: list[bytes] = field(default_factory=list)
    kept_size: int = 0

    @property
    def name(self) -> str:
        """Its address in the log; what is no server, as redis-cli, has no port of its own."""
        return f"{self.ip}:{self.port}" if self.port else self.session.addr

    @property
    def offset(self) -> int:
        """What INFO and ROLE show."""
        return max(self.acked, 0)

    def silent_ms(self, now_ms: int) -> int:
        """For how long there has been no sign of life: a word, or, while its snapshot goes out, that it takes some of it (what
        goes out later may lie in the buffers of a link that is dead). None is expected while it waits for us, nor of who
        uses SYNC and so never says how far it is."""
        conn = self.session.conn
        if self.state == "sending" and conn.bytes_out != self.taken:
            self.taken, self.heard_ms = conn.bytes_out, now_ms
        if self.state not in ("sending", "online") or (self.state == "online" and self.session.old_sync):
            return 0
        return now_ms - max(self.heard_ms, self.session.last_ms)


@dataclass
class Waiter:
    """A client in WAIT. done: with how many have confirmed, or with the error that ends it."""

    master: Master
    offset: int
    wanted: int
    deadline_ms: int
    done: Callable[[int | CommandError], None]
    on_disk: bool = False

    @property
    def count(self) -> int:
        """How many replicas have confirmed; -1: where the stream must stand is not known yet."""
        return self.master.confirmed(self.offset, self.on_disk) if self.offset >= 0 else -1

    def unblock(self, error: bool) -> None:
        """CLIENT UNBLOCK."""
        self.left()
        self.done(CommandError(errors.UNBLOCKED) if error else max(self.count, 0))

    def left(self) -> None:
        """The client is gone."""
        self.master.waiters.remove(self)


class Snapshot:
    """One full synchronisation's snapshot: a file for each shard, then one RDB file of them. only: what it has."""

    def __init__(self, token: bytes, paths: list[str], only: bytes, now_ms: int):
        self.spoken = Spoken(now_ms)
        self.token = token
        self.paths = paths
        self.only = only
        self.missing = set(range(len(paths)))
        self.written = Shares(len(paths))
        self.failed = False
        self.offset = -1
        self.replid = ""
        self.first = False  # the shards did not feed us before it


def lag_s(replica: Replica, now_ms: int) -> int:
    """Seconds since a replica was heard."""
    return max(0, (now_ms - replica.heard_ms) // 1000)
