"""What MONITOR clients see: a line for each command, as Redis prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.replies import Status
from router.secrets import redacted

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

_ESCAPES = {10: b"\\n", 13: b"\\r", 9: b"\\t", 7: b"\\a", 8: b"\\b", 34: b'\\"', 92: b"\\\\"}


def shown(raw: bytes) -> bytes:
    """An argument in double quotes, with everything that is not printable escaped."""
    return b'"' + b"".join(_ESCAPES.get(c) or (bytes((c,)) if 32 <= c < 127 else b"\\x%02x" % c) for c in raw) + b'"'


def feed(router: Router, session: Session, args: list[bytes]) -> None:
    """Show a command to all monitors; passwords are not shown."""
    seconds, ms = divmod(router.now, 1000)
    head = b"%d.%06d [%d %s] " % (seconds, ms * 1000, session.db, session.addr.encode())
    line = Status(head + b" ".join(shown(raw) for raw in redacted(args)))
    for monitor in router.monitors:
        monitor.push(line)
