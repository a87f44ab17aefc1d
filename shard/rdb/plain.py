"""Values between the keyspace's containers and their plain forms (see `shard.rdb.model`)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from shard.rdb.model import HashData


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
    value = _container("lists", "ListValue")()
    for item in items:
        value.push_right(item)
    return value


def _set(items: list[bytes]) -> Any:
    value = _container("sets", "SetValue")()
    for item in items:
        value.add(item)
    return value


def _zset(pairs: list[tuple[bytes, float]]) -> Any:
    return _container("zsets", "ZSetValue").load(pairs)


def _hash(data: HashData) -> Any:
    value = _container("hashes", "HashValue")()
    for i in range(0, len(data.items), 2):
        value.set(data.items[i], data.items[i + 1])
    for field, at_ms in data.expiry.items():
        if value.has(field):
            value.set_expire(field, at_ms)
    return value


def _hash_plain(value: Any) -> HashData:
    items: list[bytes] = []
    for field, content in value.items():
        items.append(field)
        items.append(content)
    data = HashData(items)
    for field in items[::2]:
        at_ms = value.expire_at(field)
        if at_ms < 0:
            continue
        data.expiry[field] = at_ms
    return data


TO_PLAIN: dict[bytes, Callable[[Any], Any]] = {
    b"list": list,
    b"set": list,
    b"zset": list,
    b"hash": _hash_plain,
}
FROM_PLAIN: dict[bytes, Callable[[Any], Any]] = {
    b"list": _list,
    b"set": _set,
    b"zset": _zset,
    b"hash": _hash,
}
