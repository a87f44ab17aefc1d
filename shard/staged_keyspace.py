"""Commands on the whole keyspace inside an operation that holds all shards: KEYS, DBSIZE, SCAN, RANDOMKEY, SWAPDB.

    what the other shards answer (they are held, so it stays true)
    + this shard's own keys  - what the operation has written or deleted  + what it has made

Only where all shards are held whole: `ask` of a staged database (shard/staging.py) is there. FLUSHALL and FLUSHDB empty
the staged database; they and SWAPDB go into every shard's part of the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.glob import matches
from cluster.numbers import parse_cursor
from cluster.whole_keyspace import next_cursor, split_cursor


def require_all(db: Any) -> None:
    """CommandError unless a staged database's operation holds all shards."""
    if db.ask is None:
        raise CommandError(errors.WHOLE_KEYSPACE)


def others(engine: Any, words: list[bytes], shards: list[int] | None = None) -> list[Any]:
    """What other shards (all) answer to a read on the whole keyspace, of the time before the operation."""
    db = engine.db
    require_all(db)
    if db.flushed:
        return []
    if shards is None:
        shards = [shard for shard in range(engine.worker_shards) if shard != engine.shard_index]
    answers: list[Any] = db.ask.shards(shards, db.real.index, words)
    return answers


def _made(engine: Any, names: Any) -> Iterator[bytes]:
    """Those of the names that the operation has given a value."""
    from shard.staging import MISSING

    db = engine.db
    for name in names:
        if db.local[name] is not MISSING and not 0 <= db.times[name] <= engine.now:
            yield name


def keys(engine: Any, pattern: bytes) -> list[bytes]:
    """KEYS pattern."""
    from shard.commands.generic import matching

    db = engine.db
    found: list[bytes] = matching(db, pattern, engine.now)
    for names in others(engine, [b"KEYS", pattern]):
        found += names
    found = [name for name in found if name not in db.local]
    return found + [name for name in _made(engine, db.local) if matches(pattern, name)]


def size(engine: Any) -> int:
    """DBSIZE: a staged database counts what it takes from and adds to those of other shards, too."""
    return int(engine.db.size + sum(others(engine, [b"DBSIZE"])))


def scan(engine: Any, args: list[bytes]) -> list[Any]:
    """SCAN cursor ...: a page of one shard. What the operation has made comes with the first page; a key that it has
    written keeps its place."""
    from shard.commands.scan import Options
    from shard.commands.scan import scan as scan_own
    from shard.staging import MISSING

    db, count = engine.db, engine.worker_shards
    require_all(db)
    cursor = parse_cursor(args[1])
    options = Options(args[2:])
    inner, shard = split_cursor(cursor, count)
    words = [b"SHARD.SCAN", b"%d" % inner, *args[2:]]
    after, names = b"0", []
    if shard != engine.shard_index:
        after, names, _ = next(iter(others(engine, words, [shard])), (after, names, 0))
    elif not db.flushed:
        engine.db = db.real
        try:
            after, names, _ = scan_own(engine, words)
        finally:
            engine.db = db
    names = [name for name in names if db.local.get(name) is not MISSING]
    if options.type is not None:
        names = [name for name in names if name not in db.local or _is(options.type, db.local[name])]
    if cursor == 0:
        for name in _made(engine, db.absent if options.type is None else db.local):
            if (options.pattern is None or matches(options.pattern, name)) and (
                options.type is None or (_is(options.type, db.local[name]) and name not in names)
            ):
                names.append(name)
    return [b"%d" % (0 if db.flushed else next_cursor(int(after), shard, count)), names]


def _is(kind: bytes, value: Any) -> bool:
    from shard.commands.generic import type_name

    return type_name(value) == kind


def randomkey(engine: Any) -> bytes | None:
    """RANDOMKEY: drawn from what is really there as long as that is likely to be there still, else from all names."""
    from shard.commands.scan import any_key

    db = engine.db
    for _ in range(3):
        drawn = [(key, count) for key, count in others(engine, [b"SHARD.RANDOMKEY"]) if key is not None]
        if db.real.size and not db.flushed:
            drawn.append((any_key(engine, db.real), db.real.size))
        made = list(_made(engine, db.absent))
        if made:
            drawn.append((engine.rng.choice(made), len(made)))
        if not drawn:
            break
        key: bytes = engine.rng.choices([key for key, _ in drawn], [count for _, count in drawn])[0]
        if engine.lookup(key) is not None:
            return key
    names = keys(engine, b"*")
    return engine.rng.choice(names) if names else None


def swap(engine: Any, first: int, second: int) -> None:
    """SWAPDB: the staged databases trade everything that they have; what was written moves with it."""
    one, other = engine.dbs[first], engine.dbs[second]
    require_all(one)
    state = one.state()
    one.restore(other.state())
    other.restore(state)
    traded = {first: second, second: first}
    engine.staged = {(traded.get(db, db), key) for db, key in engine.staged}
