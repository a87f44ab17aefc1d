"""HyperLogLog commands. The value is a string in Redis's own bytes."""

from __future__ import annotations

from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.replies import OK, Status
from shard.registry import handles
from shard.signals import N_STRING
from shard.values import hyperloglog as hll


def _find(engine: Any, key: bytes) -> bytes | bytearray | None:
    value = engine.typed(key, (bytes, bytearray))
    if value is not None and not hll.valid(value):
        raise CommandError(errors.HLL_INVALID)
    return value


def _writable(engine: Any, key: bytes, value: bytes | bytearray | None) -> bytearray:
    """The value in a form that can be changed in place."""
    if type(value) is bytearray:
        return value
    mutable = hll.create() if value is None else bytearray(value)
    engine.put(key, mutable)
    return mutable


def _sparse_max(engine: Any) -> int:
    return engine.config.get("hll-sparse-max-bytes", 3000)


@handles("PFADD")
def pfadd(engine: Any, args: list[bytes]) -> int:
    """PFADD key [element ...]"""
    value = _find(engine, args[1])
    changes = 1 if value is None else 0
    sketch = _writable(engine, args[1], value)
    try:
        for element in args[2:]:
            changes += hll.add(sketch, element, _sparse_max(engine))
    except hll.Corrupt:
        raise CommandError(errors.HLL_CORRUPT) from None
    if changes:
        hll.invalidate(sketch)
        engine.changed(args[1], b"pfadd", N_STRING, changes)
    return 1 if changes else 0


@handles("PFCOUNT")
def pfcount(engine: Any, args: list[bytes]) -> int:
    """PFCOUNT key [key ...]"""
    try:
        if len(args) == 2:
            return _count(engine, args[1])
        return hll.estimate(_merged(engine, args[1:])[0])
    except hll.Corrupt:
        raise CommandError(errors.HLL_CORRUPT) from None


def _count(engine: Any, key: bytes) -> int:
    """The estimate of one key. A new one is kept in the value: that is a write, which watchers and replicas see."""
    value = _find(engine, key)
    if value is None:
        return 0
    known = hll.cached(value)
    if known >= 0:
        return known
    if not engine.master and not engine.replaying:
        return hll.count(bytes(value))
    known = hll.count(_writable(engine, key, value))
    engine.touched(key)
    return known


def _merged(engine: Any, keys: list[bytes]) -> tuple[bytearray, bool]:
    """(the highest of all registers, whether one of the values is dense)."""
    registers = bytearray(16384)
    dense = False
    for key in keys:
        value = _find(engine, key)
        if value is not None:
            dense = dense or value[4] == 0
            hll.merge(registers, value)
    return registers, dense


@handles("PFMERGE")
def pfmerge(engine: Any, args: list[bytes]) -> Any:
    """PFMERGE destkey [sourcekey ...]"""
    try:
        registers, dense = _merged(engine, args[1:])
        sketch = _writable(engine, args[1], _find(engine, args[1]))
        if dense:
            hll.to_dense(sketch)
        hll.assign(sketch, registers, _sparse_max(engine))
    except hll.Corrupt:
        raise CommandError(errors.HLL_CORRUPT) from None
    engine.changed(args[1], b"pfadd", N_STRING)
    return OK


@handles("PFDEBUG")
def pfdebug(engine: Any, args: list[bytes]) -> Any:
    """PFDEBUG GETREG | DECODE | ENCODING | TODENSE key"""
    what = args[1].upper()
    value = _find(engine, args[2])
    if value is None:
        raise CommandError(errors.PFDEBUG_NO_KEY)
    if what == b"ENCODING":
        return Status(b"dense" if value[4] == 0 else b"sparse")
    if what == b"DECODE":
        if value[4] == 0:
            raise CommandError(errors.PFDEBUG_NOT_SPARSE)
        return _decoded(value)
    if what not in (b"GETREG", b"TODENSE"):
        raise CommandError(errors.PFDEBUG_UNKNOWN.format(name=args[1].decode("utf-8", "replace")))
    converted = value[4] == 1
    if converted:
        try:
            hll.to_dense(_writable(engine, args[2], value))
        except hll.Corrupt:
            raise CommandError(errors.HLL_CORRUPT) from None
        engine.changed(args[2], b"pfdebug", N_STRING)
        engine.effect(b"PFDEBUG", b"TODENSE", args[2])
    if what == b"TODENSE":
        return int(converted)
    return list(_merged(engine, [args[2]])[0])


def _decoded(value: bytes | bytearray) -> bytes:
    """The opcodes of a sparse value as text, z:3 Z:1000 v:5,2."""
    words = []
    at = 16
    while at < len(value):
        op = value[at]
        if op & 0x80:
            words.append(b"v:%d,%d" % ((op >> 2 & 31) + 1, (op & 3) + 1))
        elif op & 0x40:
            at += 1
            words.append(b"Z:%d" % (((op & 63) << 8 | value[at]) + 1))
        else:
            words.append(b"z:%d" % (op + 1))
        at += 1
    return b" ".join(words)


@handles("PFSELFTEST")
def pfselftest(engine: Any, args: list[bytes]) -> Any:
    """PFSELFTEST: sparse and dense agree, and the estimate is within four standard errors."""
    sparse, dense = hll.create(), hll.create()
    hll.to_dense(dense)
    for i in range(20000):
        element = b"element:%d" % i
        if hll.add(sparse, element, 3000) != hll.add(dense, element, 3000):
            raise CommandError(errors.PFSELFTEST_FAILED)
    if abs(hll.count(dense) - 20000) > 20000 * 4 * 1.04 / 128 or hll.count(sparse) != hll.count(dense):
        raise CommandError(errors.PFSELFTEST_FAILED)
    return OK
