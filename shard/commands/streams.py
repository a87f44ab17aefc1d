"""Stream commands: adding, reading, trimming. Compiled.

Consumer groups are in `stream_groups` and `stream_claims`, XINFO in `stream_info`.
"""

import cython
from cython.cimports.shard.commands.stream_arguments import Reading, Trimming, parse_id
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.pending import Group
from cython.cimports.shard.values.stream_nodes import id_text
from cython.cimports.shard.values.streams import StreamValue
from cython.cimports.shard.values.taker import MAP, Taker

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int
from cluster.replies import NIL_ARRAY, OK, MapReply
from shard.commands.stream_arguments import (
    MAX,
    end_bound,
    no_group,
    start_bound,
    strict_id,
    unsigned,
)
from shard.commands.stream_groups import deliver, history
from shard.registry import handles
from shard.signals import N_STREAM, Block

STREAM_EVENT = cython.declare(cython.int, N_STREAM)
LAST = cython.declare(cython.ulonglong, MAX)
TOO_SMALL = "ERR The ID specified in XADD is equal or smaller than the target stream top item"


@handles("XADD")
def xadd(engine: Engine, args: list):
    """XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value ..."""
    key: bytes = args[1]
    raw: bytes = args[2]
    at: cython.Py_ssize_t = 2
    options: Trimming = None
    ms: cython.ulonglong = 0
    seq: cython.ulonglong = 0
    auto: cython.bint = False
    auto_seq: cython.bint = False
    if raw != b"*":
        options = Trimming()
        options.parse(args, True)
        at = options.at
        if at >= len(args):
            raise errors.wrong_arity("xadd")
        raw = args[at]
    if raw == b"*":
        auto = True
    elif raw.endswith(b"-*"):
        auto_seq = True
        ms = unsigned(raw[:-2])
    else:
        parse_id(raw, cython.address(ms), cython.address(seq), 0)
    if len(args) - at < 3 or (len(args) - at) % 2 == 0:
        raise errors.wrong_arity("xadd")
    if not auto and not auto_seq and ms == 0 and seq == 0:
        raise CommandError("ERR The ID specified in XADD must be greater than 0-0")
    stream: StreamValue = engine.typed(key, StreamValue)
    if stream is None:
        if options is not None and not options.create:
            return None
        stream = StreamValue()
        engine.put(key, stream)
    elif stream.last_ms == LAST and stream.last_seq == LAST:
        raise CommandError("ERR The stream has exhausted the last possible ID, unable to add more items")
    if auto:
        ms = engine.now
        if ms <= stream.last_ms:
            ms = stream.last_ms
            seq = stream.last_seq + 1
            if seq == 0:
                ms += 1
    elif auto_seq and ms == stream.last_ms:
        if stream.last_seq == LAST:
            raise CommandError(TOO_SMALL)
        seq = stream.last_seq + 1
    if ms < stream.last_ms or (ms == stream.last_ms and seq <= stream.last_seq):
        raise CommandError(TOO_SMALL)
    stream.append(ms, seq, args, at + 1)
    reply: bytes = id_text(ms, seq)
    engine.changed(key, b"xadd", STREAM_EVENT, 1)
    trimming: cython.bint = options is not None and options.by != 0
    if auto or auto_seq or trimming:
        done: list = [b"XADD", key]
        if trimming and options.apply(stream):
            engine.changed(key, b"xtrim", STREAM_EVENT, 0)
            done.extend(options.effect(stream))
        done.append(reply)
        engine.effect_of(done, args, at + 1)
    return reply


@handles("XLEN")
def xlen(engine: Engine, args: list):
    """XLEN key"""
    stream: StreamValue = engine.typed(args[1], StreamValue)
    return 0 if stream is None else stream.length


@cython.cfunc
@cython.exceptval(-1, check=False)
def _give(
    stream: StreamValue, start: tuple, end: tuple, limit: cython.Py_ssize_t, reverse: cython.bint, taker: Taker
) -> cython.int:
    """The entries of a range, `limit` at most if it is not negative."""
    ms: cython.ulonglong = start[0]
    seq: cython.ulonglong = start[1]
    to_ms: cython.ulonglong = end[0]
    to_seq: cython.ulonglong = end[1]
    return stream.give(ms, seq, to_ms, to_seq, stream.count(ms, seq, to_ms, to_seq, limit), reverse, taker)


@handles("XRANGE", "XREVRANGE")
def xrange(engine: Engine, args: list):
    """XRANGE key start end [COUNT count], XREVRANGE key end start [COUNT count]"""
    reverse: cython.bint = len(args[0]) == 9
    count: cython.longlong = -1
    start = start_bound(args[3] if reverse else args[2])
    end = end_bound(args[2] if reverse else args[3])
    at = 4
    while at < len(args):
        if args[at].upper() != b"COUNT" or at + 1 == len(args):
            raise errors.syntax_error()
        count = max(parse_int(args[at + 1]), 0)
        at += 2
    stream: StreamValue = engine.typed(args[1], StreamValue)
    if stream is None:
        return []
    if count == 0:
        return NIL_ARRAY
    taker: Taker = engine.taker()
    _give(stream, start, end, count, reverse, taker)
    return taker.taken


@handles("XDEL")
def xdel(engine: Engine, args: list):
    """XDEL key id [id ...]"""
    stream: StreamValue = engine.typed(args[1], StreamValue)
    removed = 0
    if stream is None:
        return 0
    ids = [strict_id(raw) for raw in args[2:]]
    for ms, seq in ids:
        if stream.discard(ms, seq):
            removed += 1
            if (ms, seq) > (stream.deleted_ms, stream.deleted_seq):
                stream.deleted_ms = ms
                stream.deleted_seq = seq
    if removed:
        engine.changed(args[1], b"xdel", STREAM_EVENT, removed)
    return removed


@handles("XTRIM")
def xtrim(engine: Engine, args: list):
    """XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count]"""
    options: Trimming = Trimming()
    options.parse(args, False)
    stream: StreamValue = engine.typed(args[1], StreamValue)
    if stream is None:
        return 0
    removed = options.apply(stream)
    if removed:
        engine.changed(args[1], b"xtrim", STREAM_EVENT, removed)
        if options.about:
            engine.effect(b"XTRIM", args[1], *options.effect(stream))
    return removed


@handles("XSETID")
def xsetid(engine: Engine, args: list):
    """XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]"""
    last = strict_id(args[2])
    added = None
    deleted = (0, 0)
    at = 3
    while at < len(args):
        option = args[at].upper()
        if at + 1 == len(args):
            raise errors.syntax_error()
        if option == b"ENTRIESADDED":
            added = parse_int(args[at + 1])
            if added < 0:
                raise CommandError("ERR entries_added must be positive")
        elif option == b"MAXDELETEDID":
            deleted = strict_id(args[at + 1])
            if last < deleted:
                raise CommandError("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
        else:
            raise errors.syntax_error()
        at += 2
    stream: StreamValue = engine.typed(args[1], StreamValue)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if stream.length:
        top = stream.collect(0, 0, MAX, MAX, 1, True)[0][0]
        if last < strict_id(top):
            raise CommandError("ERR The ID specified in XSETID is smaller than the target stream top item")
        if added is not None and added < stream.length:
            raise CommandError(
                "ERR The entries_added specified in XSETID is smaller than the target stream length"
            )
    stream.last_ms, stream.last_seq = last
    if added is not None:
        stream.added = added
    if deleted != (0, 0):
        stream.deleted_ms, stream.deleted_seq = deleted
    engine.noted(args[1], b"xsetid", STREAM_EVENT)
    return OK


# -- XREAD and XREADGROUP ----------------------------------------------------------------


def shaped(engine: Engine, found: list):
    """[(key, entries) ...] as RESP2 and RESP3 have it."""
    if engine.resp < 3:
        return [[key, entries] for key, entries in found]
    return MapReply([part for pair in found for part in pair])


@handles("XREAD")
def xread(engine: Engine, args: list):
    """XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]"""
    query: Reading = Reading(engine, args, False)
    stream: StreamValue
    streams: list = []
    after: list = []
    found: list = []
    raw: bytes
    ms: cython.ulonglong = 0
    seq: cython.ulonglong = 0
    count: cython.Py_ssize_t
    i: cython.Py_ssize_t
    for i in range(len(query.keys)):
        stream = engine.typed(query.keys[i], StreamValue)
        raw = query.ids[i]
        if raw == b"$":
            after.append((0, 0) if stream is None else stream.last_id)
        elif raw == b"+":  # the last entry, from 7.4 on
            after.append((0, 0))
        elif raw == b">":
            raise CommandError(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
                "<consumer> option."
            )
        else:
            after.append(strict_id(raw))
        streams.append(stream)
    for i in range(len(streams)):
        stream = streams[i]
        if stream is None or stream.length == 0:
            continue
        ms, seq = after[i]
        if query.ids[i] == b"+":
            found.append((i, ms, seq, 1, True))
        elif ms < stream.last_ms or (ms == stream.last_ms and seq < stream.last_seq):
            seq += 1
            ms += seq == 0
            count = stream.count(ms, seq, LAST, LAST, query.count)
            if count:
                found.append((i, ms, seq, count, False))
    if not found:
        if query.timeout_ms < 0:
            return NIL_ARRAY
        ids = [id_text(ms, seq) for ms, seq in after]
        raise Block(query.keys, query.timeout_ms, NIL_ARRAY, [*args[: query.at], *query.keys, *ids])
    taker: Taker = engine.taker()
    as_map: cython.bint = engine.resp >= 3
    taker.open(2 * len(found) if as_map else len(found), MAP)
    for i, ms, seq, count, reverse in found:
        if not as_map:
            taker.open(2)
        taker.item(query.keys[i])
        stream = streams[i]
        stream.give(ms, seq, LAST, LAST, count, reverse, taker)
        if not as_map:
            taker.close()
    taker.close()
    return taker.taken


@handles("XREADGROUP")
def xreadgroup(engine: Engine, args: list):
    """XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...]"""
    query: Reading = Reading(engine, args, True)
    stream: StreamValue
    group: Group
    wanted: list = []
    for key, raw in zip(query.keys, query.ids):
        stream = engine.typed(key, StreamValue)
        group = None if stream is None else stream.groups.get(query.group)
        if group is None:
            raise no_group(key, query.group, " in XREADGROUP with GROUP option")
        if raw == b"$":
            raise CommandError(
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of "
                "this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would "
                "just return an empty result set."
            )
        after = None if raw == b">" else strict_id(raw)
        wanted.append((key, stream, group, None if after == (MAX, MAX) else after))  # the last id means >, as in Redis
    found: list = []
    for key, stream, group, after in wanted:
        if after is not None:
            found.append((key, history(engine, key, stream, group, query, after)))
            continue
        entries = deliver(engine, key, stream, group, query)
        if entries:
            found.append((key, entries))
    if found:
        return shaped(engine, found)
    if query.timeout_ms < 0:
        return NIL_ARRAY
    raise Block(query.keys, query.timeout_ms, NIL_ARRAY, args)
