"""Consumer groups: XGROUP, delivering, acknowledging. Compiled.

What a delivery does to a group is put into the stream of effects as XCLAIM (who has which
entry since when) and XGROUP SETID (how far the group has read).
"""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.pending import Consumer, Group
from cython.cimports.shard.values.stream_nodes import id_text
from cython.cimports.shard.values.streams import StreamValue

from cluster.errors import CommandError, subcommand_syntax
from cluster.numbers import parse_int
from cluster.replies import OK
from shard.commands.stream_arguments import (
    MAX,
    consumer_of,
    entries_until,
    has_tombstones,
    id_of,
    next_id,
    no_consumer_group,
    strict_id,
)
from shard.registry import handles
from shard.signals import N_STREAM

KEY_NEEDED = (
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the "
    "MKSTREAM option to create an empty stream automatically."
)


def deliver(engine: Engine, key: bytes, stream: StreamValue, group: Group, query) -> list:
    """Give a consumer entries that the group has not delivered yet (XREADGROUP >)."""
    consumer: Consumer
    if (group.last_ms, group.last_seq) >= (stream.last_ms, stream.last_seq):
        return []
    start = next_id(group.last_ms, group.last_seq)
    entries: list = stream.collect(start[0], start[1], MAX, MAX, query.count, False)
    if not entries:
        return []
    consumer = consumer_of(engine, key, query.group, group, query.consumer)
    consumer.seen = consumer.active = engine.now
    for entry in entries:
        ms, seq = id_of(entry[0])
        if group.entries_read != -1 and not has_tombstones(stream, ms, seq):
            group.entries_read += 1
        elif stream.added:
            group.entries_read = entries_until(stream, ms, seq)
        group.last_ms = ms
        group.last_seq = seq
        if not query.noack:
            group.give(ms, seq, consumer, engine.now, 1)
    if not query.noack:
        claimed(engine, key, query.group, group, query.consumer, [entry[0] for entry in entries], engine.now, 1)
    propagate_position(engine, key, query.group, group)
    return entries


def history(engine: Engine, key: bytes, stream: StreamValue, group: Group, query, after: tuple) -> list:
    """A consumer's own pending entries above an id; [id, None] where the entry is gone."""
    consumer: Consumer = consumer_of(engine, key, query.group, group, query.consumer)
    consumer.seen = engine.now
    found: list = []
    again: dict = {}
    start = next_id(after[0], after[1])
    if start is None or not consumer.pel.locate(start[0], start[1]):
        return found
    ids: list = []
    while True:
        ids.append((consumer.pel.current().ms, consumer.pel.current().seq))
        if len(ids) == query.count or not consumer.pel.step():
            break
    for ms, seq in ids:
        name = id_text(ms, seq)
        fields = stream.get(ms, seq)
        found.append([name, fields])
        if fields is not None:
            count = group.pel.find(ms, seq).count + 1
            group.give(ms, seq, consumer, engine.now, count)
            again.setdefault(count, []).append(name)
    for count, names in again.items():
        claimed(engine, key, query.group, group, query.consumer, names, engine.now, count)
    return found


def claimed(engine: Engine, key: bytes, name: bytes, group: Group, consumer: bytes, ids: list, time: int, count: int):
    """The effect of entries becoming pending for a consumer."""
    engine.effect(
        b"XCLAIM", key, name, consumer, b"0", *ids, b"TIME", b"%d" % time, b"RETRYCOUNT", b"%d" % count,
        b"FORCE", b"JUSTID", b"LASTID", id_text(group.last_ms, group.last_seq),
    )  # fmt: skip


def propagate_position(engine: Engine, key: bytes, name: bytes, group: Group) -> None:
    """The effect of a group having read on."""
    engine.effect(
        b"XGROUP", b"SETID", key, name, id_text(group.last_ms, group.last_seq),
        b"ENTRIESREAD", b"%d" % group.entries_read,
    )  # fmt: skip


@handles("XACK")
def xack(engine: Engine, args: list):
    """XACK key group id [id ...]"""
    stream: StreamValue = engine.typed(args[1], StreamValue)
    group: Group = None if stream is None else stream.groups.get(args[2])
    if group is None:
        return 0
    done: cython.Py_ssize_t = 0
    for ms, seq in [strict_id(raw) for raw in args[3:]]:
        done += group.acknowledge(ms, seq)
    if done:
        engine.noted(args[1], b"xack", 0, done)
    return done


@cython.cfunc
def _stream(engine: Engine, key: bytes) -> StreamValue:
    stream: StreamValue = engine.typed(key, StreamValue)
    if stream is None:
        raise CommandError(KEY_NEEDED)
    return stream


@cython.cfunc
def _group(engine: Engine, args: list) -> Group:
    stream: StreamValue = _stream(engine, args[2])
    group: Group = stream.groups.get(args[3])
    if group is None:
        raise no_consumer_group(args[2], args[3])
    return group


def _options(args: list, creating: bool) -> tuple:
    """(MKSTREAM given, entries read) of XGROUP CREATE and SETID."""
    make = False
    read = -1
    at = 5
    while at < len(args):
        option = args[at].upper()
        if creating and option == b"MKSTREAM":
            make = True
        elif option == b"ENTRIESREAD" and at + 1 < len(args):
            at += 1
            read = parse_int(args[at])
            if read < -1:
                raise CommandError("ERR value for ENTRIESREAD must be positive or -1")
        else:
            raise subcommand_syntax(args)
        at += 1
    return make, read


@handles("XGROUP|CREATE")
def xgroup_create(engine: Engine, args: list):
    """XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD entries-read]"""
    make, read = _options(args, True)
    stream: StreamValue = engine.typed(args[2], StreamValue)
    if stream is None and not make:
        raise CommandError(KEY_NEEDED)
    if args[4] == b"$":
        last = (0, 0) if stream is None else stream.last_id
    else:
        last = strict_id(args[4])
    if stream is None:
        stream = StreamValue()
        engine.put(args[2], stream)
        engine.touched(args[2])
    if stream.create_group(args[3], last, read) is None:
        raise CommandError("BUSYGROUP Consumer Group name already exists")
    engine.noted(args[2], b"xgroup-create", N_STREAM)
    return OK


@handles("XGROUP|SETID")
def xgroup_setid(engine: Engine, args: list):
    """XGROUP SETID key group id|$ [ENTRIESREAD entries-read]"""
    _, read = _options(args, False)
    stream: StreamValue = _stream(engine, args[2])
    group: Group = _group(engine, args)
    if args[4] == b"$":
        last = stream.last_id
    else:
        last = strict_id(args[4])
    group.last_ms, group.last_seq = last
    group.entries_read = read
    engine.noted(args[2], b"xgroup-setid", N_STREAM)
    return OK


@handles("XGROUP|DESTROY")
def xgroup_destroy(engine: Engine, args: list):
    """XGROUP DESTROY key group"""
    stream: StreamValue = _stream(engine, args[2])
    if stream.groups.pop(args[3], None) is None:
        return 0
    engine.noted(args[2], b"xgroup-destroy", N_STREAM)
    engine.waiting.touched(engine.db.index, args[2])  # those who read with the group hear that it is gone
    return 1


@handles("XGROUP|CREATECONSUMER")
def xgroup_createconsumer(engine: Engine, args: list):
    """XGROUP CREATECONSUMER key group consumer"""
    group: Group = _group(engine, args)
    if args[4] in group.consumers:
        return 0
    group.create(args[4], engine.now)
    engine.noted(args[2], b"xgroup-createconsumer", N_STREAM)
    return 1


@handles("XGROUP|DELCONSUMER")
def xgroup_delconsumer(engine: Engine, args: list):
    """XGROUP DELCONSUMER key group consumer"""
    group: Group = _group(engine, args)
    if args[4] not in group.consumers:
        return 0
    pending = group.remove(args[4])
    engine.noted(args[2], b"xgroup-delconsumer", N_STREAM)
    return pending
