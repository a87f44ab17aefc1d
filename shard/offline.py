"""A group's data directory without its processes: read it, check it, split it anew.

    DIR/elixircache.json     {"version": 1, "shards": N}
    DIR/shard-0 ... shard-N-1

Splitting for another number of shards writes the new directories whole under DIR/resplit, then
notes the exchange in the manifest, then moves directories. A crash before the note leaves the old
data, after it the next start finishes the moves: at no moment is there only half of anything.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.records import record_id, unpack
from cluster.slots import slot_ranges
from shard.engine import Engine
from shard.journal import LAST_RECORD, Journal, Manifest, Refused, sync_directory
from shard.rdb.errors import DamagedFile
from shard.rdb.reader import load, open_rdb
from shard.rdb.writer import Writer
from shard.replay import DamagedStream, whole_units

log = logging.getLogger("elixircache")
VERSION = 1
CHUNK = 8 << 20
Progress = Callable[[str], None]


def shard_directories(directory: Path) -> list[Path]:
    """shard-0, shard-1, ... as far as they are there."""
    found = []
    while (path := directory / f"shard-{len(found)}").is_dir():
        found.append(path)
    return found


def read_manifest(directory: Path) -> dict[str, Any]:
    """The group's manifest, {} if there is none. Refused."""
    path = directory / "elixircache.json"
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Refused(f"{path}: {error}") from None
    if content.get("version") != VERSION:
        raise Refused(f"{path}: version {content.get('version')} is not known; this program knows {VERSION}")
    return dict(content)


def write_manifest(directory: Path, **content: Any) -> None:
    """Replace the group's manifest in one step."""
    fresh = directory / "elixircache.json.temp"
    with fresh.open("w") as file:
        json.dump({"version": VERSION, **content}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(directory / "elixircache.json")
    sync_directory(directory)


def load_shard(path: Path, index: int, shards: int, config: Any) -> Engine:
    """One shard's data; no file is changed. Refused."""
    engine = Engine(config)
    engine.now = time.time_ns() // 1_000_000
    engine.shard_index = index
    engine.worker_shards = shards
    if not Journal(path, engine, config).read_only():
        snapshot = path / str(config["dbfilename"])
        if snapshot.exists():
            try:
                load(snapshot, engine.dbs)
            except DamagedFile as error:
                raise Refused(f"{error}; `elixircache check` can tell more") from None
    return engine


def load_group(directory: Path, config: Any, progress: Progress = log.info) -> list[Engine]:
    """Every shard's data, with multi-shard records completed. It all stands in memory. Refused."""
    paths = shard_directories(directory)
    engines = []
    for index, path in enumerate(paths):
        engine = load_shard(path, index, len(paths), config)
        engines.append(engine)
        progress(f"read {path.name}: {sum(len(db) for db in engine.dbs)} keys")
    complete_records(engines)
    return engines


def complete_records(engines: list[Engine]) -> int:
    """Give every shard the parts of multi-shard records that it lacks; how many those were."""
    blobs = {record_id(blob): blob for engine in engines for _, blob in engine.records.kept}
    completed = 0
    for number in sorted(blobs):
        for shard in unpack(blobs[number]).parts:
            if shard < len(engines) and engines[shard].records.lacks(number):
                engines[shard].run([b"SHARD.RECORD", blobs[number]])
                completed += 1
    return completed


def write_slots(engines: list[Engine], write: Any, first: int, last: int, base: bool = False) -> int:
    """Write the keys of slots first..last as an RDB file; how many."""
    newest = max(engine.records.last for engine in engines)
    writer = Writer(write)
    writer.header(engines[0].now, base=base, extra=[(LAST_RECORD, b"%d-%d" % newest)])
    scripts = engines[0].scripts
    for code in scripts.libraries() if hasattr(scripts, "libraries") else ():
        writer.function(code)
    for engine in engines:
        writer.databases(engine.dbs, None, first, last)
    writer.finish()
    return int(writer.keys)


def write_shards(engines: list[Engine], directory: Path, shards: int, config: Any, progress: Progress = log.info) -> None:
    """Write a data directory for `shards` shards: a base each, its journal's manifest, all synced."""
    for index, (first, last) in enumerate(slot_ranges(shards)):
        folder = directory / f"shard-{index}" / str(config["appenddirname"])
        folder.mkdir(parents=True)
        name = str(config["appendfilename"])
        paths = [folder / f"{name}.1.base.rdb"]
        if not config["appendonly"]:
            paths = [folder.parent / str(config["dbfilename"])]
        for path in paths:
            with path.open("wb") as file:
                keys = write_slots(engines, file.write, first, last, base=bool(config["appendonly"]))
                file.flush()
                os.fsync(file.fileno())
        if config["appendonly"]:
            manifest = Manifest(folder / f"{name}.manifest")
            (folder / f"{name}.1.incr.aof").touch()
            manifest.base = (paths[0].name, 1)
            manifest.increments = [(f"{name}.1.incr.aof", 1)]
            manifest.write()
        sync_directory(folder.parent)
        progress(f"wrote shard-{index}: {keys} keys")
    sync_directory(directory)


def prepare(directory: Path, shards: int, config: Any, progress: Progress = log.info) -> None:
    """Before a group starts: make the directory fit its number of shards. Refused, OSError."""
    said = read_manifest(directory)
    if "exchange" in said:
        _exchange(directory, said["exchange"])
        said = read_manifest(directory)
    there = shard_directories(directory)
    before = int(said.get("shards", len(there)))
    if len(there) < before and there:
        raise Refused(f"{directory}: the manifest says {before} shards, and only {len(there)} directories are there")
    if there and before != shards:
        progress(f"{directory} has {before} shards; splitting its keys over {shards}")
        fresh = directory / "resplit"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        write_shards(load_group(directory, config, progress), fresh, shards, config, progress)
        write_manifest(directory, shards=before, exchange=shards)
        _exchange(directory, shards)
    elif said.get("shards") != shards:
        write_manifest(directory, shards=shards)


def _exchange(directory: Path, shards: int) -> None:
    """Put the new shard directories in the places of the old; can be begun again after a crash."""
    fresh, old = directory / "resplit", directory / "before-resplit"
    old.mkdir(exist_ok=True)
    for index in range(shards):
        if (fresh / f"shard-{index}").is_dir():
            if (directory / f"shard-{index}").is_dir():
                (directory / f"shard-{index}").rename(old / f"shard-{index}")
            (fresh / f"shard-{index}").rename(directory / f"shard-{index}")
    index = shards
    while (directory / f"shard-{index}").is_dir():
        (directory / f"shard-{index}").rename(old / f"shard-{index}")
        index += 1
    sync_directory(directory)
    write_manifest(directory, shards=shards)
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def check_rdb(path: Path) -> str:
    """Read a whole RDB file; what is in it. DamagedFile."""
    reader, file = open_rdb(path)
    with file:
        keys = sum(1 for _ in reader.entries())
    return f"{path}: RDB version {reader.version}, {keys} keys, checksum right"


def check_journal_file(path: Path, fix: bool) -> tuple[bool, str]:
    """(whether it is whole, what was found) of one append-only file. `fix` cuts a torn tail."""
    done = 0
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            tail += chunk
            try:
                used = whole_units(tail)
            except DamagedStream as error:
                return False, f"{path}: offset {done + error.offset}: {error.reason}; this cannot be mended by cutting a tail"
            done += used
            tail = tail[used:]
    if not tail:
        return True, f"{path}: {done} bytes, whole"
    text = f"{path}: offset {done}: {len(tail)} bytes at the end are no whole command or transaction"
    if fix:
        os.truncate(path, done)
        return True, f"{text}; cut off"
    return False, f"{text}; --fix cuts them off"


def check_shard(path: Path, config: Any, fix: bool = False) -> list[tuple[bool, str]]:
    """(whether it is whole, what was found) for every file of one shard."""
    folder = path / str(config["appenddirname"])
    manifest = Manifest(folder / f"{config['appendfilename']}.manifest")
    found: list[tuple[bool, str]] = []
    rdb_files = [path / str(config["dbfilename"])] if (path / str(config["dbfilename"])).exists() else []
    try:
        if manifest.read() and manifest.base is not None:
            rdb_files.append(folder / manifest.base[0])
    except Refused as error:
        return [(False, str(error))]
    for rdb in rdb_files:
        try:
            found.append((True, check_rdb(rdb)))
        except (DamagedFile, OSError) as error:
            found.append((False, str(error)))
    for at, (name, _) in enumerate(manifest.increments):
        try:
            found.append(check_journal_file(folder / name, fix and at == len(manifest.increments) - 1))
        except OSError as error:
            found.append((False, str(error)))
    return found
