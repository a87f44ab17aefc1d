"""What one command needs of the values that it works on: lent in their place, however long they are.

    LMOVE a b LEFT RIGHT    the first element of a; of b only that it is a list
    SMOVE a b m             whether m is in a and in b
    BLPOP a b 0, ZMPOP ...  as many elements of an end as it may take

Only for commands whose effects name elements, never whole values: what is written is done by the owners on their own
values, which the part here need not resemble otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from cluster.command_table import BY_ID
from cluster.wire import parse_command
from shard.values.lists import ListValue
from shard.values.sets import SetValue
from shard.values.zsets import ZSetValue

Part = Callable[[bytes, Any], Any]  # (key, value) -> what stands for it; None: only the whole does
_ENTRY = struct.Struct("<IH")


def projection(entries: bytes) -> Part | None:
    """How packed entries (cluster/frames.py) see the values of their keys, if they are one such command."""
    size, number = _ENTRY.unpack_from(entries)
    make = MAKERS.get(BY_ID[number].name)
    if make is None or size + 12 != len(entries):
        return None
    try:
        return make(parse_command(entries[12:]))
    except (ValueError, IndexError):  # what it says to that is the handler's business
        return None


def _moved(args: list[bytes]) -> Part:
    left = len(args) > 4 and args[3].upper() == b"LEFT"

    def part(key: bytes, value: Any) -> Any:
        if type(value) is not ListValue:
            return None
        if key != args[1]:
            return ListValue.load([b"-"])
        at = 0 if left else len(value) - 1
        return ListValue.load(value.range(at, at))

    return part


def _member(args: list[bytes]) -> Part:
    def part(key: bytes, value: Any) -> Any:
        if type(value) is not SetValue:
            return None
        return SetValue.load([args[3] if args[3] in value else args[3] + b"-"])

    return part


def _list_end(left: bool, count: int) -> Part:
    def part(key: bytes, value: Any) -> Any:
        if type(value) is not ListValue:
            return None
        start = 0 if left else max(0, len(value) - count)
        return ListValue.load(value.range(start, min(start + count, len(value)) - 1))

    return part


def _zset_end(highest: bool, count: int) -> Part:
    def part(key: bytes, value: Any) -> Any:
        if type(value) is not ZSetValue:
            return None
        return ZSetValue.load(value.pairs(len(value) - 1 if highest else 0, count, highest))

    return part


def _several(args: list[bytes], at: int, make: Callable[[bool, int], Part], word: bytes) -> Part:
    """`numkeys key ... LEFT|RIGHT|MIN|MAX [COUNT count]` from args[at] on."""
    behind = at + 1 + int(args[at])
    count = int(args[behind + 2]) if len(args) > behind + 2 else 1
    if not 0 < count < 1 << 31:
        raise ValueError
    return make(args[behind].upper() == word, count)


MAKERS: dict[str, Callable[[list[bytes]], Part]] = {
    "LMOVE": _moved,
    "BLMOVE": _moved,
    "RPOPLPUSH": _moved,
    "BRPOPLPUSH": _moved,
    "SMOVE": _member,
    "BLPOP": lambda args: _list_end(True, 1),
    "BRPOP": lambda args: _list_end(False, 1),
    "BZPOPMIN": lambda args: _zset_end(False, 1),
    "BZPOPMAX": lambda args: _zset_end(True, 1),
    "LMPOP": lambda args: _several(args, 1, _list_end, b"LEFT"),
    "BLMPOP": lambda args: _several(args, 2, _list_end, b"LEFT"),
    "ZMPOP": lambda args: _several(args, 1, _zset_end, b"MAX"),
    "BZMPOP": lambda args: _several(args, 2, _zset_end, b"MAX"),
}
