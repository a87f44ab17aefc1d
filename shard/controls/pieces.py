"""Large values of operations over several shards, in pieces (shard/pieces.py).

    SHARD.PULL op db key here    the next piece; here "1": it stays, for the journal of this shard
    SHARD.PUSH op db key keep raw    a piece comes; keep "1": it is to be adopted
    SHARD.SEEN key group [consumer seen active ...]   (in a piece) unix ms; what XGROUP CREATECONSUMER and XCLAIM do not say
    SHARD.ADOPT op key           (in a record) the value that has come or was made here is the key's from now on

The first two overtake what waits for a hold and answer by events:
("op", id, "piece", raw, "1" if there are more) and ("op", id, "took").
"""

from __future__ import annotations

from typing import Any

from cluster.errors import CommandError
from cluster.replies import OK
from shard.registry import handles
from shard.signals import N_GENERIC


@handles("SHARD.PULL")
def pull(engine: Any, args: list[bytes]) -> Any:
    """Nothing is told of an operation that has ended meanwhile."""
    _, op, number, key, here = args
    engine.no_effect()
    db = int(number)
    if (op, db, key) not in engine.pieces.sent:
        return None
    raw = engine.pieces.give(op, db, key)
    if here == b"1" and raw:
        engine.pieces.keep(op, db, key, raw)
    engine.events.append((b"op", op, b"piece", b"" if here == b"1" else raw, b"1" if raw else b"0"))
    return None


@handles("SHARD.PUSH")
def push(engine: Any, args: list[bytes]) -> Any:
    """Nothing is kept for an operation that has ended meanwhile."""
    _, op, number, key, keep, raw = args
    engine.no_effect()
    if op in engine.holds.operations:
        engine.pieces.take(engine, op, int(number), key, raw, keep == b"1")
        engine.events.append((b"op", op, b"took"))
    return None


@handles("SHARD.SEEN")
def seen(engine: Any, args: list[bytes]) -> Any:
    """Neither journals nor replicas have it (`shard.pieces.is_journalled`): there consumers are seen when the value comes."""
    group = engine.lookup(args[1]).groups[args[2]]
    engine.no_effect()
    for name, seen_ms, active_ms in zip(args[3::3], args[4::3], args[5::3], strict=True):
        consumer = group.consumers[name]
        consumer.seen, consumer.active = int(seen_ms), int(active_ms)
    return OK


@handles("SHARD.ADOPT")
def adopt(engine: Any, args: list[bytes]) -> Any:
    """Only the shard that has the pieces runs this, before all others (router/operation.py)."""
    _, op, key = args
    engine.no_effect()
    try:
        value, at_ms, raws = engine.pieces.adopt(op, engine.db.index, key)
    except KeyError:
        raise CommandError("ERR the pieces of this value are not here") from None
    if engine.delete(key):
        engine.effect(b"DEL", key)
    engine.overwrite(key, value)
    if at_ms >= 0:
        engine.set_expire(key, at_ms)
    engine.unit.extend((engine.db.index, raw) for raw in raws)
    engine.changed(key, b"restore", N_GENERIC)
    return OK
