"""When two replies count as the same, and the differences that are known and meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .resp import Mark

Args = list[bytes]
SORTED = {b"SMEMBERS", b"SUNION", b"SINTER", b"SDIFF", b"KEYS", b"HKEYS", b"HVALS"}
CHANCE = {b"SPOP", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER", b"RANDOMKEY"}
SCANS = {b"SCAN", b"HSCAN", b"SSCAN", b"ZSCAN"}
CLOCKS = {b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"}
UNSORTED_GEO = {b"GEORADIUS", b"GEORADIUS_RO", b"GEORADIUSBYMEMBER", b"GEORADIUSBYMEMBER_RO", b"GEOSEARCH"}
SHAPED_SUBCOMMANDS = {(b"OBJECT", b"REFCOUNT"), (b"OBJECT", b"IDLETIME"), (b"OBJECT", b"FREQ"), (b"MEMORY", b"USAGE")}
AUTO_ID = re.compile(rb"1[0-9]{12}-[0-9]+")  # what XADD * makes
MASKED_FIELDS = {b"idle", b"inactive", b"seen-time", b"active-time", b"radix-tree-keys", b"radix-tree-nodes"}
NEW_FIELDS = {b"inactive", b"active-time"}  # Redis 7.2's, which the 7.0 oracle lacks
CHANGED = {b"zrank", b"zrevrank"}  # take WITHSCORE from 7.2 on
CLOCK_SLACK_MS = 2000


def shape(reply: Any) -> Any:
    """The kinds and lengths of a reply, without its contents."""
    if isinstance(reply, list):
        return [shape(item) for item in reply]
    if isinstance(reply, Mark):
        if reply.kind == "-":
            return reply
        return Mark(reply.kind, shape(reply.value) if isinstance(reply.value, list) else None)
    return type(reply).__name__


def ordered(reply: Any, step: int = 1) -> Any:
    """Elements (or groups of `step`) in one fixed order."""
    items = reply.value if isinstance(reply, Mark) else reply
    if not isinstance(items, list):
        return reply
    groups = sorted((items[i : i + step] for i in range(0, len(items), step)), key=repr)
    flat = [item for group in groups for item in group]
    return Mark(reply.kind, flat) if isinstance(reply, Mark) else flat


def masked(reply: Any) -> Any:
    """Stream descriptions without times, and without the fields that only newer versions have."""
    if isinstance(reply, Mark) and isinstance(reply.value, list):
        return Mark(reply.kind, masked(reply.value))
    if not isinstance(reply, list):
        if isinstance(reply, bytes) and AUTO_ID.fullmatch(reply):
            return "id made of the time"
        return "time" if isinstance(reply, int) and reply > 10**9 else reply
    result: list[Any] = []
    skip = False
    for at, item in enumerate(reply):
        if skip:
            skip = False
        elif isinstance(item, bytes) and item in NEW_FIELDS:
            skip = True
        elif at and isinstance(reply[at - 1], bytes) and reply[at - 1] in MASKED_FIELDS:
            result.append("masked")
        else:
            result.append(masked(item))
    return result


def unordered(reply: Any) -> Any:
    """A command's description: sets in one order."""
    if isinstance(reply, Mark) and isinstance(reply.value, list):
        return Mark(reply.kind, unordered(reply.value))
    if not isinstance(reply, list):
        return reply
    items = [unordered(item) for item in reply]
    words = all(isinstance(item, bytes) or (isinstance(item, Mark) and item.kind == "+") for item in items)
    return sorted(items, key=repr) if words else items


def descriptions(reply: Any) -> dict[Any, Any]:
    """What COMMAND says of each command and subcommand, by name."""
    found: dict[Any, Any] = {}
    for row in reply if isinstance(reply, list) else []:
        if isinstance(row, list):
            found[row[0]] = [unordered(part) for part in row[1:9]]
            found |= descriptions(row[9])
        else:
            found[repr(row)] = row
    return found


def normal(args: Args, reply: Any) -> Any:
    """A reply in the form in which two servers' replies must be equal."""
    name = args[0].upper()
    words = [arg.upper() for arg in args]
    if isinstance(reply, Mark) and reply.is_error:  # ours are UTF-8, Redis's end at a zero byte
        return Mark("-", reply.value.replace(b"\xef\xbf\xbd", b"\xff").replace(b"\0", b""))
    if name in SORTED:
        return ordered(reply)
    if name == b"HGETALL":
        return ordered(reply, 2)
    if name in CHANCE or (name, words[1] if len(words) > 1 else b"") in SHAPED_SUBCOMMANDS:
        return shape(reply)
    if name in SCANS and isinstance(reply, list) and len(reply) == 2:
        if reply[0] != b"0" or args[1 if name == b"SCAN" else 2] != b"0":  # or a cursor that no scan gave
            return "part of a scan"
        return [b"0", ordered(reply[1], 2 if name in (b"HSCAN", b"ZSCAN") else 1)]
    if name in (b"SORT", b"SORT_RO") and b"BY" in words and isinstance(reply, list):
        by = words[words.index(b"BY") + 1 :]
        if by and (b"*" not in by[0] or b"ALPHA" in words):  # a set's own order, or equal weights
            return shape(reply) if b"LIMIT" in words else ordered(reply)
    if name in UNSORTED_GEO:
        if b"ANY" in words:
            return shape(reply)
        if not {b"ASC", b"DESC", b"COUNT"} & set(words):
            return ordered(reply)
    if name == b"HELLO" or words[:2] == [b"CLIENT", b"LIST"]:
        return shape(reply)
    if words[:2] in ([b"FUNCTION", b"LIST"], [b"COMMAND", b"LIST"]):
        return unordered(reply) if name == b"COMMAND" else ordered(reply)
    if name == b"XADD" and b"*" in args:
        return shape(reply)
    if name in (b"XINFO", b"XRANGE", b"XREVRANGE", b"XREAD", b"XREADGROUP"):
        return masked(reply)
    if name == b"XPENDING" and isinstance(reply, list):
        return [[*item[:2], "idle", *item[3:]] if isinstance(item, list) and len(item) == 4 else item for item in reply]
    return reply


# (reason, predicate of upper-case words, our reply, the oracle's reply)
KNOWN: list[tuple[str, Callable[[Args, Any, Any], bool]]] = [
    (
        "7.2 keeps small lists and small sets of strings as listpacks, 7.0 does not",
        lambda words, ours, theirs: (
            words[:2] == [b"OBJECT", b"ENCODING"] and ours == b"listpack" and theirs in (b"quicklist", b"hashtable")
        ),
    ),
    (
        "a string is its bytes and keeps no memory of how they were made, so a new owner sees the shortest encoding",
        lambda words, ours, theirs: (
            words[:2] == [b"OBJECT", b"ENCODING"] and ours in (b"int", b"embstr") and theirs in (b"embstr", b"raw")
        ),
    ),
    (
        "a key whose time has come has memory until it is deleted, which each server does in its own time",
        lambda words, ours, theirs: (
            words[:2] == [b"MEMORY", b"USAGE"]
            and any(x == Mark("_") or x == Mark("$-1") for x in (ours, theirs))
        ),
    ),
    (
        "LREM and LPOS refuse the lowest integer from 7.2 on",
        lambda words, ours, theirs: (
            words[0] in (b"LREM", b"LPOS")
            and b"-9223372036854775808" in words
            and isinstance(ours, Mark)
            and ours.is_error
            and not (isinstance(theirs, Mark) and theirs.is_error)
        ),
    ),
    (
        "XREAD takes + from 7.4 on",
        lambda words, ours, theirs: (
            words[0] == b"XREAD"
            and b"+" in words
            and isinstance(theirs, Mark)
            and b"Invalid stream ID" in (theirs.value or b"")
        ),
    ),
    (
        "the text for unbalanced stream lists names the command from 7.2 on",
        lambda words, ours, theirs: all(
            isinstance(x, Mark) and x.is_error and b"Unbalanced" in x.value for x in (ours, theirs)
        ),
    ),
    (
        "SORT of a small sorted set leaves a skiplist in Redis: more memory for ever, and nobody has asked for it",
        lambda words, ours, theirs: (
            words[:2] == [b"OBJECT", b"ENCODING"] and ours == b"listpack" and theirs == b"skiplist"
        ),
    ),
    (
        "which timeouts are negative and which too large depends on how an infinite long double is cast",
        lambda words, ours, theirs: all(
            isinstance(x, Mark) and x.is_error and x.value.startswith(b"ERR timeout is ") for x in (ours, theirs)
        ),
    ),
    (
        "ZRANK and ZREVRANK take WITHSCORE from 7.2 on",
        lambda words, ours, theirs: (
            words[0] in (b"ZRANK", b"ZREVRANK")
            and len(words) == 4
            and theirs.value.startswith(b"ERR wrong number of arguments")
        ),
    ),
    (
        "7.2 reads the arguments of BITCOUNT and BITPOS before it looks whether the key is there",
        lambda words, ours, theirs: (
            words[0] in (b"BITCOUNT", b"BITPOS")
            and isinstance(ours, Mark)
            and ours.is_error
            and (theirs in (0, -1) or (isinstance(theirs, Mark) and theirs.value.startswith(b"WRONGTYPE")))
        ),
    ),
]


def known_difference(args: Args, ours: Any, theirs: Any) -> str:
    """Why these two replies may differ, empty when they may not."""
    for reason, applies in KNOWN:
        if applies([arg.upper() for arg in args], ours, theirs):
            return reason
    return ""


def same(args: Args, ours: Any, theirs: Any) -> bool:
    """Whether the replies of both sides to one command agree."""
    mine, other = normal(args, ours), normal(args, theirs)
    if mine == other:
        return True
    if "part of a scan" in (mine, other) and isinstance(ours, list) and isinstance(theirs, list):
        return True
    name = args[0].upper()
    if name == b"COMMAND" and (len(args) == 1 or args[1].upper() == b"INFO"):
        known = descriptions(ours)
        return all(known.get(row) == said or row in CHANGED for row, said in descriptions(theirs).items())
    if name == b"COMMAND" and args[1].upper() == b"LIST" and isinstance(ours, list) and isinstance(theirs, list):
        return set(theirs) <= set(ours)  # which newer versions have, TABLE tells
    if name in CLOCKS and isinstance(mine, int) and isinstance(other, int) and min(mine, other) >= 0:
        return abs(mine - other) <= (CLOCK_SLACK_MS if name.startswith(b"P") else CLOCK_SLACK_MS // 1000)
    return bool(known_difference(args, ours, theirs))
