"""XINFO: what a stream, its groups and their consumers are like. Compiled."""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.pending import Consumer, Group
from cython.cimports.shard.values.stream_nodes import id_text
from cython.cimports.shard.values.streams import StreamValue

from cluster import errors
from cluster.errors import CommandError, subcommand_syntax
from cluster.numbers import parse_int
from cluster.replies import MapReply
from shard.commands.stream_arguments import MAX, lag, no_consumer_group
from shard.registry import handles


@cython.cfunc
def _stream(engine: Engine, key: bytes) -> StreamValue:
    stream: StreamValue = engine.typed(key, StreamValue)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    return stream


def _entries_read(group: Group):
    return None if group.entries_read == -1 else group.entries_read


@handles("XINFO|STREAM")
def xinfo_stream(engine: Engine, args: list):
    """XINFO STREAM key [FULL [COUNT count]]"""
    stream: StreamValue = _stream(engine, args[2])
    full = len(args) > 3
    count = 10
    if full:
        if args[3].upper() != b"FULL" or len(args) not in (4, 6):
            raise subcommand_syntax(args)
        if len(args) == 6:
            if args[4].upper() != b"COUNT":
                raise subcommand_syntax(args)
            count = parse_int(args[5])
            if count < 0:
                count = 10
    first = stream.first_id
    reply = MapReply([
        b"length", stream.length,
        b"radix-tree-keys", stream.node_count(),
        b"radix-tree-nodes", stream.node_count() + 1,
        b"last-generated-id", id_text(stream.last_ms, stream.last_seq),
        b"max-deleted-entry-id", id_text(stream.deleted_ms, stream.deleted_seq),
        b"entries-added", stream.added,
        b"recorded-first-entry-id", id_text(first[0], first[1]),
    ])  # fmt: skip
    if not full:
        lowest = stream.collect(0, 0, MAX, MAX, 1, False)
        highest = stream.collect(0, 0, MAX, MAX, 1, True)
        reply += [b"groups", len(stream.groups)]
        reply += [b"first-entry", lowest[0] if lowest else None]
        reply += [b"last-entry", highest[0] if highest else None]
        return reply
    reply += [b"entries", stream.collect(0, 0, MAX, MAX, count or -1, False)]
    reply += [b"groups", [_full_group(stream, name, group, count) for name, group in sorted(stream.groups.items())]]
    return reply


def _full_group(stream: StreamValue, name: bytes, group: Group, count: int) -> MapReply:
    rows = group.pel.items()
    consumer: Consumer
    consumers: list = []
    for owner, consumer in sorted(group.consumers.items()):
        own = [
            [id_text(entry[0], entry[1]), time, tries] for entry, time, tries, holder in rows if holder is consumer
        ]
        consumers.append(MapReply([
            b"name", owner,
            b"seen-time", consumer.seen,
            b"active-time", consumer.active,
            b"pel-count", len(own),
            b"pending", own[:count] if count else own,
        ]))  # fmt: skip
    pel = [
        [id_text(entry[0], entry[1]), holder.name, time, tries]
        for entry, time, tries, holder in (rows[:count] if count else rows)
    ]
    return MapReply([
        b"name", name,
        b"last-delivered-id", id_text(group.last_ms, group.last_seq),
        b"entries-read", _entries_read(group),
        b"lag", lag(stream, group),
        b"pel-count", len(rows),
        b"pending", pel,
        b"consumers", consumers,
    ])  # fmt: skip


@handles("XINFO|GROUPS")
def xinfo_groups(engine: Engine, args: list):
    """XINFO GROUPS key"""
    stream: StreamValue = _stream(engine, args[2])
    return [
        MapReply([
            b"name", name,
            b"consumers", len(group.consumers),
            b"pending", len(group.pel),
            b"last-delivered-id", id_text(group.last_ms, group.last_seq),
            b"entries-read", _entries_read(group),
            b"lag", lag(stream, group),
        ])
        for name, group in sorted(stream.groups.items())
    ]  # fmt: skip


@handles("XINFO|CONSUMERS")
def xinfo_consumers(engine: Engine, args: list):
    """XINFO CONSUMERS key group"""
    stream: StreamValue = _stream(engine, args[2])
    group: Group = stream.groups.get(args[3])
    if group is None:
        raise no_consumer_group(args[2], args[3])
    consumer: Consumer
    found: list = []
    for name, consumer in sorted(group.consumers.items()):
        found.append(MapReply([
            b"name", name,
            b"pending", len(consumer.pel),
            b"idle", max(engine.now - consumer.seen, 0),
            b"inactive", -1 if consumer.active == -1 else max(engine.now - consumer.active, 0),
        ]))  # fmt: skip
    return found
