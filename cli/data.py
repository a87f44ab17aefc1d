"""check, export, import, backup, restore: data at rest and on its way in and out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import fail
from cli.follow import Source, follow
from cli.progress import progress
from cli.snapshot_client import SnapshotError, connect, fetch_snapshot, send_keys
from cluster.config import Config
from cluster.locks import DirectoryInUse, DirectoryLock

app = typer.Typer()

Port = Annotated[int, typer.Option("--port", "-p", help="Port of the running server.")]
Host = Annotated[str, typer.Option("--host", help="Host of the running server.")]
Password = Annotated[str, typer.Option("--password", "-a", envvar="ELIXIRCACHE_PASSWORD", help="Its password.")]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Nobody else uses the directory meanwhile."""
    try:
        lock = DirectoryLock(directory)
    except DirectoryInUse as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot use directory {directory}: {error.strerror}")
    try:
        yield
    finally:
        lock.release()


@app.command()
def check(
    directory: Annotated[Path, typer.Argument(help="Data directory of a group, or one RDB file.", metavar="DIR")],
    fix: Annotated[bool, typer.Option("--fix", help="Cut a torn tail off the last journal file.")] = False,
) -> None:
    """Verify every file of a data directory; exit code 1 when one is damaged."""
    from shard.manifest import Refused
    from shard.offline import check_rdb, check_shard, group_files, read_manifest, shard_directories
    from shard.rdb.errors import DamagedFile

    config = Config()
    files = [directory] if directory.is_file() else group_files(directory, config)
    checked, total = 0, sum(file.stat().st_size for file in files)

    def advance(count: int) -> None:
        nonlocal checked
        checked += count
        shown("checking", checked, total)

    if directory.is_file():
        try:
            with progress() as shown:
                found = check_rdb(directory, advance)
        except (DamagedFile, OSError) as error:
            fail(str(error), 1)
        typer.echo(found)
        return
    shards = shard_directories(directory)
    if not shards:
        fail(f"{directory} holds no data of a group")
    with locked(directory):
        results = []
        try:
            manifest = read_manifest(directory)
            results.append((True, f"{directory}: {manifest.get('shards', len(shards))} shards"))
        except Refused as error:
            results.append((False, str(error)))
        with progress() as shown:
            for path in shards:
                results += check_shard(path, config, fix, advance)
    for good, text in results:
        typer.echo(("ok      " if good else "DAMAGED ") + text)
    if not all(good for good, _ in results):
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="RDB file to write.", metavar="FILE.rdb")],
    host: Host = "127.0.0.1",
    port: Port = 6379,
    password: Password = "",
    directory: Annotated[Path | None, typer.Option("--dir", help="Read a stopped group's directory instead.")] = None,
) -> None:
    """Write all keys, as of one moment, to an RDB file that any Redis from 7.0 on loads."""
    if directory is not None:
        return _export_directory(directory, file)
    with _whole(file) as fresh, fresh.open("wb") as out, progress() as advance:
        fetch_snapshot(connect(host, port, password), out, partial(advance, "exporting"))
    return None


def _export_directory(directory: Path, file: Path) -> None:
    from shard.manifest import Refused
    from shard.offline import load_group, shard_directories, write_slots

    if not shard_directories(directory):
        fail(f"{directory} holds no data of a group")
    with locked(directory), _whole(file, Refused) as fresh, progress() as advance:
        engines = load_group(directory, Config(), advance)
        with fresh.open("wb") as out:
            write_slots(engines, out.write, advance=advance)
            out.flush()
            os.fsync(out.fileno())


@contextmanager
def _whole(file: Path, *errors: type[Exception]) -> Iterator[Path]:
    """The name to write a file under until it is whole. Ends the command on `errors` and those of files and servers."""
    fresh = file.with_name(f".{file.name}.part")
    expected: tuple[type[Exception], ...] = (OSError, SnapshotError, *errors)
    try:
        yield fresh
        fresh.replace(file)
    except expected as error:
        fail(str(error), 1)
    finally:
        fresh.unlink(missing_ok=True)
    typer.echo(f"{file}: {file.stat().st_size} bytes")


@app.command(name="import")
def import_(
    source: Annotated[str, typer.Argument(help="FILE.rdb or redis://[[user]:password@]host:port")],
    host: Host = "127.0.0.1",
    port: Port = 6379,
    password: Password = "",
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite keys that are there.")] = False,
    stay: Annotated[
        bool,
        typer.Option("--follow", help="Follow the source's writes, too, until Ctrl-C; then cut over, losing none."),
    ] = False,
) -> None:
    """Send the keys of an RDB file, or of a running Redis as of one moment, to a running server."""
    from shard.rdb.errors import DamagedFile

    live = Source.of(source) if "://" in source else None
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(source)
        try:
            if stay:
                if live is None:
                    fail("only a running server can be followed: redis://host:port --follow")
                return follow(live, host, port, password, replace)
            with progress() as advance:
                if live is not None:
                    path = Path(scratch) / "snapshot.rdb"
                    with path.open("wb") as out:
                        link = connect(live.host, live.port, live.password, live.user)
                        fetch_snapshot(link, out, partial(advance, "fetching"))
                size = path.stat().st_size
                send = partial(advance, "importing", total=size)
                sent, refused = send_keys(path, connect(host, port, password), replace, send)
        except (OSError, SnapshotError, DamagedFile) as error:
            fail(str(error), 1)
    typer.echo(f"{sent} keys imported")
    if refused:
        fail(f"{len(refused)} keys were refused; the first: {refused[0]}", 1)
    return None


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write.", metavar="FILE.rdb")],
    host: Host = "127.0.0.1",
    port: Port = 6379,
    password: Password = "",
) -> None:
    """Copy a running group, all shards at one point of the order of its commands, to one file."""
    export(file, host, port, password, None)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup, or any RDB file.", metavar="FILE.rdb")],
    directory: Annotated[Path, typer.Argument(help="Data directory to make; it must hold no group.", metavar="DIR")],
    shards: Annotated[int, typer.Option("--shards", min=1, max=256, help="How many shards the group has.")] = 4,
) -> None:
    """Make a data directory from a backup; start a group on it afterwards."""
    import time

    from shard.engine import Engine
    from shard.offline import key_count, shard_directories, write_manifest, write_shards
    from shard.rdb.errors import DamagedFile
    from shard.rdb.reader import load
    from shard.scripting.scripts import scripts_of

    directory.mkdir(parents=True, exist_ok=True)
    config = Config()
    with locked(directory):
        if shard_directories(directory):
            fail(f"{directory} holds a group already")
        engine = Engine(config)
        engine.now = time.time_ns() // 1_000_000
        try:
            fresh = directory / "restoring"
            shutil.rmtree(fresh, ignore_errors=True)
            with progress() as advance:
                size = file.stat().st_size
                reader = load(file, engine.dbs, progress=lambda offset, _: advance("reading", offset, size))
                for entry in reader.functions:
                    scripts_of(engine).restore_entry(entry)
                write_shards([engine], fresh, shards, config, advance)
            for path in sorted(fresh.iterdir()):
                path.rename(directory / path.name)
            fresh.rmdir()
            write_manifest(directory, shards=shards)
        except (DamagedFile, OSError) as error:
            fail(str(error), 1)
    typer.echo(f"{directory}: {key_count([engine])} keys in {shards} shards")
