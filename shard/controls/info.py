"""SHARD.INFO: a shard's figures, and SHARD.DEBUG: what test-suites do to it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from typing import Any

from cluster import errors
from cluster.errors import CommandError, subcommand_syntax
from cluster.replies import OK, Status
from shard.children import REWRITE, SNAPSHOT
from shard.commands.generic import peek
from shard.commands.object import encoding, memory_of
from shard.registry import HANDLERS, handles


def keyspace(engine: Any) -> dict[str, dict[str, int]]:
    """For each database that has keys: keys, expires, and avg_ttl in ms from a sample of them."""
    found = {}
    for db in engine.dbs:
        if db.size:
            ttls: list[int] = []
            for times in db.expires if db.volatile else ():
                if times:
                    ttls.extend(max(at_ms - engine.now, 0) for at_ms in times.values())
                    if len(ttls) >= 1000:
                        break
            average = sum(ttls) // len(ttls) if ttls else 0
            found[str(db.index)] = {"keys": db.size, "expires": db.volatile, "avg_ttl": average}
    return found


def overhead(engine: Any) -> dict[str, list[int]]:
    """For each database that has keys: bytes of its tables of keys, and of expiry times, without what stands in them."""
    return {
        str(db.index): [
            sum(table.overhead() for table in db.slots if table is not None),
            sum(sys.getsizeof(times) for times in db.expires if times is not None),
        ]
        for db in engine.dbs
        if db.size
    }


def persistence(engine: Any) -> dict[str, Any]:
    """The state of the journal and of snapshots; empty for an engine without a worker."""
    worker = engine.worker
    if worker is None:
        return {}
    children = worker.children
    snapshots, rewrites = children.kinds[SNAPSHOT], children.kinds[REWRITE]
    now_s = time.monotonic()
    current = children.current()
    found: dict[str, Any] = {
        "rdb_changes_since_last_save": engine.changes - worker.changes_at_save,
        "rdb_bgsave_in_progress": int(worker.saving),
        "rdb_last_save_time": worker.last_save_s,
        "rdb_last_bgsave_status": "ok" if worker.last_save_ok else "err",
        "rdb_last_bgsave_time_sec": snapshots.last_s,
        "rdb_current_bgsave_time_sec": snapshots.current_s(now_s),
        "rdb_saves": snapshots.done + worker.saves,
        "rdb_last_cow_size": snapshots.last_cow,
        "rdb_last_load_keys_loaded": worker.loaded_keys,
        "rdb_last_load_keys_expired": worker.expired_at_load,
        "current_cow_size": current["cow"],
        "current_cow_size_age": current["cow_age"],
        "current_cow_peak": children.cow_peak,
        "current_save_keys_processed": current["written"],
        "current_save_keys_total": current["keys"],
        "latest_fork_usec": children.last_fork_us,
        "total_forks": children.forks,
        "aof_rewrites": rewrites.done,
        "aof_rewrites_consecutive_failures": rewrites.failures,
        "aof_last_rewrite_time_sec": rewrites.last_s,
        "aof_current_rewrite_time_sec": rewrites.current_s(now_s),
        "aof_last_cow_size": rewrites.last_cow,
    }
    journal = getattr(worker, "journal", None)
    if journal is not None:
        found |= {
            "aof_rewrite_in_progress": int(journal.rewriting),
            "aof_last_bgrewrite_status": "ok" if journal.last_rewrite_ok else "err",
            "aof_rewrites_consecutive_failures": journal.rewrite_failures,
            "aof_last_write_status": "err" if journal.error else "ok",
            "aof_current_size": journal.base_size + journal.size,
            "aof_base_size": journal.base_size,
            "aof_buffer_length": len(journal.pending),
            "aof_pending_bio_fsync": int(journal.syncing),
            "aof_delayed_fsync": journal.delayed_syncs,
        }
    return found


def scripts(engine: Any) -> dict[str, int]:
    """What is loaded; every shard has the same functions."""
    loaded = engine.scripts
    if loaded is None:
        return {}
    return {
        "cached": len(loaded.cache),
        "libraries": len(loaded.library_set.libraries),
        "functions": len(loaded.library_set.functions),
    }


def cpu() -> dict[str, float]:
    """Seconds of this process, and of its forked children that have ended."""
    used, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "user": used.ru_utime,
        "system": used.ru_stime,
        "children_user": children.ru_utime,
        "children_system": children.ru_stime,
    }


UNMEASURED = b"UNMEASURED"


@handles("SHARD.INFO")
def info(engine: Any, args: list[bytes]) -> Any:
    """SHARD.INFO [UNMEASURED | OVERHEAD]: a JSON object with keyspace, memory (with UNMEASURED as it was last measured),
    stats and commands (calls, usec, failed_calls, rejected_calls by name)."""
    engine.no_effect()
    memory = engine.memory
    if UNMEASURED not in args:
        memory.measure(engine)
    stats = engine.stats
    return json.dumps(
        {
            "shard": engine.shard_index,
            "keyspace": keyspace(engine),
            "overhead": overhead(engine) if b"OVERHEAD" in args else {},
            "memory": {
                "used": memory.used,
                "rss": memory.rss,
                "peak": memory.peak,
                "limit": memory.limit,
                "policy": memory.policy,
            },
            "stats": {
                "expired_keys": stats.expired_keys,
                "keyspace_hits": engine.hits,
                "keyspace_misses": engine.misses,
                "evicted_keys": stats.evicted_keys,
                "lazyfreed_objects": stats.lazyfreed,
                "expire_cycle_us": stats.expire_cycle_us,
                "changes": engine.changes,
                "tracking_keys": len(engine.tracking.readers),
                "lazyfree_pending_objects": sum(map(len, engine.lazy)),
            },
            "errors": stats.errors,
            "persistence": persistence(engine),
            "scripts": scripts(engine),
            "cpu": cpu(),
            "latencies": {
                entry.name.decode().lower(): buckets for entry in engine.entries if (buckets := entry.latencies())
            },
            "commands": {
                entry.name.decode().lower(): [entry.calls, entry.usec, entry.failed, entry.rejected]
                for entry in engine.entries
                if entry.calls
            },
        }
    ).encode()


@handles("SHARD.DEBUG")
def debug(engine: Any, args: list[bytes]) -> Any:
    """SHARD.DEBUG OBJECT key | SET-ACTIVE-EXPIRE 0|1 | SLEEP seconds client | RESETSTAT | JMAP |
    SLOT slot count (-1: how many keys the slot has; else some of them)"""
    engine.no_effect()
    word = args[1].upper()
    if word == b"OBJECT" and len(args) == 3:
        return _object(engine, args[2])
    if word == b"SET-ACTIVE-EXPIRE" and len(args) == 3:
        engine.expiry.enabled = args[2] != b"0"
        return OK
    if word == b"SLEEP" and len(args) == 4:
        seconds = float(args[2])
        with contextlib.suppress(OverflowError):  # Redis's nanosleep, too, refuses such times and nobody hears of it
            time.sleep(seconds)  # what it is for: a shard that does not answer
        if engine.shard_index == 0:  # all sleep, and it is one slow command of one client
            log = engine.worker.loop.slowlog
            log.took(engine.now, int(seconds * 1e6), [b"DEBUG", b"SLEEP", args[2]], int(args[3]), False)
        return OK
    if word == b"RESETSTAT":
        engine.stats.reset()
        engine.hits = engine.misses = 0
        for entry in engine.entries:
            entry.forget()
        return OK
    if word == b"SLOT" and len(args) == 4:
        table = engine.db.slots[int(args[2])] or ()
        count = int(args[3])
        return len(table) if count < 0 else list(table)[:count]
    if word == b"FSYNC":
        engine.worker.sync_wanted = True
        return OK
    if word == b"RELOAD":
        path = str(engine.worker.data_directory / "reload.rdb")
        engine.worker.save_now(path)
        try:
            return HANDLERS["SHARD.LOAD"](engine, [b"SHARD.LOAD", path.encode()])
        finally:
            os.unlink(path)
    if word in (b"JMAP", b"QUICKLIST-PACKED-THRESHOLD", b"CHANGE-REPL-ID"):
        return OK
    raise subcommand_syntax([b"DEBUG", args[1]])


def _object(engine: Any, key: bytes) -> Status:
    value = peek(engine, key)
    if value is None:
        raise CommandError(errors.NO_SUCH_KEY)
    idle_s = 0 if engine.access.lfu or not engine.track_access else engine.access.idle_ms(engine, key) // 1000
    return Status(
        b"Value at:%#x refcount:%d encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d"
        % (
            id(value),
            1,  # values are never shared between keys
            encoding(engine, value),
            memory_of(key, value),
            engine.now // 1000 & 0xFFFFFF,
            idle_s,
        )
    )
