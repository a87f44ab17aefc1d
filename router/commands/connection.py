"""A connection's own commands: PING, ECHO, SELECT, AUTH, HELLO, RESET, QUIT."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import INT64_MAX, INT64_MIN, parse_range
from cluster.replies import OK, PONG, MapReply, Status
from router.commands.transactions import drop
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

REDIS_VERSION = b"7.2.0"
WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled."


@handles("PING")
def ping(router: Router, session: Session, args: list[bytes]) -> Any:
    """PING [message]; a subscriber of RESP2 gets an array."""
    if len(args) > 2:
        raise errors.wrong_arity("ping")
    session.pinged = True
    if session.subscribed and session.resp == 2:
        return [b"pong", args[1] if len(args) > 1 else b""]
    return args[1] if len(args) > 1 else PONG


@handles("ECHO")
def echo(router: Router, session: Session, args: list[bytes]) -> Any:
    """ECHO message"""
    return args[1]


@handles("SELECT")
def select(router: Router, session: Session, args: list[bytes]) -> Any:
    """SELECT index"""
    index = parse_range(args[1], -(1 << 31), (1 << 31) - 1)
    if not 0 <= index < int(router.config["databases"]):
        raise CommandError(errors.DB_RANGE)
    session.db = index
    return OK


def log_in(router: Router, session: Session, user: bytes, password: bytes) -> None:
    """WRONGPASS unless the password is the one of the default user."""
    wanted = str(router.config["requirepass"]).encode()
    if user != b"default" or (wanted and not hmac.compare_digest(wanted, password)):
        raise CommandError(WRONG_PASSWORD)
    session.authenticated = True
    session.settle()


@handles("AUTH")
def auth(router: Router, session: Session, args: list[bytes]) -> Any:
    """AUTH [username] password"""
    if len(args) > 3:
        raise errors.syntax_error()
    if len(args) == 2:
        if not router.config["requirepass"]:
            raise CommandError(
                "ERR AUTH <password> called without any password configured for the default user. "
                "Are you sure your configuration is correct?"
            )
        log_in(router, session, b"default", args[1])
    else:
        log_in(router, session, args[1], args[2])
    return OK


@handles("HELLO")
def hello(router: Router, session: Session, args: list[bytes]) -> Any:
    """HELLO [protover [AUTH username password] [SETNAME clientname]]"""
    return router.tracking.once_told(session, lambda: _hello(router, session, args))


def _hello(router: Router, session: Session, args: list[bytes]) -> MapReply:
    version = session.resp
    at = 2
    if len(args) > 1:
        version = parse_range(args[1], INT64_MIN, INT64_MAX, "ERR Protocol version is not an integer or out of range")
        if version not in (2, 3):
            raise CommandError("NOPROTO unsupported protocol version")
    while at < len(args):  # each is done before the next is read, as in Redis
        word = args[at].upper()
        if word == b"AUTH" and at + 2 < len(args):
            log_in(router, session, args[at + 1], args[at + 2])
            at += 3
        elif word == b"SETNAME" and at + 1 < len(args):
            session.name = valid_name(args[at + 1])
            at += 2
        else:
            shown = args[at].decode("utf-8", "replace")
            raise CommandError(f"ERR Syntax error in HELLO option '{shown}'")
    if not session.authenticated:
        raise CommandError(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH "
            "<user> <pass> option can be used to authenticate the client and select the RESP protocol version at the "
            "same time"
        )
    session.resp = version
    session.settle()
    return MapReply(
        [
            b"server", b"redis",
            b"version", REDIS_VERSION,
            b"proto", version,
            b"id", session.id,
            b"mode", b"standalone",
            b"role", b"replica" if router.replica_of is not None else b"master",
            b"modules", [],
        ]
    )  # fmt: skip


def valid_name(name: bytes) -> bytes:
    """A client's name: no spaces, newlines or special characters."""
    if any(not 33 <= char <= 126 for char in name):
        raise CommandError("ERR Client names cannot contain spaces, newlines or special characters.")
    return name


@handles("RESET")
def reset(router: Router, session: Session, args: list[bytes]) -> Any:
    """RESET: as if the client had just connected."""
    return router.tracking.once_told(session, lambda: _reset(router, session))


def _reset(router: Router, session: Session) -> Status:
    drop(router, session)
    router.pubsub.leave(session)
    router.monitors.discard(session)
    router.settle_paths()
    session.monitor = False
    router.tracking.stop(session)
    session.name = b""
    session.db = 0
    session.resp = 2
    session.reply_mode = "on"
    session.conn.muted = False
    session.authenticated = not router.config["requirepass"]
    session.settle()
    return Status(b"RESET")


@handles("QUIT")
def quit_(router: Router, session: Session, args: list[bytes]) -> Any:
    """QUIT: say OK and close."""
    session.conn.closing = True
    return OK
