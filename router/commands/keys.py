"""SCAN, RANDOMKEY, SWAPDB: commands on the whole keyspace that need more than a merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors, frames
from cluster.command_table import TABLE
from cluster.errors import CommandError
from cluster.numbers import parse_cursor
from cluster.replies import Raw
from cluster.reply_parts import split_reply
from cluster.whole_keyspace import next_cursor, split_cursor
from cluster.wire import command as encode
from router import fanout
from router.gather import Collected
from router.registry import LATER, handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

@handles("SCAN")
def scan(router: Router, session: Session, args: list[bytes]) -> Any:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]

    The cursor is (the shard's cursor) * (number of shards) + shard; 0 begins and ends. A shard that has fewer keys than
    COUNT is followed by the next, so that few keys come at once, as from Redis.
    """
    inner, shard = split_cursor(parse_cursor(args[1]), router.shard_count)
    router.require(shard)
    place = session.reserve()
    session.pause()
    found: list[bytes] = []

    def ask(words: list[bytes]) -> None:
        raw = encode(b"SHARD.SCAN", *words)
        router.core.submit(shard, TABLE["SHARD.SCAN"].id, session.db, session.conn.flags & 1, session.id, raw, done)

    def done(raw: bytes | None) -> None:
        nonlocal shard
        if raw is not None and raw[:1] == b"-":
            session.fulfil_raw(place, raw)
        elif raw is None:
            session.fulfil(place, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)))
        else:
            cursor, keys, left = split_reply(raw)
            found.extend(split_reply(keys))
            after = next_cursor(_integer(cursor), shard, router.shard_count)
            if after and left != b":0\r\n" and cursor == b"$1\r\n0\r\n" and router.core.links[shard + 1].up:
                shard += 1
                ask([b"0", *args[2:], b"COUNT", left[1:-2]])
                return
            session.fulfil(place, [b"%d" % after, [Raw(key) for key in found]])
        session.resume()

    ask([b"%d" % inner, *args[2:]])
    return LATER


def _integer(raw: bytes) -> int:
    """The number in an integer or a bulk string reply."""
    return int(raw[1:-2]) if raw[:1] == b":" else int(raw[raw.index(b"\n") + 1 : -2])


@handles("RANDOMKEY")
def randomkey(router: Router, session: Session, args: list[bytes]) -> Any:
    """RANDOMKEY: every key of every shard is as likely."""
    shards = range(router.shard_count)
    for shard in shards:
        router.require(shard)
    place = session.reserve()
    session.pause()

    def done(replies: dict[int, bytes | None]) -> None:
        pairs = [split_reply(raw) for raw in replies.values() if raw is not None]
        found = [(key, _integer(size)) for key, size in pairs if not key.startswith((b"$-1", b"_"))]
        if not found:
            session.fulfil(place, None)
        else:
            keys, weights = zip(*found, strict=True)
            session.fulfil_raw(place, router.chance.choices(keys, weights)[0])
        session.resume()

    gather = Collected(list(shards), done)
    raw = encode(b"SHARD.RANDOMKEY")
    for shard in shards:
        flags = session.conn.flags & 1
        router.core.submit(shard, TABLE["SHARD.RANDOMKEY"].id, session.db, flags, session.id, raw, gather)
    return LATER


@handles("SWAPDB")
def swapdb(router: Router, session: Session, args: list[bytes]) -> Any:
    """SWAPDB index1 index2, on every shard at one point."""
    row = TABLE["SHARD.SWAPDB"]
    commands = {shard: [b"SHARD.SWAPDB", *args[1:]] for shard in range(router.shard_count)}
    for shard in commands:
        router.require(shard)
    place = session.reserve()

    def done(replies: dict[int, bytes | None]) -> None:
        lost = next((shard for shard, raw in replies.items() if raw is None), None)
        if lost is not None:
            session.fulfil(place, CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=lost)))
        else:
            session.fulfil_raw(place, next(iter(replies.values())) or b"")

    entries = {shard: (row.id, session.db, session.conn.flags & frames.UNTRACKED, session.id, encode(*part)) for shard, part in commands.items()}
    fanout.send_parts(router, entries, True, done)
    return LATER
