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
from shard.journal import LAST_RECORD, Journal
from shard.manifest import Manifest, Refused, sync_directory
from shard.progress import Progress
from shard.rdb.errors import DamagedFile
from shard.rdb.reader import load, open_rdb
from shard.rdb.writer import Writer
from shard.replay import DamagedStream, whole_units
from shard.scripting.scripts import scripts_of

log = logging.getLogger("elixircache")
VERSION = 1
CHUNK = 8 << 20
Say = Callable[[str], None]
# (what is being done, how far it is, of how much, "bytes" or "keys")
Advance = Callable[[str, int, int, str], None]
Count = Callable[[int], None]


def quietly(what: str, done: int, total: int, unit: str) -> None:
    """An Advance for those who do not watch."""


def ignore(count: int) -> None:
    """A Count for those who do not watch."""


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


def load_shard(path: Path, index: int, shards: int, config: Any, advance: Advance = quietly) -> Engine:
    """One shard's data; no file is changed. Refused."""

    def report(said: dict[str, Any]) -> None:
        advance(f"reading {path.name}", said["loaded"], said["total"], "bytes")

    engine = Engine(config)
    engine.now = time.time_ns() // 1_000_000
    engine.shard_index = index
    engine.worker_shards = shards
    if not Journal(path, engine, config, report).read_only():
        snapshot = path / str(config["dbfilename"])
        if snapshot.exists():
            try:
                progress = Progress(snapshot.stat().st_size, report)
                progress.begin(snapshot.name, progress.total)
                for entry in load(snapshot, engine.dbs, progress=progress).functions:
                    scripts_of(engine).restore_entry(entry)
            except DamagedFile as error:
                raise Refused(f"{error}; `elixircache check` can tell more") from None
    return engine


def load_group(directory: Path, config: Any, advance: Advance = quietly) -> list[Engine]:
    """Every shard's data, with multi-shard records completed. It all stands in memory. Refused."""
    paths = shard_directories(directory)
    engines = [load_shard(path, index, len(paths), config, advance) for index, path in enumerate(paths)]
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


def write_slots(
    engines: list[Engine],
    write: Any,
    first: int = 0,
    last: int = 16383,
    base: bool = False,
    advance: Advance = quietly,
    before: int = 0,
) -> int:
    """Write the keys of slots first..last as an RDB file; how many. `before`: keys that other files have got."""
    total = key_count(engines)
    newest = max(engine.records.last for engine in engines)
    writer = Writer(write)
    writer.header(engines[0].now, base=base, extra=[(LAST_RECORD, b"%d-%d" % newest)])
    scripts = engines[0].scripts
    for code in scripts.libraries() if hasattr(scripts, "libraries") else ():
        writer.function(code)
    for engine in engines:
        writer.databases(engine.dbs, lambda keys: advance("writing", before + keys, total, "keys"), first, last)
    writer.finish()
    return int(writer.keys)


def key_count(engines: list[Engine]) -> int:
    """How many keys there are, in all databases."""
    return sum(len(db) for engine in engines for db in engine.dbs)


def write_shards(engines: list[Engine], directory: Path, shards: int, config: Any, advance: Advance = quietly) -> None:
    """Write a data directory for `shards` shards: a base each, its journal's manifest, all synced."""
    written = 0
    for index, (first, last) in enumerate(slot_ranges(shards)):
        folder = directory / f"shard-{index}" / str(config["appenddirname"])
        folder.mkdir(parents=True)
        name = str(config["appendfilename"])
        paths = [folder / f"{name}.1.base.rdb"]
        if not config["appendonly"]:
            paths = [folder.parent / str(config["dbfilename"])]
        for path in paths:
            with path.open("wb") as file:
                base = bool(config["appendonly"])
                written += write_slots(engines, file.write, first, last, base, advance, written)
                file.flush()
                os.fsync(file.fileno())
        if config["appendonly"]:
            manifest = Manifest(folder / f"{name}.manifest")
            (folder / f"{name}.1.incr.aof").touch()
            manifest.base = (paths[0].name, 1)
            manifest.increments = [(f"{name}.1.incr.aof", 1)]
            manifest.write()
        sync_directory(folder.parent)
    sync_directory(directory)


def prepare(directory: Path, shards: int, config: Any, say: Say = log.info, advance: Advance = quietly) -> None:
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
        say(f"{directory} has {before} shard{'s' * (before > 1)}; splitting its keys over {shards}")
        fresh = directory / "resplit"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        engines = load_group(directory, config, advance)
        write_shards(engines, fresh, shards, config, advance)
        write_manifest(directory, shards=before, exchange=shards)
        _exchange(directory, shards)
        say(f"{directory}: {key_count(engines)} keys are split over {shards} shard{'s' * (shards > 1)}")
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


def group_files(directory: Path, config: Any) -> list[Path]:
    """What `check_shard` reads of all shards."""
    folder, journal, snapshot = (str(config[name]) for name in ("appenddirname", "appendfilename", "dbfilename"))
    patterns = (snapshot, f"{folder}/{journal}.*.base.rdb", f"{folder}/{journal}.*.incr.aof")
    return [file for path in shard_directories(directory) for pattern in patterns for file in path.glob(pattern)]


def check_rdb(path: Path, advance: Count = ignore) -> str:
    """Read a whole RDB file; what is in it. `advance(bytes more)`. DamagedFile."""
    reader, file = open_rdb(path)
    keys = said = 0
    with file:
        for _ in reader.entries():
            keys += 1
            if not keys & 4095:
                advance(file.tell() - said)
                said = file.tell()
        advance(file.tell() - said)
    return f"{path}: RDB version {reader.version}, {keys} keys, checksum right"


def check_journal_file(path: Path, fix: bool, advance: Count = ignore) -> tuple[bool, str]:
    """(whether it is whole, what was found) of one append-only file. `fix` cuts a torn tail."""
    done = 0
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            tail += chunk
            advance(len(chunk))
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


def check_shard(path: Path, config: Any, fix: bool = False, advance: Count = ignore) -> list[tuple[bool, str]]:
    """(whether it is whole, what was found) for every file of one shard. `advance(bytes more)`."""
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
            found.append((True, check_rdb(rdb, advance)))
        except (DamagedFile, OSError) as error:
            found.append((False, str(error)))
    for at, (name, _) in enumerate(manifest.increments):
        try:
            found.append(check_journal_file(folder / name, fix and at == len(manifest.increments) - 1, advance))
        except OSError as error:
            found.append((False, str(error)))
    return found
