"""Commands of independent parts: split by key or sent to all shards, in one go.

All parts enter their links in one turn of the loop, so they are executed at one point of the
router's order: atomic, without a lock, in one hop. A write on several shards travels as a
record that carries all its parts (rule 3 of docs/ARCHITECTURE.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cluster import errors, frames
from cluster.command_table import TABLE
from cluster.command_table.model import Command, F, Merge
from cluster.errors import CommandError
from cluster.reply_parts import split_reply
from cluster.wire import command as encode
from router import merges
from router.gather import Collected
from router.registry import LATER

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

Entry = tuple[int, int, int, int, bytes]  # command id, database, flags, client, raw command


def parts_by_key(router: Router, row: Command, args: list[bytes]) -> dict[int, tuple[list[bytes], list[int]]]:
    """For each shard its own command and the ordinals of its keys in the whole one."""
    indexes = row.key_indexes(args)
    step = getattr(row.keys, "step", 1)
    parts: dict[int, tuple[list[bytes], list[int]]] = {}
    for ordinal, at in enumerate(indexes):
        if at + step > len(args):
            raise errors.wrong_arity(row.name)
        part = parts.setdefault(router.core.shard_of(args[at]), ([args[0]], []))
        part[0].extend(args[at : at + step])
        part[1].append(ordinal)
    return parts


def split(router: Router, session: Session, row: Command, args: list[bytes]) -> Any:
    """Run a SPLIT command whose keys lie on several shards."""
    if getattr(row.keys, "step", 1) == 2 and len(args) % 2 == 0:
        raise errors.wrong_arity(row.name)
    parts = parts_by_key(router, row, args)
    commands = {shard: part[0] for shard, part in parts.items()}
    places = {shard: part[1] for shard, part in parts.items()}
    count = sum(len(ordinals) for ordinals in places.values())
    return start(router, session, row, commands, lambda replies: merge_split(row, replies, places, count))


def merge_split(row: Command, replies: dict[int, bytes], places: dict[int, list[int]], count: int) -> bytes:
    """One reply from the parts' (raw RESP in and out)."""
    failed = next((raw for raw in replies.values() if raw[:1] == b"-"), None)
    if failed is not None:
        return failed
    if row.merge is Merge.SCATTER:
        whole: list[bytes] = [b""] * count
        for shard, raw in replies.items():
            for ordinal, element in zip(places[shard], split_reply(raw), strict=True):
                whole[ordinal] = element
        return b"*%d\r\n" % count + b"".join(whole)
    return merge_all(row, replies)


def merge_all(row: Command, replies: dict[int, bytes]) -> bytes:
    """One reply from all shards'."""
    raws = [replies[shard] for shard in sorted(replies)]
    failed = next((raw for raw in raws if raw[:1] == b"-"), None)
    if failed is not None:
        return failed
    if row.merge is Merge.SUM:
        return b":%d\r\n" % sum(int(raw[1:-2]) for raw in raws)
    if row.merge is Merge.CONCAT:
        elements = [element for raw in raws for element in split_reply(raw)]
        return b"*%d\r\n" % len(elements) + b"".join(elements)
    if row.merge is Merge.CUSTOM:
        return merges.MERGES[row.name](raws)
    return raws[0]


def to_all(router: Router, session: Session, row: Command, args: list[bytes]) -> Any:
    """Run a command on every shard."""
    commands = dict.fromkeys(range(router.shard_count), args)
    return start(router, session, row, commands, lambda replies: merge_all(row, replies))


def start(
    router: Router,
    session: Session,
    row: Command,
    commands: dict[int, list[bytes]],
    merge: Callable[[dict[int, bytes]], bytes],
) -> Any:
    """Send the parts in one go; the merged reply takes this command's place."""
    for shard in commands:
        router.require(shard)
    place = session.reserve()

    def done(replies: dict[int, bytes | None]) -> None:
        lost = next((shard for shard, raw in replies.items() if raw is None), None)
        if lost is not None:
            text = errors.SHARD_DOWN_UNKNOWN.format(shard=lost)
            session.fulfil(place, CommandError(text))
            return
        session.fulfil_raw(place, merge(replies))  # type: ignore[arg-type]

    entries = {
        shard: (row.id, session.db, session.conn.flags & frames.CARRIED, session.id, encode(*part)) for shard, part in commands.items()
    }
    send_parts(router, entries, bool(row.flags & F.WRITE), done)
    return LATER


def send_parts(
    router: Router,
    entries: dict[int, Entry],
    write: bool,
    done: Callable[[dict[int, bytes | None]], None],
) -> None:
    """Put one entry for each shard on its link; a write on several travels as a record."""
    if write and len(entries) > 1:
        router.records.send({shard: [entry] for shard, entry in entries.items()}, "", lambda replies: done(_single(replies)))
        return
    gather = Collected(list(entries), done)
    for shard, (command_id, db, flags, client, raw) in entries.items():
        router.core.submit(shard, command_id, db, flags, client, raw, gather)


def _single(replies: dict[int, bytes | None]) -> dict[int, bytes | None]:
    """A record's parts answer with arrays; here each has one element."""
    return {shard: None if raw is None else split_reply(raw)[0] for shard, raw in replies.items()}


def ask_all(router: Router, args: list[bytes], done: Callable[[dict[int, bytes | None]], None]) -> None:
    """Ask every shard that is up something (an internal command); no client is involved."""
    row = TABLE[args[0].decode()]
    shards = [link.index for link in router.core.links if link.up]
    if not shards:
        done({})
        return
    gather = Collected(shards, done)
    raw = encode(*args)
    for shard in shards:
        router.core.submit(shard, row.id, 0, 0, 0, raw, gather)
    router.kick()


