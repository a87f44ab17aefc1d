"""Values between the keyspace's containers and their plain forms (see `shard.rdb.model`)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from shard.rdb.model import ConsumerData, GroupData, HashData, StreamData


def to_plain(value: Any) -> tuple[bytes, Any]:
    """(type name, plain form) of a stored value."""
    if isinstance(value, (bytes, bytearray)):
        return b"string", bytes(value)
    name = value.type_name
    return name, TO_PLAIN[name](value)


def from_plain(name: bytes, plain: Any) -> Any:
    """The container of a plain form. ValueError when no container can hold it."""
    return plain if name == b"string" else FROM_PLAIN[name](plain)


def _container(module: str, name: str) -> Any:
    return getattr(import_module(f"shard.values.{module}"), name)


def _list(items: list[bytes]) -> Any:
    return _container("lists", "ListValue").load(items)


def _set(items: list[bytes]) -> Any:
    return _container("sets", "SetValue").load(items)


def _zset(pairs: list[tuple[bytes, float]]) -> Any:
    return _container("zsets", "ZSetValue").load(pairs)


def _hash(data: HashData) -> Any:
    value = _container("hashes", "HashValue").load(zip(data.items[::2], data.items[1::2], strict=True))
    for field, at_ms in data.expiry.items():
        if value.has(field):
            value.set_expire(field, at_ms)
    return value


def _hash_plain(value: Any) -> HashData:
    data = HashData(value.flat())
    if value.earliest() >= 0:
        for field in data.items[::2]:
            at_ms = value.expire_at(field)
            if at_ms >= 0:
                data.expiry[field] = at_ms
    return data


def _stream(data: StreamData) -> Any:
    value = _container("streams", "StreamValue")()
    for entry_id, fields in data.entries:
        value.add(entry_id, fields)
    value.set_last_id(data.last_id, data.entries_added, data.max_deleted_id)
    for said in data.groups:
        group = value.create_group(said.name, said.last_id, said.entries_read)
        if group is None:
            raise ValueError("a stream with a group that stands twice")
        for consumer in said.consumers:
            made = group.create(consumer.name, consumer.seen, consumer.active)
            for entry_id in consumer.pending:
                group.add_pending(entry_id, made, *said.pending[entry_id])
        if len(group.pel) != len(said.pending):
            raise ValueError("a stream with a pending entry that is no consumer's")
    return value


def _stream_plain(value: Any) -> StreamData:
    data = StreamData(list(value), value.last_id, value.max_deleted_id, value.added)
    for name, group in value.groups.items():
        plain = GroupData(name, group.last_id, group.entries_read)
        for entry_id, at_ms, deliveries, _ in group.pel.items():
            plain.pending[entry_id] = (at_ms, deliveries)
        for consumer in group.consumers.values():
            pending = [row[0] for row in consumer.pel.items()]
            plain.consumers.append(ConsumerData(consumer.name, consumer.seen, consumer.active, pending))
        data.groups.append(plain)
    return data


TO_PLAIN: dict[bytes, Callable[[Any], Any]] = {
    b"list": list,
    b"set": list,
    b"zset": list,
    b"hash": _hash_plain,
    b"stream": _stream_plain,
}
FROM_PLAIN: dict[bytes, Callable[[Any], Any]] = {
    b"list": _list,
    b"set": _set,
    b"zset": _zset,
    b"hash": _hash,
    b"stream": _stream,
}
