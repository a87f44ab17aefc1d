"""DEBUG: the subcommands that test-suites use. Who may: enable-debug-command."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.command_table import TABLE
from cluster.errors import CommandError, subcommand_syntax, syntax_error
from cluster.numbers import try_double
from cluster.replies import OK, Raw, Status
from cluster.wire import command as encode
from router.asking import ask
from router.help_texts import HELP
from router.registry import LATER, handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

log = logging.getLogger("elixircache.router")
NOT_ALLOWED = (
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local "
    "connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
ALL_SHARDS = {b"SET-ACTIVE-EXPIRE", b"JMAP", b"QUICKLIST-PACKED-THRESHOLD"}


def _object(router: Router, session: Session, key: bytes) -> Any:
    """DEBUG OBJECT key: asked of the key's shard."""
    shard = router.core.shard_of(key)
    router.require(shard)
    place = session.reserve()

    def done(raw: bytes | None) -> None:
        if raw is None:
            session.fulfil(place, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
        else:
            session.fulfil(place, Raw(raw))

    row = TABLE["SHARD.DEBUG"]
    router.core.submit(shard, row.id, session.db, 0, 0, encode(b"SHARD.DEBUG", b"OBJECT", key), done)
    return LATER


@handles("DEBUG")
def debug(router: Router, session: Session, args: list[bytes]) -> Any:
    """DEBUG subcommand [argument ...]"""
    allowed = router.config["enable-debug-command"]
    if not (allowed == "yes" or (allowed == "local" and session.local)):
        raise CommandError(NOT_ALLOWED)
    word = args[1].upper()
    if word == b"HELP":
        return [Status(line.encode()) for line in HELP["DEBUG"].splitlines()]
    if word == b"OBJECT" and len(args) in (3, 4):
        return _object(router, session, args[2])
    if word == b"SLEEP" and len(args) == 3:
        return _sleep(router, session, args[2])
    if word == b"RELOAD":
        return _reload(router, session)
    if word == b"ERROR" and len(args) == 3:
        raise CommandError(args[2].decode("utf-8", "replace").replace("\r", " ").replace("\n", " "))
    if word == b"LOG" and len(args) == 3:
        log.warning("DEBUG LOG: %s", args[2].decode("utf-8", "replace"))
        return OK
    if word in ALL_SHARDS:
        return ask(router, session, [b"SHARD.DEBUG", *args[1:]], lambda values: OK)
    raise subcommand_syntax(args)


def _sleep(router: Router, session: Session, raw: bytes) -> Any:
    """DEBUG SLEEP seconds: no shard does anything for so long, and none is killed for it."""
    seconds = try_double(raw)
    if seconds is None or not 0 <= seconds < 1e6:
        raise syntax_error()
    router.excused_ms = router.now + int(seconds * 1000)
    return ask(router, session, [b"SHARD.DEBUG", b"SLEEP", raw, b"%d" % session.id], lambda values: OK)


def _reload(router: Router, session: Session) -> Any:
    """DEBUG RELOAD: every shard writes its snapshot and takes its keys from it again."""
    return ask(router, session, [b"SHARD.DEBUG", b"RELOAD"], lambda values: OK)
