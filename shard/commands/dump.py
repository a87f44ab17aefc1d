"""DUMP and RESTORE: a value as bytes that any Redis understands."""

from __future__ import annotations

from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int
from cluster.replies import OK
from shard.rdb.errors import DamagedFile
from shard.rdb.reader import restore as load_payload
from shard.rdb.writer import dump as dump_payload
from shard.registry import handles
from shard.signals import N_GENERIC

BAD_PAYLOAD = "ERR DUMP payload version or checksum are wrong"
BAD_DATA = "ERR Bad data format"


@handles("DUMP")
def dump(engine: Any, args: list[bytes]) -> Any:
    """DUMP key"""
    value = engine.lookup(args[1])
    return None if value is None else dump_payload(value)


@handles("RESTORE", "RESTORE-ASKING")
def restore(engine: Any, args: list[bytes]) -> Any:
    """RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]"""
    key = args[1]
    replace = absolute = False
    idle_s = frequency = -1
    at = 4
    while at < len(args):
        word = args[at].upper()
        more = at + 1 < len(args)
        if word == b"REPLACE":
            replace = True
        elif word == b"ABSTTL":
            absolute = True
        elif word == b"IDLETIME" and more and frequency < 0:
            at += 1
            idle_s = parse_int(args[at])
            if idle_s < 0:
                raise CommandError("ERR Invalid IDLETIME value, must be >= 0")
        elif word == b"FREQ" and more and idle_s < 0:
            at += 1
            frequency = parse_int(args[at])
            if not 0 <= frequency <= 255:
                raise CommandError("ERR Invalid FREQ value, must be >= 0 and <= 255")
        else:
            raise errors.syntax_error()
        at += 1
    if not replace and engine.lookup(key) is not None:
        raise CommandError(errors.BUSYKEY)
    ttl_ms = parse_int(args[2])
    if ttl_ms < 0:
        raise CommandError("ERR Invalid TTL value, must be >= 0")
    try:
        value = load_payload(args[3])
    except ValueError:
        raise CommandError(BAD_PAYLOAD) from None
    except DamagedFile:
        raise CommandError(BAD_DATA) from None
    expire_ms = 0 if not ttl_ms else ttl_ms if absolute else engine.now + ttl_ms
    there = replace and engine.delete(key)
    if 0 < expire_ms <= engine.now and not engine.replaying:
        # Born dead: what is left of the command is that the old value went.
        if there:
            engine.changed(key, b"del", N_GENERIC)
            engine.effect(b"DEL", key)
        return OK
    engine.overwrite(key, value)
    if expire_ms:
        engine.set_expire(key, expire_ms)
    if engine.track_access and (idle_s >= 0 or frequency >= 0):
        engine.access.restored(engine, key, idle_s, frequency)
    options = [b"REPLACE"] if replace else []
    if expire_ms:
        options.append(b"ABSTTL")
    engine.changed(key, b"restore", N_GENERIC)
    engine.effect(b"RESTORE", key, expire_ms, args[3], *options)
    return OK
