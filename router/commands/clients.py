"""CLIENT: connections listed, named, killed, paused. (Tracking and unblocking are elsewhere.)"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cluster import frames
from cluster.errors import CommandError, subcommand_syntax, syntax_error
from cluster.replies import OK, Verbatim
from router.commands.connection import valid_name
from router.registry import LATER, handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

TYPES = (b"normal", b"master", b"replica", b"slave", b"pubsub")
NO_SUCH_CLIENT = "ERR No such client"


def client_type(session: Session) -> bytes:
    """normal, master (of us, a replica), replica, pubsub."""
    if session.upstream is not None:
        return b"master"
    if session.replica is not None:
        return b"replica"
    return b"pubsub" if session.subscribed else b"normal"


def flags(session: Session) -> str:
    """The letters of CLIENT LIST."""
    letters = ""
    if session.replica is not None:
        letters += "S"
    if session.upstream is not None:
        letters += "M"
    if session.monitor:
        letters += "O"
    if session.subscribed:
        letters += "P"
    if session.multi is not None:
        letters += "x"
    if session.blocked is not None:
        letters += "b"
    if session.tracking is not None:
        letters += "t"
    if session.conn.closing:
        letters += "c"
    if session.addr.endswith(":0"):
        letters += "U"
    if "no-evict" in session.flags:
        letters += "e"
    if session.conn.flags & frames.NO_TOUCH:
        letters += "T"
    return letters or "N"


def line(router: Router, session: Session) -> bytes:
    """One client as CLIENT LIST and CLIENT INFO show it."""
    conn = session.conn
    redirect = getattr(session.tracking, "redirect", 0) or (-1 if session.tracking is None else 0)
    fields: list[tuple[str, Any]] = [
        ("id", session.id),
        ("addr", session.addr),
        ("laddr", session.laddr),
        ("fd", conn.fd),
        ("name", session.name.decode("utf-8", "replace")),
        ("age", max(0, router.now - session.created_ms) // 1000),
        ("idle", max(0, router.now - session.last_ms) // 1000),
        ("flags", flags(session)),
        ("db", session.db),
        ("sub", len(session.channels)),
        ("psub", len(session.patterns)),
        ("ssub", len(session.shard_channels)),
        ("multi", -1 if session.multi is None else len(session.multi)),
        ("qbuf", conn.in_size),
        ("qbuf-free", 0),
        ("argv-mem", 0),
        ("multi-mem", 0 if session.multi is None else session.multi.size),
        ("rbs", conn.out_size),
        ("rbp", conn.out_size),
        ("obl", conn.out_size),
        ("oll", 0),
        ("omem", conn.out_size),
        ("tot-mem", conn.in_size + conn.out_size),
        ("events", "r" if conn.out_size == 0 else "rw"),
        ("cmd", session.last_command.lower() or "NULL"),
        ("user", session.user),
        ("redir", redirect),
        ("resp", session.resp),
        ("lib-name", session.lib_name.decode("utf-8", "replace")),
        ("lib-ver", session.lib_ver.decode("utf-8", "replace")),
    ]
    return " ".join(f"{name}={value}" for name, value in fields).encode()


def ordered(router: Router) -> list[Session]:
    """All clients, and a replica's link to its master; the oldest first."""
    clients = dict(router.clients)
    up = router.upstream
    if up is not None and up.state == "connected" and up.session is not None:
        clients[up.session.id] = up.session
    return [clients[number] for number in sorted(clients)]


@handles("CLIENT|ID")
def client_id(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT ID"""
    return session.id


@handles("CLIENT|INFO")
def client_info(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT INFO"""
    return Verbatim(line(router, session) + b"\n")


def _ids(words: list[bytes]) -> set[int]:
    if not words or not all(re.fullmatch(rb"[1-9]\d{0,18}", word) for word in words):
        raise CommandError("ERR Invalid client ID")
    return {int(word) for word in words}


def _type(word: bytes) -> bytes:
    kind = word.lower()
    if kind not in TYPES:
        raise CommandError(f"ERR Unknown client type '{word.decode('utf-8', 'replace')}'")
    return b"replica" if kind == b"slave" else kind


@handles("CLIENT|LIST")
def client_list(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT LIST [TYPE type] [ID id ...]"""
    clients = ordered(router)
    if len(args) > 2:
        word = args[2].upper()
        if word == b"TYPE" and len(args) == 4:
            kind = _type(args[3])
            clients = [client for client in clients if client_type(client) == kind]
        elif word == b"ID" and len(args) > 3:
            ids = _ids(args[3:])
            clients = [client for client in clients if client.id in ids]
        else:
            raise syntax_error()
    return Verbatim(b"".join(line(router, client) + b"\n" for client in clients))


@handles("CLIENT|SETNAME")
def setname(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT SETNAME name"""
    session.name = valid_name(args[2])
    return OK


@handles("CLIENT|GETNAME")
def getname(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT GETNAME"""
    return session.name or None


@handles("CLIENT|SETINFO")
def setinfo(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT SETINFO LIB-NAME name | LIB-VER version"""
    attribute = {b"LIB-NAME": "lib_name", b"LIB-VER": "lib_ver"}.get(args[2].upper())
    if attribute is None:
        raise CommandError(f"ERR Unrecognized option '{args[2].decode('utf-8', 'replace')}'")
    if any(not 33 <= char <= 126 for char in args[3]):
        raise CommandError(f"ERR {args[2].decode().lower()} cannot contain spaces, newlines or special characters.")
    setattr(session, attribute, args[3])
    return OK


Test = Callable[["Session"], bool]


def _filters(args: list[bytes]) -> tuple[list[Test], bool]:
    """The tests of CLIENT KILL's options, and whether the caller itself is spared."""
    tests: list[Test] = []
    skip_me = True
    for name, value in zip(args[::2], args[1::2], strict=False):  # the first that is wrong is told of
        word = name.upper()
        text = value.decode("utf-8", "replace")
        if word == b"ID":
            if not re.fullmatch(rb"[1-9]\d{0,18}", value):
                raise CommandError("ERR client-id should be greater than 0")
            tests.append(lambda client, number=int(value): client.id == number)
        elif word == b"TYPE":
            tests.append(lambda client, kind=_type(value): client_type(client) == kind)
        elif word == b"ADDR":
            tests.append(lambda client, text=text: client.addr == text)
        elif word == b"LADDR":
            tests.append(lambda client, text=text: client.laddr == text)
        elif word == b"USER":
            if text != "default":
                raise CommandError(f"ERR No such user '{text}'")
            tests.append(lambda client: client.user == "default")
        elif word == b"MAXAGE":
            if not re.fullmatch(rb"[1-9]\d{0,17}", value):
                raise CommandError("ERR maxage is not an integer or out of range")
            tests.append(lambda client, age=int(value): client.router.now - client.created_ms >= age * 1000)
        elif word == b"SKIPME" and value.lower() in (b"yes", b"no"):
            skip_me = value.lower() == b"yes"
        else:
            raise syntax_error()
    if len(args) % 2:
        raise syntax_error()
    return tests, skip_me


@handles("CLIENT|KILL")
def kill(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT KILL addr | [ID id] [TYPE type] [USER name] [ADDR addr] [LADDR addr] [SKIPME yes|no] [MAXAGE s]"""
    if len(args) == 3:
        address = args[2].decode("utf-8", "replace")
        chosen = [client for client in ordered(router) if client.addr == address]
        if not chosen:
            raise CommandError(NO_SUCH_CLIENT)
    else:
        tests, skip_me = _filters(args[2:])
        chosen = [
            client
            for client in ordered(router)
            if all(test(client) for test in tests) and not (skip_me and client is session)
        ]
    for client in chosen:
        if client is session:
            session.conn.closing = True
        elif client.upstream is not None:
            client.upstream.cut("killed by a client")
        else:
            router.close(client.conn, "killed by another client")
    return OK if len(args) == 3 else len(chosen)


@handles("CLIENT|PAUSE")
def pause(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT PAUSE milliseconds [WRITE | ALL]"""
    everything = True
    if len(args) > 4:
        raise subcommand_syntax(args)
    if len(args) == 4:
        mode = args[3].upper()
        if mode not in (b"WRITE", b"ALL"):
            raise CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL")
        everything = mode == b"ALL"
    if not re.fullmatch(rb"-?\d{1,19}", args[2]):
        raise CommandError("ERR timeout is not an integer or out of range")
    if int(args[2]) < 0:
        raise CommandError("ERR timeout is negative")
    router.pause.start(router.now + int(args[2]), everything)
    return OK


@handles("CLIENT|UNPAUSE")
def unpause(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT UNPAUSE"""
    router.pause.end()
    return OK


@handles("CLIENT|REPLY")
def reply(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT REPLY ON | OFF | SKIP. Replies that are still owed are sent (or dropped) under the old mode."""
    mode = args[2].lower().decode("utf-8", "replace")
    if mode not in ("on", "off", "skip"):
        raise syntax_error()
    if mode == "skip" and session.conn.muted:
        return LATER

    def switch() -> None:
        session.reply_mode = mode
        session.conn.muted = mode == "off"
        session.settle()
        if mode == "on":
            session.reply(OK)

    router.when_drained(session, switch)
    return LATER


def _on_off(raw: bytes) -> bool:
    word = raw.lower()
    if word not in (b"on", b"off"):
        raise syntax_error()
    return word == b"on"


@handles("CLIENT|NO-EVICT")
def no_evict(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT NO-EVICT ON | OFF. Clients are never evicted for memory here; the flag is shown."""
    if _on_off(args[2]):
        session.flags.add("no-evict")
    else:
        session.flags.discard("no-evict")
    return OK


@handles("CLIENT|NO-TOUCH")
def no_touch(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT NO-TOUCH ON | OFF: this client's reads do not count as accesses."""
    if _on_off(args[2]):
        session.conn.flags |= frames.NO_TOUCH
    else:
        session.conn.flags &= ~frames.NO_TOUCH
    return OK


@handles("MONITOR")
def monitor(router: Router, session: Session, args: list[bytes]) -> Any:
    """MONITOR"""
    if session.multi is not None:
        raise CommandError("ERR MONITOR isn't allowed in DENY BLOCKING client")
    router.monitors.add(session)
    session.monitor = True
    session.settle()
    router.settle_paths()
    return OK


@handles("CLIENT|UNBLOCK")
def unblock(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT UNBLOCK id [TIMEOUT | ERROR]: 1 if the client was blocked."""
    if len(args) > 4:
        raise subcommand_syntax(args)
    reason = args[3].upper() if len(args) == 4 else b"TIMEOUT"
    if reason not in (b"TIMEOUT", b"ERROR"):
        raise CommandError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    if not re.fullmatch(rb"-?\d{1,18}", args[2]):
        raise CommandError("ERR value is not an integer or out of range")
    client = router.clients.get(int(args[2]))
    return int(client is not None and router.blocking.unblock(client, reason == b"ERROR"))
