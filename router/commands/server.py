"""TIME, LOLWUT, SHUTDOWN, MODULE, READONLY and kin: small commands on the server as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.errors import CommandError, syntax_error
from cluster.numbers import parse_int
from cluster.replies import OK, Verbatim
from router.asking import ask
from router.commands.connection import REDIS_VERSION
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

NO_CLUSTER = "ERR This instance has cluster support disabled"


@handles("TIME")
def time(router: Router, session: Session, args: list[bytes]) -> Any:
    """TIME: [seconds, microseconds]"""
    seconds, ms = divmod(router.now, 1000)
    return [b"%d" % seconds, b"%d" % (ms * 1000)]


@handles("LOLWUT")
def lolwut(router: Router, session: Session, args: list[bytes]) -> Any:
    """LOLWUT [VERSION version]: a flask, and the version."""
    if len(args) > 2 and args[1].upper() == b"VERSION":
        parse_int(args[2])
    picture = "\n".join(("    _____", "    \\   /", "     | |", "    /   \\", "   / ~ ~ \\", "  /_______\\"))
    return Verbatim(f"{picture}\n\nElixirCache, Redis ver. {REDIS_VERSION.decode()}\n".encode())


@handles("SHUTDOWN")
def shutdown(router: Router, session: Session, args: list[bytes]) -> Any:
    """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]: with SAVE every shard writes a snapshot first."""
    words = {raw.upper() for raw in args[1:]}
    if len(words) != len(args) - 1 or words - {b"NOSAVE", b"SAVE", b"NOW", b"FORCE", b"ABORT"}:
        raise syntax_error()
    if {b"NOSAVE", b"SAVE"} <= words or (b"ABORT" in words and len(words) > 1):
        raise syntax_error()
    if b"ABORT" in words:
        raise CommandError("ERR No shutdown in progress.")

    def stop(values: Any = None) -> Any:
        router.report({"shutdown": True})
        return OK

    save = b"SAVE" in words or (
        b"NOSAVE" not in words and not router.config["appendonly"] and bool(router.config.save_points())
    )
    if save:
        return ask(router, session, [b"SHARD.SAVE", b"now"], stop)
    return stop()


@handles("MODULE|LIST")
def module_list(router: Router, session: Session, args: list[bytes]) -> Any:
    """MODULE LIST: there are none."""
    return []


@handles("MODULE|LOAD", "MODULE|LOADEX", "MODULE|UNLOAD")
def module_load(router: Router, session: Session, args: list[bytes]) -> Any:
    """MODULE LOAD and kin: Redis modules are machine code for another server."""
    raise CommandError("ERR MODULE command not allowed: this server takes Python functions (PY.LOAD), not modules")


@handles("ASKING", "READONLY", "READWRITE")
def cluster_client(router: Router, session: Session, args: list[bytes]) -> Any:
    """What clients say to a node of a Redis Cluster, which this is not."""
    raise CommandError(NO_CLUSTER)

