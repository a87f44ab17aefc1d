"""Pending entries: XPENDING, XCLAIM, XAUTOCLAIM. Compiled."""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.pending import Consumer, Group, Pending, PendingList
from cython.cimports.shard.values.stream_nodes import id_text
from cython.cimports.shard.values.streams import StreamValue

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int, parse_range, try_int
from cluster.replies import NIL_ARRAY
from shard.commands.stream_arguments import (
    consumer_of,
    end_bound,
    id_or_none,
    no_group,
    shown,
    start_bound,
    strict_id,
)
from shard.commands.stream_groups import claimed
from shard.registry import handles

LONG_MAX = (1 << 63) - 1


@cython.cfunc
def _group_of(stream: object, args: list) -> Group:
    group: Group = None if stream is None else stream.groups.get(args[2])
    if group is None:
        raise no_group(args[1], args[2])
    return group


@handles("XPENDING")
def xpending(engine: Engine, args: list):
    """XPENDING key group [[IDLE min-idle-time] start end count [consumer]]"""
    idle = 0
    at = 3
    group: Group
    pel: PendingList
    consumer: Consumer
    if len(args) != 3 and not 6 <= len(args) <= 9:
        raise errors.syntax_error()
    if len(args) > 3:
        if args[3].upper() == b"IDLE":
            idle = parse_int(args[4])
            if len(args) < 8:
                raise errors.syntax_error()
            at = 5
        count = max(parse_int(args[at + 2]), 0)
        start, end = start_bound(args[at]), end_bound(args[at + 1])
    group = _group_of(engine.typed(args[1], StreamValue), args)
    if len(args) == 3:
        return _summary(group)
    pel = group.pel
    found: list = []
    if len(args) > at + 3:
        consumer = group.consumers.get(args[at + 3])
        if consumer is None:
            return found
        pel = consumer.pel
    more: cython.bint = pel.locate(start[0], start[1])
    while more and len(found) < count:
        ms, seq = pel.current().ms, pel.current().seq
        if (ms, seq) > end:
            break
        row = group.pel.find(ms, seq)
        waited = max(engine.now - row.time, 0)
        if waited >= idle:
            consumer = cython.cast(Consumer, row.consumer)
            found.append([id_text(ms, seq), consumer.name, waited, row.count])
        more = pel.step()
    return found


def _summary(group: Group) -> list:
    size = len(group.pel)
    if not size:
        return [0, None, None, NIL_ARRAY]
    group.pel.locate(0, 0)
    first = id_text(group.pel.current().ms, group.pel.current().seq)
    last = group.pel.chunks[group.pel.used - 1].items[group.pel.chunks[group.pel.used - 1].count - 1]
    owners = [
        [name, b"%d" % len(consumer.pel)] for name, consumer in sorted(group.consumers.items()) if len(consumer.pel)
    ]
    return [size, first, id_text(last.ms, last.seq), owners]


@cython.cfunc
def _forget(engine: Engine, key: bytes, name: bytes, group: Group, ms: object, seq: object) -> object:
    """An entry that the stream no longer has is no longer pending."""
    group.acknowledge(ms, seq)
    engine.effect(b"XACK", key, name, id_text(ms, seq))
    engine.noted(key, b"xack", 0)


def _argument(raw: bytes, name: str) -> int:
    value = try_int(raw)
    if value is None:
        raise CommandError(f"ERR Invalid {name}")
    return value


@handles("XCLAIM")
def xclaim(engine: Engine, args: list):
    """XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-ms] [RETRYCOUNT n]
    [FORCE] [JUSTID] [LASTID id]"""
    stream: StreamValue = engine.typed(args[1], StreamValue)
    group: Group = _group_of(stream, args)
    consumer: Consumer
    row: cython.pointer(Pending)
    idle = max(_argument(args[4], "min-idle-time argument for XCLAIM"), 0)
    now = engine.now
    ids = []
    at = 5
    while at < len(args):
        found = id_or_none(args[at])
        if found is None:
            break
        ids.append(found)
        at += 1
    time = -1
    retry = -1
    force = just = False
    last = None
    while at < len(args):
        option = args[at].upper()
        left = len(args) - at - 1
        if option == b"FORCE":
            force = True
        elif option == b"JUSTID":
            just = True
        elif option == b"IDLE" and left:
            at += 1
            time = now - _argument(args[at], "IDLE option argument for XCLAIM")
        elif option == b"TIME" and left:
            at += 1
            time = _argument(args[at], "TIME option argument for XCLAIM")
        elif option == b"RETRYCOUNT" and left:
            at += 1
            retry = _argument(args[at], "RETRYCOUNT option argument for XCLAIM")
        elif option == b"LASTID" and left:
            at += 1
            last = strict_id(args[at])
        else:
            raise CommandError(f"ERR Unrecognized XCLAIM option '{shown(args[at])}'")
        at += 1
    if last is not None and last > (group.last_ms, group.last_seq):
        group.last_ms, group.last_seq = last
        engine.effect(
            b"XGROUP", b"SETID", args[1], args[2], id_text(last[0], last[1]), b"ENTRIESREAD", b"%d" % group.entries_read
        )
        engine.noted(args[1], b"xgroup-setid", 0)
    if time == -1 or time < 0 or (time > now and not engine.replaying):
        time = now
    engine.no_effect()
    reply: list = []
    for ms, seq in ids:
        row = group.pel.find(ms, seq)
        fields = stream.get(ms, seq)
        if fields is None:
            if row != cython.NULL:
                _forget(engine, args[1], args[2], group, ms, seq)
            continue
        if row == cython.NULL:
            if not force:
                continue
            count = 0 if just else 1
        else:
            if idle and now - row.time < idle:
                continue
            count = row.count if just else row.count + 1
        if retry >= 0:
            count = retry
        consumer = consumer_of(engine, args[1], args[2], group, args[3])
        consumer.seen = now
        group.give(ms, seq, consumer, time, count)
        consumer.active = now
        name = id_text(ms, seq)
        reply.append(name if just else [name, fields])
        claimed(engine, args[1], args[2], group, args[3], [name], time, count)
        engine.noted(args[1], b"xclaim", 0)
    return reply


@handles("XAUTOCLAIM")
def xautoclaim(engine: Engine, args: list):
    """XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]"""
    idle = max(_argument(args[4], "min-idle-time argument for XAUTOCLAIM"), 0)
    start = start_bound(args[5])
    count = 100
    just = False
    at = 6
    while at < len(args):
        option = args[at].upper()
        if option == b"COUNT" and at + 1 < len(args):
            at += 1
            count = parse_range(args[at], 1, LONG_MAX // 16, "ERR COUNT must be > 0")
        elif option == b"JUSTID":
            just = True
        else:
            raise errors.syntax_error()
        at += 1
    stream: StreamValue = engine.typed(args[1], StreamValue)
    group: Group = _group_of(stream, args)
    engine.no_effect()
    consumer: Consumer
    now = engine.now
    attempts = count * 10
    reply: list = []
    gone: list = []
    more: cython.bint = group.pel.locate(start[0], start[1])
    while more and attempts > 0 and count > 0:
        attempts -= 1
        row = group.pel.current()
        ms, seq = row.ms, row.seq
        fields = stream.get(ms, seq)
        if fields is None:
            _forget(engine, args[1], args[2], group, ms, seq)
            gone.append(id_text(ms, seq))
            count -= 1
            more = group.pel.locate(ms, seq)
            continue
        if not idle or now - row.time >= idle:
            tries = row.count if just else row.count + 1
            consumer = consumer_of(engine, args[1], args[2], group, args[3])
            consumer.seen = now
            group.give(ms, seq, consumer, now, tries)
            consumer.active = now
            name = id_text(ms, seq)
            reply.append(name if just else [name, fields])
            claimed(engine, args[1], args[2], group, args[3], [name], now, tries)
            engine.noted(args[1], b"xclaim", 0)
            count -= 1
            group.pel.locate(ms, seq)
        more = group.pel.step()
    cursor = b"0-0"
    if more:
        cursor = id_text(group.pel.current().ms, group.pel.current().seq)
    return [cursor, reply, gone]
