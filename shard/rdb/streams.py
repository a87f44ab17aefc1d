"""Streams in RDB files: entries in listpacks of up to a hundred, groups, consumers, pending lists.

    listpack   count deleted fields name... 0      the master entry: the first entry's field names
               flags ms seq [fields] [name value... | value...] size     relative to the master's id

Flag 1 marks an entry as deleted, flag 2 says that it has the master's field names.
"""

import cython
from cython.cimports.shard.rdb.packed import listpack, listpack_items
from cython.cimports.shard.rdb.sink import Sink
from cython.cimports.shard.rdb.source import Source

from shard.rdb.model import STREAM_1, STREAM_3, ConsumerData, GroupData, StreamData

DELETED = 1
SAME_FIELDS = 2
NODE_ENTRIES = 100  # stream-node-max-entries
NODE_BYTES = 4096  # stream-node-max-bytes
UNKNOWN = 0xFFFFFFFFFFFFFFFF


@cython.ccall
def decode_stream(source: Source, kind: cython.int) -> object:
    """A stream of type 15, 19 or 21, as StreamData."""
    stream = StreamData()
    nodes: cython.longlong = source.length()
    count: cython.longlong
    while nodes > 0:
        nodes -= 1
        offset = source.offset()
        key: bytes = source.string()
        raw: bytes = source.string()
        if len(key) != 16:
            raise source.damaged("a stream node's id is no id", offset)
        try:
            _entries(listpack_items(raw), int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big"), stream.entries)
        except (ValueError, IndexError) as error:
            raise source.damaged(f"damaged stream node ({error})", offset) from None
    offset = source.offset()
    count = source.length()
    if count != len(stream.entries):
        raise source.damaged("a stream's length is not the number of its entries", offset)
    last = None
    for id, _ in stream.entries:
        if last is not None and id <= last:
            raise source.damaged("a stream's entries are out of order", offset)
        last = id
    stream.last_id = (_id_part(source), _id_part(source))
    if kind == STREAM_1:
        stream.entries_added = count
    else:
        source.length()  # the first entry's id, which the entries tell as well
        source.length()
        stream.max_deleted_id = (_id_part(source), _id_part(source))
        stream.entries_added = source.length()
    if last is not None and last > stream.last_id:
        raise source.damaged("a stream's last id is below its last entry", offset)
    count = source.length()
    while count > 0:
        count -= 1
        stream.groups.append(_group(source, kind))
    return stream


@cython.cfunc
def _id_part(source: Source) -> object:
    value: cython.longlong = source.length()
    return cython.cast(cython.ulonglong, value)


@cython.cfunc
def _raw_id(source: Source) -> tuple:
    raw: bytes = source.take(16)
    return int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")


@cython.cfunc
def _group(source: Source, kind: cython.int) -> object:
    name = source.string()
    group = GroupData(name, (_id_part(source), _id_part(source)))
    count: cython.longlong
    pending: cython.longlong
    if kind != STREAM_1:
        group.entries_read = source.length()  # all ones stand for "not known": -1
    count = source.length()
    while count > 0:
        count -= 1
        id = _raw_id(source)
        at = source.number(8)
        group.pending[id] = (at, source.length())
    count = source.length()
    while count > 0:
        count -= 1
        consumer = ConsumerData(source.string(), source.number(8))
        # Before 7.2 a consumer had only its seen time, which was set by reading.
        consumer.active = source.number(8) if kind == STREAM_3 else consumer.seen
        offset = source.offset()
        pending = source.length()
        while pending > 0:
            pending -= 1
            consumer.pending.append(_raw_id(source))
        for id in consumer.pending:
            if id not in group.pending:
                raise source.damaged("a consumer's pending entry is not its group's", offset)
        group.consumers.append(consumer)
    return group


@cython.cfunc
def _entries(items: list, ms: object, seq: object, found: list) -> cython.void:
    """Append the entries of one node."""
    live: cython.Py_ssize_t = int(items[0])
    dead: cython.Py_ssize_t = int(items[1])
    names: cython.Py_ssize_t = int(items[2])
    at: cython.Py_ssize_t = 3 + names + 1
    count: cython.Py_ssize_t
    flags: cython.int
    if names < 0 or len(items) < at or items[at - 1] != b"0":
        raise ValueError("no master entry")
    master: list = items[3 : 3 + names]
    for _ in range(live + dead):
        flags = int(items[at])
        id = (ms + int(items[at + 1]), seq + int(items[at + 2]))
        at += 3
        if flags & SAME_FIELDS:
            values = items[at : at + names]
            if len(values) != names:
                raise ValueError("entry is cut")
            fields = [None] * (2 * names)
            fields[::2] = master
            fields[1::2] = values
            at += names
        else:
            count = int(items[at])
            at += 1
            if count < 0 or at + 2 * count > len(items):
                raise ValueError("entry is cut")
            fields = items[at : at + 2 * count]
            at += 2 * count
        if at >= len(items):
            raise ValueError("entry is cut")
        at += 1
        if flags & DELETED:
            dead -= 1
        else:
            live -= 1
            found.append((id, fields))
    if at != len(items) or live or dead:
        raise ValueError("wrong count")


@cython.cfunc
def _number(value: object) -> bytes:
    return b"%d" % value


@cython.ccall
def encode_stream(sink: Sink, stream: object) -> object:
    """Append a stream as type 19 (Redis 7.0)."""
    entries: list = stream.entries
    size: cython.Py_ssize_t
    nodes: list = []
    node: list = []
    size = 0
    for entry in entries:
        if node and (len(node) >= NODE_ENTRIES or size >= NODE_BYTES):
            nodes.append(node)
            node = []
            size = 0
        node.append(entry)
        for text in entry[1]:
            size += len(text) + 2
    if node:
        nodes.append(node)
    sink.length(len(nodes))
    for node in nodes:
        (ms, seq), fields = node[0]
        sink.string(ms.to_bytes(8, "big") + seq.to_bytes(8, "big"))
        master = fields[::2]
        items: list = [_number(len(node)), b"0", _number(len(master)), *master, b"0"]
        for id, fields in node:
            same = fields[::2] == master
            items.append(b"2" if same else b"0")
            items.append(_number(id[0] - ms))
            items.append(_number(id[1] - seq))
            if same:
                items.extend(fields[1::2])
                items.append(_number(len(master) + 3))
            else:
                items.append(_number(len(fields) // 2))
                items.extend(fields)
                items.append(_number(len(fields) + 4))
        sink.string(listpack(items))
    sink.length(len(entries))
    for id in (stream.last_id, entries[0][0] if entries else (0, 0), stream.max_deleted_id):
        sink.length(id[0])
        sink.length(id[1])
    sink.length(stream.entries_added)
    sink.length(len(stream.groups))
    for group in stream.groups:
        sink.string(group.name)
        sink.length(group.last_id[0])
        sink.length(group.last_id[1])
        sink.length(UNKNOWN if group.entries_read < 0 else group.entries_read)
        sink.length(len(group.pending))
        for id, (at, deliveries) in group.pending.items():
            sink.raw(id[0].to_bytes(8, "big") + id[1].to_bytes(8, "big"))
            sink.number(at, 8)
            sink.length(deliveries)
        sink.length(len(group.consumers))
        for consumer in group.consumers:
            sink.string(consumer.name)
            sink.number(consumer.seen, 8)
            sink.length(len(consumer.pending))
            for id in consumer.pending:
                sink.raw(id[0].to_bytes(8, "big") + id[1].to_bytes(8, "big"))
