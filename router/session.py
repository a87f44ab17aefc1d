"""A client's state at the router, and where its replies go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.replies import PushReply, Status
from cluster.wire import encoded

if TYPE_CHECKING:
    from router.queued import Queue
    from router.router import Router


class Session:
    """One client: RESP over a socket, or JSON over a WebSocket (its `conn` has no descriptor).

    addr, laddr: "host:port" texts or a socket path. subscriptions: channels, patterns and shard channels.
    """

    def __init__(self, router: Router, conn: Any, addr: str = "", laddr: str = "", local: bool = True):
        self.router = router
        self.conn = conn
        self.id: int = conn.id
        self.addr = addr
        self.laddr = laddr
        self.local = local
        self.name = b""
        self.lib_name = b""
        self.lib_ver = b""
        self.user = "default"
        self.authenticated = False
        self.created_ms: int = router.now
        self.flags: set[str] = set()
        self.channels: set[bytes] = set()
        self.patterns: set[bytes] = set()
        self.shard_channels: set[bytes] = set()
        self.monitor = False
        self.tracking: Any = None
        self.replica: Any = None
        self.left_for = ""  # why the connection was closed
        self.upstream: Any = None  # set on the inner connection that carries our master's stream
        self.old_sync = False
        self.blocked: Any = None
        self.reply_mode = "on"
        self.last_command = ""
        self.pinged = False  # a replica's handshake begins with PING, when it cannot be known for a replica yet
        conn.session = self

    @property
    def multi(self) -> Queue | None:
        """The queued commands of a transaction, None outside MULTI."""
        queue: Queue | None = self.conn.queue
        return queue

    @multi.setter
    def multi(self, queue: Queue | None) -> None:
        self.conn.queue = queue

    @property
    def multi_failed(self) -> bool:
        """Whether a command could not be queued: EXEC will refuse."""
        return self.multi is not None and bool(self.multi.failed)

    @property
    def resp(self) -> int:
        """Protocol version, 2 or 3."""
        return 3 if self.conn.flags & 1 else 2

    @resp.setter
    def resp(self, version: int) -> None:
        self.conn.flags = (self.conn.flags & ~1) | (1 if version == 3 else 0)

    @property
    def db(self) -> int:
        """The selected database."""
        return int(self.conn.db)

    @db.setter
    def db(self, index: int) -> None:
        self.conn.db = index

    @property
    def last_ms(self) -> int:
        """When the client was last heard, unix ms."""
        return int(self.conn.last_ms) or self.created_ms

    @property
    def subscribed(self) -> int:
        """How many channels, patterns and shard channels the client listens to."""
        return len(self.channels) + len(self.patterns) + len(self.shard_channels)

    def settle(self) -> None:
        """Say whether the client's single-key commands may take the fast path now."""
        self.conn.trusted = self.authenticated
        self.conn.local = self.local
        ordinary = (
            self.authenticated
            and not self.monitor
            and self.reply_mode == "on"
            and (self.tracking is None or not (self.tracking.optin or self.tracking.optout))
            and not (self.subscribed and self.resp == 2)
        )
        self.conn.fast = ordinary and self.multi is None
        self.conn.queueing = ordinary and self.multi is not None

    def reply(self, value: Any) -> None:
        """Answer the command at hand."""
        self.router.core.reply(self.conn, value)

    def reserve(self) -> int:
        """Take the next place among this client's replies, for `fulfil`."""
        return int(self.router.core.reserve(self.conn))

    def fulfil(self, place: int, value: Any) -> None:
        """Give the reply (a Python value) for a reserved place."""
        self.fulfil_raw(place, encoded(value, self.resp))

    def fulfil_raw(self, place: int, raw: bytes) -> None:
        """Give the reply, already RESP, for a reserved place."""
        self.router.core.fulfil(self.conn, place, raw)
        self.router.kick()

    def pause(self) -> None:
        """Read nothing more from this client until `resume`."""
        self.conn.paused = True

    def resume(self) -> None:
        """Go on with what the client has sent meanwhile."""
        self.router.core.resume(self.conn)
        self.router.kick()

    def push(self, value: Any) -> None:
        """Send something that is no reply (a message, an invalidation)."""
        self.router.core.push(self.conn, encoded(value, self.resp))
        self.router.kick()

    def push_raw(self, raw: bytes) -> None:
        """The same, already RESP."""
        self.router.core.push(self.conn, raw)
        self.router.kick()

    def confirm(self, parts: list[Any]) -> None:
        """Answer one channel of SUBSCRIBE and its kin: a push that keeps its place among the
        replies."""
        self.reply(PushReply(parts))

    def output_ready(self) -> None:
        """There is output for a connection without a descriptor; its shell overrides this."""

    def close_after_reply(self) -> None:
        """Close once what is owed has been sent."""
        self.conn.closing = True
        self.reply_pending()

    def reply_pending(self) -> None:
        """Make sure that the shell looks at this connection."""
        self.router.core.push(self.conn, b"")
        self.router.kick()

    def queued(self) -> None:
        """Answer a command that was put into the transaction's queue."""
        self.reply(Status(b"QUEUED"))
