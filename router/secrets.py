"""Commands as MONITOR and the slow log may show them: without passwords."""

from __future__ import annotations

REDACTED = b"(redacted)"
SENSITIVE = {b"requirepass", b"masterauth", b"masteruser"}


def redacted(args: list[bytes]) -> list[bytes]:
    """The same arguments where no secret is among them, else a copy without it, as Redis shows it."""
    name = args[0].upper()
    hidden: list[int] = []
    if name == b"AUTH":
        hidden = list(range(1, len(args)))
    elif name in (b"HELLO", b"MIGRATE"):
        for at, word in enumerate(args):
            if word.upper() == b"AUTH2" or (word.upper() == b"AUTH" and name == b"HELLO"):
                hidden += [at + 1, at + 2]
            elif word.upper() == b"AUTH":
                hidden.append(at + 1)
    elif name == b"CONFIG" and len(args) > 3 and args[1].upper() == b"SET":
        hidden = [at + 1 for at in range(2, len(args) - 1, 2) if args[at].lower() in SENSITIVE]
    elif name == b"ACL" and len(args) > 2 and args[1].upper() == b"SETUSER":
        hidden = list(range(2, len(args)))
    if not hidden:
        return args
    return [REDACTED if at in hidden else word for at, word in enumerate(args)]
