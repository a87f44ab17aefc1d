"""A shard's journal: an RDB base and append-only files of effects, with a manifest.

    DIR/shard-0/appendonlydir/appendonly.aof.manifest
                              appendonly.aof.3.base.rdb     the keys when it was written
                              appendonly.aof.4.incr.aof     every effect since, RESP commands

The layout, names and manifest are those of Redis 7's multi-part AOF (redis-check-aof reads it).
Order: an effect is written before the reply of its command leaves; a new base is listed in the
manifest only when it is whole, and the old files go only after that.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from cluster.records import done_note
from cluster.wire import command
from shard.children import REWRITE
from shard.manifest import Manifest, Refused, sync_directory
from shard.progress import Progress, Report
from shard.rdb.errors import DamagedFile
from shard.rdb.reader import load
from shard.rdb.writer import save
from shard.replay import DamagedStream, replay

log = logging.getLogger("elixircache.shard")
CHUNK = 8 << 20
REWRITE_RETRY_S = 5
REWRITE_RETRY_S_MAX = 3600
LAST_RECORD = b"elixircache-last-record"


class Journal:
    """The files of one shard. `engine` is where they are loaded into and what a base is made of."""

    def __init__(self, directory: Path, engine: Any, config: Any, report: Report = lambda said: None):
        """`report` hears how far loading is; see shard/progress.py."""
        self.engine = engine
        self.report = report
        self.config = config
        self.directory = directory / str(config["appenddirname"])
        self.name = str(config["appendfilename"])
        self.manifest = Manifest(self.directory / f"{self.name}.manifest")
        self.fd = -1
        self.size = self.inode = 0
        self.base_size = 0
        self.pending = b""
        self.dirty = False
        self.rewriting = False
        self.keys = 0  # how often others have taken their place: a base of the ones before must not count any more
        self.last_rewrite_ok = True
        self.rewrite_failures = 0  # in a row
        self.rewrite_not_before_ms = 0
        self.next_try_ms = 0
        self.error = ""
        self.repair = True
        self.untrusted = False
        self.syncing = False
        self.delayed_syncs = 0  # how often a background fsync took longer than the second until the next
        self.stop_sync = threading.Event()
        self.sync_lock = threading.Lock()  # held by whoever syncs, and closes what is retired
        self.remover: threading.Thread | None = None
        self.retired: list[int] = []  # descriptors of earlier increments that are to be synced and closed

    # -- start -------------------------------------------------------------------------------

    def open(self) -> int:
        """Load what is there and be ready to append. The number of keys. Refused."""
        self.directory.mkdir(parents=True, exist_ok=True)
        started, cpu = time.monotonic(), time.process_time()
        if self.manifest.read():
            self._load()
            self._remove(self._unlisted())
            for path in self.directory.glob(f"{self.name}.*.next.rdb"):
                path.unlink()
        elif found := sorted(self._own_files()):
            raise Refused(f"{self.manifest.path}: there is no manifest, and {found[0].name} is there")
        if not self.manifest.increments:
            self._new_increment()
        self._open_last()
        self.base_size = self._file_size(self.manifest.base[0]) if self.manifest.base else 0
        keys = sum(len(db) for db in self.engine.dbs)
        took, cpu = time.monotonic() - started, time.process_time() - cpu
        log.info("journal loaded: %d keys in %.2f s (%.2f s of CPU)", keys, took, cpu)
        threading.Thread(target=self._sync_every_second, name="fsync", daemon=True).start()
        return keys

    def create(self) -> None:
        """Begin a journal for keys that are here already. What an earlier one left is given up in the same step in
        which the new one counts. OSError, Refused."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.manifest.read()
        base = self._base_name()
        self.write_base(base[0])
        increment = (f"{self.name}.{base[1] + 1}.incr.aof", base[1] + 1)
        (self.directory / increment[0]).touch()
        self.manifest.base, self.manifest.increments = base, [increment]
        self.manifest.write()
        self._remove(self._unlisted())
        self._open_last()
        self.base_size = self._file_size(base[0])
        self.engine.stream_db = -1
        threading.Thread(target=self._sync_every_second, name="fsync", daemon=True).start()

    def read_only(self) -> bool:
        """Load what is there and change no file; whether there is a journal. Refused."""
        self.repair = False
        if not self.manifest.read():
            return False
        self._load()
        return True

    def _load(self) -> None:
        engine = self.engine
        names = [name for name, _ in [*([self.manifest.base] if self.manifest.base else []), *self.manifest.increments]]
        self.progress = Progress(sum(map(self._file_size, names)), self.report)
        try:
            if self.manifest.base is not None:
                self._load_base(self.directory / self.manifest.base[0])
            for at, (name, _) in enumerate(self.manifest.increments):
                self._load_increment(self.directory / name, at == len(self.manifest.increments) - 1)
        except FileNotFoundError as error:
            raise Refused(f"{error.filename}: the manifest names this file, and it is missing") from None
        engine.stream_db = -1
        engine.select(0)

    def _load_base(self, path: Path) -> None:
        try:
            self.progress.begin(path.name, path.stat().st_size)
            reader = load(path, self.engine.dbs, progress=self.progress)
        except DamagedFile as error:
            raise Refused(f"{error}; `elixircache check` can tell more") from None
        last = reader.aux.get(LAST_RECORD)
        if last:
            epoch, _, number = last.partition(b"-")
            self.engine.records.last = (int(epoch), int(number))
        for blob in reader.records:
            self.engine.records.keep(blob)
        from shard.scripting.scripts import scripts_of  # it imports the engine, which may not be there yet

        for entry in reader.functions:
            scripts_of(self.engine).restore_entry(entry)

    def _load_increment(self, path: Path, last: bool) -> None:
        self.progress.begin(path.name, path.stat().st_size)
        done = 0
        tail = b""
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                tail += chunk
                try:
                    used = replay(self.engine, tail)
                except DamagedStream as error:
                    raise Refused(
                        f"{path}: offset {done + error.offset}: {error.reason}; "
                        "`elixircache check` can tell more"
                    ) from None
                done += used
                tail = tail[used:]
                self.progress(done, sum(len(db) for db in self.engine.dbs))
        if not tail:
            return
        if not last or not self.config["aof-load-truncated"]:
            raise Refused(f"{path}: offset {done}: the file ends within a command; `elixircache check --fix` cuts it back")
        if not self.repair:
            return
        log.warning("%s: the last %d bytes are no whole command or transaction and are cut off", path, len(tail))
        os.truncate(path, done)

    def _file_size(self, name: str) -> int:
        try:
            return (self.directory / name).stat().st_size
        except FileNotFoundError:
            return 0

    def _next_number(self) -> int:
        numbers = [number for _, number in self.manifest.increments]
        return max([*numbers, self.manifest.base[1] if self.manifest.base else 0]) + 1

    def _new_increment(self) -> None:
        number = self._next_number()
        name = f"{self.name}.{number}.incr.aof"
        (self.directory / name).touch()
        self.manifest.increments.append((name, number))
        self.manifest.write()

    def _open_last(self) -> None:
        path = self.directory / self.manifest.increments[-1][0]
        before, self.fd = self.fd, os.open(path, os.O_WRONLY | os.O_APPEND)
        opened = os.fstat(self.fd)
        self.size, self.inode = opened.st_size, opened.st_ino % (1 << 63)
        if before >= 0:
            # Not here: a second's worth of writes may take the disk longer than any client wants to wait.
            self.retired.append(before)
            self.dirty = True

    # -- places in the stream ----------------------------------------------------------------

    @property
    def place(self) -> tuple[int, int, int] | None:
        """Where the next effect will stand: (number of the increment, bytes in it, its inode); None while what came
        before it could not be written."""
        return None if self.pending else (self.manifest.increments[-1][1], self.size, self.inode)

    def since(self, place: tuple[int, int, int]) -> bytes | None:
        """The effects from a place on; None if the files do not reach back to it, or (after a power cut)
        not up to it, or are others."""
        numbers = [number for _, number in self.manifest.increments]
        if place[0] not in numbers:
            return None
        found = []
        for name, number in self.manifest.increments[numbers.index(place[0]) :]:
            path = self.directory / name
            begin = place[1] if number == place[0] else 0
            found_file = path.stat()
            if found_file.st_size < begin or (number == place[0] and found_file.st_ino % (1 << 63) != place[2]):
                return None
            with path.open("rb") as file:
                file.seek(begin)
                found.append(file.read())
        return b"".join(found)

    # -- every batch -------------------------------------------------------------------------

    def append(self, data: bytes) -> bool:
        """Write a batch's effects; False if that failed: the batch must not be acknowledged.
        What could not be written is kept and tried again by `tick`."""
        if self.pending:
            self.pending += data
            return False
        try:
            self._write(data)
        except OSError as error:
            self._failed(error)
            self.pending = data
            return False
        return True

    def _write(self, data: bytes) -> None:
        """All of it, or (after an error) nothing of it."""
        try:
            written = os.write(self.fd, data)
            while written < len(data):
                written += os.write(self.fd, memoryview(data)[written:])
            if self.config["appendfsync"] == "always":
                os.fsync(self.fd)
            else:
                self.dirty = True
        except OSError:
            os.ftruncate(self.fd, self.size)
            raise
        self.size += len(data)

    def sync(self) -> bool:
        """Bring all that was written to the disk now."""
        try:
            self._sync()
        except OSError as error:
            self.untrusted = True
            self.dirty = True
            self._failed(error)
            return False
        return True

    def _sync(self) -> None:
        """In either thread. OSError."""
        with self.sync_lock:
            while self.retired:
                os.fsync(self.retired[0])
                os.close(self.retired.pop(0))
            os.fsync(self.fd)

    def _failed(self, error: OSError) -> None:
        if not self.error:
            log.error("cannot write the journal: %s; writes are refused until it works again", error.strerror)
        self.error = error.strerror or str(error)
        self.engine.write_error = self.error.encode()

    def _sync_every_second(self) -> None:
        while not self.stop_sync.wait(1.0):
            if self.retired or (self.dirty and self.config["appendfsync"] == "everysec"):
                self.dirty = False
                self.syncing, began = True, time.monotonic()
                try:
                    self._sync()
                except OSError as error:
                    self.untrusted = True
                    self.dirty = True
                    self._failed(error)
                self.syncing = False
                self.delayed_syncs += time.monotonic() - began > 1.0

    def tick(self, worker: Any) -> None:
        """Retry what failed; rewrite when the journal has grown enough."""
        if self.error:
            try:
                # What a failed write left behind goes first: nothing torn may stand before new data.
                os.ftruncate(self.fd, self.size)
                if self.pending:
                    self._write(self.pending)
                    self.pending = b""
                os.fsync(self.fd)
            except OSError as error:
                self._failed(error)
                return
            if self.untrusted:
                # After a failed fsync the kernel may have dropped pages and call them clean:
                # only a new base is known to hold everything.
                if self.engine.now < self.next_try_ms:
                    return
                self.next_try_ms = self.engine.now + 1000
                if not self.rewrite(worker):
                    return
                self.untrusted = False
            log.warning("the journal can be written again")
            self.pending = b""
            self.error = ""
            self.engine.write_error = b""
        percentage = int(self.config["auto-aof-rewrite-percentage"])
        total = self.size + self.base_size
        if (
            percentage
            and not self.rewriting
            and self.engine.now >= self.rewrite_not_before_ms
            and total >= int(self.config["auto-aof-rewrite-min-size"])
            and self.size * 100 >= max(self.base_size, 1) * percentage
        ):
            self.rewrite(worker)

    # -- rewriting ---------------------------------------------------------------------------

    def rewrite(self, worker: Any) -> bool:
        """Begin a new base in a child process; effects go to a new increment meanwhile. Whether it has begun."""
        if self.rewriting:
            return True
        old = list(self.manifest.increments)
        try:
            self._begin_increment()
        except OSError as error:
            self._rewrite_failed(f"{error.strerror}")
            return False
        self.rewriting = True
        base, keys = self._base_name(), self.keys

        def done(ok: bool) -> None:
            if keys == self.keys:
                self._rewritten(base, old, ok)
            else:
                (self.directory / base[0]).unlink(missing_ok=True)

        return bool(worker.fork(REWRITE, lambda progress: self.write_base(base[0], progress), done))

    def next_base(self, number: int) -> Path:
        """Where a base is written of keys that are to take the place of all."""
        return self.directory / f"{self.name}.{number}.next.rdb"

    def rewrite_now(self, ready: Path | None = None) -> None:
        """The keys are others now: a new base before anything else, `ready` or written here. Writes are refused until
        there is one."""
        self.keys += 1
        old = list(self.manifest.increments)
        try:
            self._begin_increment()
            base = self._base_name()
            if ready is None:
                self.write_base(base[0])
            else:
                self._write(command(b"ECHO", done_note(self.engine.records.last)))
                ready.replace(self.directory / base[0])
                sync_directory(self.directory)
        except OSError as error:
            self.untrusted = True
            self._failed(error)
            return
        self._rewritten(base, old, True)

    def _begin_increment(self) -> None:
        """From here on effects go to a new file. OSError, and nothing has changed."""
        before = list(self.manifest.increments)
        try:
            self._new_increment()
            self._open_last()
        except OSError:
            self.manifest.increments = before
            raise
        self.engine.stream_db = -1
        self.engine.records.note = None  # to be noted in this file, too

    def _rewrite_failed(self, reason: str) -> None:
        """Try again later, and later each time."""
        self.last_rewrite_ok = False
        self.rewrite_failures += 1
        delay_s = min(REWRITE_RETRY_S * 2 ** min(self.rewrite_failures - 1, 16), REWRITE_RETRY_S_MAX)
        self.rewrite_not_before_ms = self.engine.now + delay_s * 1000
        log.error("rewriting the journal failed (%s); the old files stay; next try in %d s", reason, delay_s)

    def _base_name(self) -> tuple[str, int]:
        number = self._next_number()
        return (f"{self.name}.{number}.base.rdb", number)

    def write_base(self, name: str, progress: Any = None) -> None:
        """Write a base file, whole and synced, under its name."""
        write_rdb(self.engine, self.directory / name, base=True, progress=progress)

    def _rewritten(self, base: tuple[str, int], old: list[tuple[str, int]], ok: bool) -> None:
        self.rewriting = False
        if self.stop_sync.is_set():
            return  # it was switched off meanwhile: the files are no longer this one's
        if not ok:
            self._rewrite_failed("the child's words say why")
            return
        before = self.manifest.base, self.manifest.increments
        self.manifest.base = base
        self.manifest.increments = [entry for entry in self.manifest.increments if entry not in old]
        try:
            self.manifest.write()
        except OSError as error:
            self.manifest.base, self.manifest.increments = before
            self._rewrite_failed(f"{error.strerror}")
            return
        self.last_rewrite_ok = True
        self.rewrite_failures = 0
        self.base_size = self._file_size(base[0])
        log.info("journal rewritten: base of %d bytes", self.base_size)
        # Beside the work: to let go of a large file takes the kernel a while.
        self.remover = threading.Thread(target=self._remove, args=[self._unlisted()], name="remove", daemon=True)
        self.remover.start()

    def _unlisted(self) -> list[Path]:
        """Files of ours that the manifest does not name: what a rewrite, whole or broken off, has left."""
        listed = {name for name, _ in self.manifest.increments}
        if self.manifest.base is not None:
            listed.add(self.manifest.base[0])
        found = [*self._own_files(), *self.directory.glob(f"temp-*-{self.name}.*")]
        return [path for path in found if path.name not in listed]

    @staticmethod
    def _remove(paths: list[Path]) -> None:
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("cannot remove %s: %s", path, error.strerror)

    def _own_files(self) -> list[Path]:
        return [*self.directory.glob(f"{self.name}.*.base.rdb"), *self.directory.glob(f"{self.name}.*.incr.aof")]

    def close(self) -> None:
        """Sync and end."""
        self.stop_sync.set()
        if self.remover is not None:
            self.remover.join()
        if self.fd < 0:
            return
        try:
            self._sync()
        except OSError as error:
            log.error("the last fsync failed: %s", error)
        with self.sync_lock:
            for fd in [*self.retired, self.fd]:
                os.close(fd)
            self.retired, self.fd = [], -1


def write_rdb(engine: Any, path: Path, base: bool = False, progress: Any = None, others: Any = None) -> None:
    """Write all keys to an RDB file: beside it first, synced, then under its name. `progress(keys so far)`. `others`: the
    databases and libraries of another state than the engine's, which knows no records. OSError."""
    records = engine.records
    extra = [(LAST_RECORD, b"%d-%d" % records.last)]
    extra += [(b"elixircache-record", blob) for _, blob in records.kept]
    fresh = path.with_name(f"temp-{os.getpid()}-{path.name}")  # a start removes what a killed child leaves
    dbs, libraries = engine.dbs, engine.scripts.libraries() if hasattr(engine.scripts, "libraries") else ()
    if others is not None:
        (dbs, libraries), extra = others, []
    try:
        with fresh.open("wb") as file:
            save(
                dbs, file.write, engine.now, base=base, extra=extra, functions=libraries, progress=progress,
                compress=bool(engine.config["rdbcompression"]), checksum=bool(engine.config["rdbchecksum"]),
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)  # on a full disk its bytes are needed
        raise
    sync_directory(path.parent)
