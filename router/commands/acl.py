"""ACL, as far as there is one user: `default`, with all rights and requirepass as its password."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.command_table import TABLE
from cluster.command_table.model import F
from cluster.errors import CommandError
from cluster.numbers import try_int
from cluster.replies import OK, MapReply, SetReply
from router.commands.introspection import CATEGORIES, SHOWN
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


def _hash(router: Router) -> bytes:
    return hashlib.sha256(str(router.config["requirepass"]).encode()).hexdigest().encode()


@handles("ACL|WHOAMI")
def whoami(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL WHOAMI"""
    return session.user.encode()


@handles("ACL|USERS")
def users(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL USERS"""
    return [b"default"]


@handles("ACL|LIST")
def list_(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL LIST"""
    password = b"#" + _hash(router) if router.config["requirepass"] else b"nopass"
    return [b"user default on " + password + b" ~* &* +@all"]


@handles("ACL|GETUSER")
def getuser(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL GETUSER name"""
    if args[2] != b"default":
        return None
    locked = bool(router.config["requirepass"])
    return MapReply(
        [
            b"flags", SetReply([b"on"] if locked else [b"on", b"nopass"]),
            b"passwords", [_hash(router)] if locked else [],
            b"commands", b"+@all",
            b"keys", b"~*",
            b"channels", b"&*",
            b"selectors", [],
        ]
    )  # fmt: skip


@handles("ACL|CAT")
def cat(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL CAT [category]"""
    if len(args) == 2:
        return [name.encode() for name in CATEGORIES]
    if len(args) > 3:
        raise errors.wrong_arity("acl|cat")
    name = args[2].decode("utf-8", "replace").lower()
    if name not in CATEGORIES:
        raise CommandError(f"ERR Unknown category '{args[2].decode('utf-8', 'replace')}'")
    return [row.name.lower().encode() for row in SHOWN if name in row.categories]


@handles("ACL|GENPASS")
def genpass(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL GENPASS [bits]"""
    bits = 256
    if len(args) > 3:
        raise errors.wrong_arity("acl|genpass")
    if len(args) == 3:
        number = try_int(args[2])
        if number is None:
            raise errors.not_integer()
        if not 0 < number <= 4096:
            raise CommandError(
                "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
            )
        bits = number
    digits = (bits + 3) // 4
    return secrets.token_hex((digits + 1) // 2)[:digits].encode()


@handles("ACL|LOG")
def log(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL LOG [count | RESET]: the one user has all rights, so nothing is ever denied."""
    if len(args) == 3 and args[2].upper() == b"RESET":
        return OK
    if len(args) == 3 and try_int(args[2]) is None:
        raise errors.not_integer()
    return []


@handles("ACL|DRYRUN")
def dryrun(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL DRYRUN user command [argument ...]"""
    if args[2] != b"default":
        raise CommandError(f"ERR User '{args[2].decode('utf-8', 'replace')}' not found")
    row = TABLE.get(args[3].decode("utf-8", "replace").upper())
    if row is None or row.flags & F.INTERNAL:
        raise CommandError(f"ERR Command '{args[3].decode('utf-8', 'replace')}' not found")
    if not row.arity_ok(len(args) - 3):
        raise errors.wrong_arity(row.name)
    return OK


@handles("ACL|DELUSER")
def deluser(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL DELUSER name [name ...]"""
    if b"default" in args[2:]:
        raise CommandError("ERR The 'default' user cannot be removed")
    return 0


@handles("ACL|SETUSER")
def setuser(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL SETUSER: of `default`, what changes nothing is accepted."""
    harmless = {b"on", b"+@all", b"allcommands", b"~*", b"allkeys", b"&*", b"allchannels"}
    if args[2] == b"default" and all(rule.lower() in harmless for rule in args[3:]):
        return OK
    raise CommandError("ERR this server has one user, 'default', with all rights; set its password with requirepass")


@handles("ACL|LOAD", "ACL|SAVE")
def file(router: Router, session: Session, args: list[bytes]) -> Any:
    """ACL LOAD, ACL SAVE: there is no ACL file."""
    raise CommandError("ERR This server is not configured to use an ACL file.")
