"""REPLICAOF, FAILOVER, PSYNC, REPLCONF, ROLE, WAIT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int, try_int
from cluster.replies import OK, Status
from router.failover import Target
from router.inline import split_quoted
from router.registry import LATER, handles
from router.replication.replica import FUNCTIONS, NOTHING

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


@handles("REPLICAOF", "SLAVEOF")
def replicaof(router: Router, session: Session, args: list[bytes]) -> Any:
    """REPLICAOF host port | NO ONE"""
    if router.failover.active:
        raise CommandError("ERR REPLICAOF not allowed while failing over.")
    if args[1].upper() == b"NO" and args[2].upper() == b"ONE":
        return _no_one(router, session)
    try:
        port = int(args[2])
    except ValueError:
        raise CommandError("ERR Invalid master port") from None
    if not 0 < port < 65536:
        raise CommandError("ERR Invalid master port")
    host = args[1].decode("utf-8", "replace")
    if router.replica_of == (host, port):
        return Status(b"OK Already connected to specified master")
    router.become_replica(host, port)
    return OK


def _no_one(router: Router, session: Session) -> Any:
    """Our siblings may go by how much we have received: what waits to be executed is executed before we are a master."""
    upstream = router.upstream
    if upstream is None:
        return OK
    place = session.reserve()
    session.pause()

    def finished() -> None:
        if router.upstream is upstream:
            router.become_master()
        session.fulfil(place, OK)
        session.resume()

    upstream.finish(finished)
    return LATER


@handles("FAILOVER")
def failover(router: Router, session: Session, args: list[bytes]) -> Any:
    """FAILOVER [TO host port [FORCE]] [TIMEOUT milliseconds] | ABORT"""
    if len(args) == 2 and args[1].upper() == b"ABORT":
        router.failover.abort()
        return OK
    host, port, timeout_ms, force = "", 0, 0, False
    at = 1
    while at < len(args):
        word, left = args[at].upper(), len(args) - at - 1
        if word == b"TIMEOUT" and left >= 1 and not timeout_ms:
            timeout_ms = _number(args[at + 1])
            if timeout_ms <= 0:
                raise CommandError("ERR FAILOVER timeout must be greater than 0")
            at += 2
        elif word == b"TO" and left >= 2 and not host:
            host, port = args[at + 1].decode("utf-8", "replace"), _number(args[at + 2])
            at += 3
        elif word == b"FORCE" and not force:
            force = True
            at += 1
        else:
            raise errors.syntax_error()
    router.failover.start(Target(host, port, timeout_ms, force))
    return OK


@handles("REPLCONF")
def replconf(router: Router, session: Session, args: list[bytes]) -> Any:
    """REPLCONF option value [option value ...]"""
    if len(args) % 2 == 0:
        raise errors.syntax_error()
    acknowledged = False
    for at in range(1, len(args), 2):
        option, value = args[at].lower(), args[at + 1]
        if option == b"listening-port":
            port = _number(value)
            router.master.greet(session)
            router.master.replica(session).port = port
            router.tell(f"Slave -> Master: REPLCONF listening-port {port}", kind="handshake", port=port)
            router.tell("Master -> Slave: OK", kind="handshake")
        elif option == b"ip-address":
            router.master.replica(session).ip = value.decode("utf-8", "replace")
        elif option in (b"ack", b"fack"):
            acknowledged = True
            router.master.ack(session, _number(value), option == b"fack")
        elif option == b"getack":
            if session.upstream is not None:
                session.upstream.acknowledge_soon()
            return LATER
        elif option == b"capa" and value.lower() == b"psync2":
            router.tell("Slave -> Master: REPLCONF capa psync2", kind="handshake")
            router.tell("Master -> Slave: OK", kind="handshake")
        elif option == b"rdb-only":
            router.master.replica(session).rdb_only = _number(value) == 1
        elif option == b"rdb-filter-only":
            router.master.replica(session).only = _filter(value)
        elif option not in (b"capa", b"version"):
            shown = args[at].decode("utf-8", "replace")
            raise CommandError(f"ERR Unrecognized REPLCONF option: {shown}")
    return LATER if acknowledged else OK


def _filter(value: bytes) -> bytes:
    """What `rdb-filter-only` leaves in a snapshot: nothing but what it names."""
    words = split_quoted(value)
    if words is None:
        raise CommandError("ERR Missing rdb-filter-only values")
    for word in words:
        if word.lower() != FUNCTIONS:
            raise CommandError(f"ERR Unsupported rdb-filter-only option: {word.decode('utf-8', 'replace')}")
    return FUNCTIONS if words else NOTHING


def _number(value: bytes) -> int:
    return int(parse_int(value))


@handles("PSYNC")
def psync(router: Router, session: Session, args: list[bytes]) -> Any:
    """PSYNC replicationid offset [FAILOVER]: with FAILOVER our master hands its role to us."""
    if len(args) > 3 and args[3].upper() == b"FAILOVER":
        if router.upstream is None:
            raise CommandError("ERR PSYNC FAILOVER can't be sent to a master.")
        if args[1].decode("latin-1") != router.master.feed.replid:
            raise CommandError("ERR PSYNC FAILOVER replid must match my replid.")
        router.become_master()
    if router.upstream is not None and router.upstream.state != "connected":
        raise CommandError("NOMASTERLINK Can't SYNC while not connected with my master")
    router.master.psync(session, args[1].decode("latin-1"), _number(args[2]))
    return LATER


@handles("SYNC")
def sync(router: Router, session: Session, args: list[bytes]) -> Any:
    """SYNC: the snapshot and then the stream, in the form before PSYNC."""
    session.old_sync = True
    return psync(router, session, [b"PSYNC", b"?", b"-1"])


@handles("ROLE")
def role(router: Router, session: Session, args: list[bytes]) -> Any:
    """ROLE: [master, offset, replicas] or [slave, host, port, state, offset]; the offset is -1 without a link."""
    if router.replica_of is not None and router.upstream is None:  # it still loads
        host, port = router.replica_of
        return [b"slave", host.encode(), port, b"connect", -1]
    if router.upstream is not None:
        up = router.upstream
        return [b"slave", up.host.encode(), up.port, up.state.encode(), up.offset if up.state == "connected" else -1]
    master = router.master
    replicas = [
        [replica.ip.encode(), b"%d" % replica.port, b"%d" % replica.offset] for replica in master.online
    ]
    return [b"master", master.feed.offset, replicas]


@handles("WAIT")
def wait(router: Router, session: Session, args: list[bytes]) -> Any:
    """WAIT numreplicas timeout: how many replicas have confirmed this client's writes."""
    if router.upstream is not None:
        raise CommandError(
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured "
            "to be writable (which is not the default) writes to replicas are just local and are not propagated."
        )
    wanted = _number(args[1])
    timeout_ms = try_int(args[2])
    if timeout_ms is None:
        raise CommandError("ERR timeout is not an integer or out of range")
    if timeout_ms < 0:
        raise CommandError("ERR timeout is negative")
    if session.multi is not None:
        return router.master.confirmed(router.master.feed.offset)

    unanswered = session.conn.pending
    place = session.reserve()
    session.pause()

    def done(count: int | CommandError) -> None:
        session.blocked = None
        session.fulfil(place, count)
        session.resume()

    def begin(replies: dict[int, bytes | None]) -> None:
        if not session.conn.closed:
            router.master.wait(session, wanted, timeout_ms, done)

    if unanswered:
        # What this client sent in the same breath is in the stream once its shards have answered it:
        # links are first in, first out, so an answer to this question comes after that.
        router.ask_all([b"DBSIZE"], begin)
    else:
        begin({})
    return LATER


@handles("WAITAOF")
def waitaof(router: Router, session: Session, args: list[bytes]) -> Any:
    """WAITAOF numlocal numreplicas timeout: [1 if our journal is on disk, replicas that say so of theirs]."""
    if router.upstream is not None:
        raise CommandError("ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas "
                           "are just local and are not propagated.")
    local, wanted, timeout_ms = (_number(raw) for raw in args[1:])
    if not 0 <= local <= 1:
        raise CommandError("ERR value is out of range, must be between 0 and 1")
    if timeout_ms < 0:
        raise CommandError("ERR timeout is negative")
    journalled = bool(router.config["appendonly"])
    if local and not journalled:
        raise CommandError("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
    for shard in range(router.shard_count):
        router.require(shard)
    place = session.reserve()
    session.pause()

    def synced(replies: dict[int, bytes | None]) -> None:
        safe = int(journalled and all(raw == b"+OK\r\n" for raw in replies.values()))

        def done(count: int | CommandError) -> None:
            session.blocked = None
            session.fulfil(place, count if isinstance(count, CommandError) else [safe, count])
            session.resume()

        if not session.conn.closed:
            router.master.wait(session, wanted, timeout_ms, done, True)

    if journalled:
        router.ask_all([b"SHARD.DEBUG", b"FSYNC"], synced)
    else:
        synced({})
    return LATER
