"""MIGRATE: keys move to another server, ours or a real Redis.

    HOLD to the owners of the keys     nobody changes them until the end, as Redis blocks meanwhile
    RUN there: DUMP and PTTL
    SELECT, RESTORE ... at the target  over a connection of its own
    COMMIT of DEL (or ABORT)           what the target has confirmed is deleted, in one record

A hold has a limit (`hold-timeout`), so a slow target makes MIGRATE fail and the keys stay.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster import errors, frames
from cluster.command_table import TABLE
from cluster.errors import CommandError
from cluster.numbers import parse_int
from cluster.records import pack_entries
from cluster.replies import OK, Status
from cluster.reply_parts import split_reply
from cluster.wire import command as encode
from router.asking import value_of
from router.dataflow import Dataflow
from router.packing import part_head
from router.registry import LATER, handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

log = logging.getLogger("elixircache.router")
TIMEOUT_MS = 1000  # where the client gives none


@dataclass
class Order:
    """What MIGRATE's arguments say. auth: the arguments of AUTH, none: no password."""

    host: str
    port: int
    db: int
    timeout_ms: int
    keys: list[bytes]
    copy: bool = False
    replace: bool = False
    auth: list[bytes] = field(default_factory=list)

    @classmethod
    def parse(cls, args: list[bytes]) -> Order:
        """CommandError as Redis gives it."""
        copy = replace = False
        auth: list[bytes] = []
        keys = [args[3]]
        at = 6
        while at < len(args):
            word, left = args[at].upper(), len(args) - at - 1
            if word == b"COPY":
                copy = True
            elif word == b"REPLACE":
                replace = True
            elif word == b"AUTH" and left >= 1:
                auth = args[at + 1 : at + 2]
                at += 1
            elif word == b"AUTH2" and left >= 2:
                auth = args[at + 1 : at + 3]
                at += 2
            elif word == b"KEYS":
                if args[3]:
                    raise CommandError(
                        "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
                    )
                keys = args[at + 1 :]
                break
            else:
                raise errors.syntax_error()
            at += 1
        timeout_ms, db = parse_int(args[5]), parse_int(args[4])
        host = args[1].decode("utf-8", "replace")
        port = parse_int(args[2])
        return cls(host, port, db, timeout_ms if timeout_ms > 0 else TIMEOUT_MS, keys, copy, replace, auth)


class TargetError(Exception):
    """The target could not be reached or did not answer; the text is the client's reply."""


class Target:
    """The connection to the other server."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.timeout_s = order.timeout_ms / 1000

    async def restore(self, values: list[tuple[bytes, bytes, int]]) -> tuple[list[bytes], str]:
        """Restore (key, DUMP payload, ms to live or 0) there: (keys it confirmed, its first error or "")."""
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(self.order.host, self.order.port), self.timeout_s
            )
        except (OSError, TimeoutError):
            raise TargetError("IOERR error or timeout connecting to the client") from None
        try:
            setup = [encode(b"AUTH", *self.order.auth)] if self.order.auth else []
            setup.append(encode(b"SELECT", self.order.db))
            replace = [b"REPLACE"] if self.order.replace else []
            commands = [encode(b"RESTORE", key, ttl, payload, *replace) for key, payload, ttl in values]
            await self._write(writer, b"".join(setup + commands))
            failed = ""
            for _ in setup:
                failed = failed or self._error(await self._line(reader))
            if failed:
                return [], failed
            confirmed = []
            for key, _, _ in values:
                error = self._error(await self._line(reader))
                failed = failed or error
                if not error:
                    confirmed.append(key)
            return confirmed, failed
        finally:
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        try:
            await asyncio.wait_for(writer.drain(), self.timeout_s)
        except (OSError, TimeoutError):
            raise TargetError("IOERR error or timeout writing to target instance") from None

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        try:
            line = await asyncio.wait_for(reader.readline(), self.timeout_s)
        except (OSError, TimeoutError, ValueError):
            line = b""
        if not line.endswith(b"\r\n"):
            raise TargetError("IOERR error or timeout reading from target instance")
        return line[:-2]

    @staticmethod
    def _error(line: bytes) -> str:
        return line[1:].decode("utf-8", "surrogateescape") if line.startswith(b"-") else ""


class Migration(Dataflow):
    """The operation: its owners are held while the target restores what they dumped."""

    def __init__(self, router: Router, session: Session, order: Order) -> None:
        by_shard: dict[int, list[tuple[int, bytes]]] = {}
        for key in dict.fromkeys(order.keys):
            by_shard.setdefault(router.core.shard_of(key), []).append((session.db, key))
        for shard in by_shard:
            router.require(shard)
        super().__init__(router.operations, by_shard, next(iter(by_shard)), b"", True, self._finished)
        self.session = session
        self.order = order
        self.place = session.reserve()
        self.values: list[tuple[bytes, bytes, int]] = []
        self.unread = set(by_shard)
        self.reply: Any = OK
        self.task: asyncio.Task[None] | None = None

    def _hold(self, shard: int) -> None:
        """Nothing is lent: each owner reads its own keys."""
        self.holding.append(shard)
        asked = [word for place in self.keys[shard] for word in place]
        raw = encode(b"SHARD.HOLD", self.id, b"", b"R", *asked)
        self.router.core.submit(shard, TABLE["SHARD.HOLD"].id, 0, 0, 0, raw, self)

    def all_held(self) -> None:
        dump, ttl = TABLE["DUMP"].id, TABLE["PTTL"].id
        self.state = "running"
        for shard, keys in self.keys.items():
            entries = []
            for db, key in keys:
                entries.append((dump, db, 0, 0, encode(b"DUMP", key)))
                entries.append((ttl, db, 0, 0, encode(b"PTTL", key)))
            raw = encode(b"SHARD.RUN", self.id, pack_entries(entries), b"")
            self.router.core.submit(shard, TABLE["SHARD.RUN"].id, 0, frames.RESOLVE, 0, raw, None)

    def ran(self, shard: int, replies: bytes, parts: bytes, large: list[bytes]) -> None:
        """An owner has dumped its keys."""
        found = [value_of(raw) for raw in split_reply(replies)]
        for (_, key), payload, ttl in zip(self.keys[shard], found[::2], found[1::2], strict=True):
            if isinstance(payload, bytes):
                self.values.append((key, payload, max(ttl, 1) if ttl >= 0 else 0))
        self.unread.discard(shard)
        if self.unread:
            return
        if not self.values:
            self.reply = Status(b"NOKEY")
            self.release(self.holding)
            self.finish({}, None)
            return
        self.task = asyncio.ensure_future(self._transfer())

    async def _transfer(self) -> None:
        try:
            confirmed, failed = await Target(self.order).restore(self.values)
        except TargetError as error:
            self.fail(CommandError(str(error)))
            return
        if self.state != "running":
            return  # the hold has ended meanwhile, and the client has been told
        if failed:
            self.reply = CommandError(f"ERR Target instance replied with error: {failed}")
        parts: dict[int, list[Any]] = {}
        for key in confirmed if not self.order.copy else []:
            entry = (TABLE["DEL"].id, self.session.db, 0, self.session.id, encode(b"DEL", key))
            parts.setdefault(self.router.core.shard_of(key), []).append(entry)
        if parts:
            packed = [(shard, pack_entries(entries)) for shard, entries in parts.items()]
            self.commit(b"".join(part_head(shard, entries) + entries for shard, entries in packed), list(parts))
            self.router.kick()
        else:
            self.release(self.holding)
            self.finish({}, None)

    def _finished(self, replies: dict[int, bytes] | None, error: CommandError | None) -> None:
        self.session.fulfil(self.place, error or self.reply)
        self.session.resume()


@handles("MIGRATE")
def migrate(router: Router, session: Session, args: list[bytes]) -> Any:
    """MIGRATE host port key|"" destination-db timeout [COPY] [REPLACE] [AUTH password] [AUTH2 username password]
    [KEYS key [key ...]]"""
    order = Order.parse(args)
    if not order.keys:
        return Status(b"NOKEY")
    operation = Migration(router, session, order)
    session.pause()
    router.operations.launch(operation)
    return LATER
