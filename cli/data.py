"""check, export, import, backup, restore: data at rest and on its way in and out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from cli.errors import fail
from cli.snapshot_client import SnapshotError, connect, fetch_snapshot, send_keys
from cluster.config import Config
from cluster.locks import DirectoryInUse, DirectoryLock

app = typer.Typer()

Port = Annotated[int, typer.Option("--port", "-p", help="Port of the running server.")]
Host = Annotated[str, typer.Option("--host", help="Host of the running server.")]
Password = Annotated[str, typer.Option("--password", "-a", envvar="ELIXIRCACHE_PASSWORD", help="Its password.")]


@contextmanager
def bar(text: str, total: int | None) -> Iterator[Any]:
    """A progress bar on standard error; yields advance(bytes so far, total or None)."""
    columns = (TextColumn(text), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(text, total=total)
        yield lambda done, whole=None: progress.update(task, completed=done, total=whole or total)


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


def _say(text: str) -> None:
    typer.echo(text, err=True)


@app.command()
def check(
    directory: Annotated[Path, typer.Argument(help="Data directory of a group, or one RDB file.", metavar="DIR")],
    fix: Annotated[bool, typer.Option("--fix", help="Cut a torn tail off the last journal file.")] = False,
) -> None:
    """Verify every file of a data directory; exit code 1 when one is damaged."""
    from shard.journal import Refused
    from shard.offline import check_rdb, check_shard, read_manifest, shard_directories
    from shard.rdb.errors import DamagedFile

    if directory.is_file():
        try:
            typer.echo(check_rdb(directory))
        except DamagedFile as error:
            fail(str(error), 1)
        return
    config = Config()
    shards = shard_directories(directory)
    if not shards:
        fail(f"{directory} holds no data of a group")
    with locked(directory):
        whole = True
        try:
            manifest = read_manifest(directory)
            typer.echo(f"{directory}: {manifest.get('shards', len(shards))} shards")
        except Refused as error:
            whole = False
            typer.echo(f"DAMAGED {error}")
        for path in shards:
            for good, text in check_shard(path, config, fix):
                whole = whole and good
                typer.echo(("ok      " if good else "DAMAGED ") + text)
    if not whole:
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
    fresh = file.with_name(f".{file.name}.part")
    try:
        if directory is None:
            with bar("exporting", None) as advance, fresh.open("wb") as out:
                fetch_snapshot(connect(host, port, password), out, advance)
        else:
            from shard.journal import Refused
            from shard.offline import load_group, shard_directories, write_slots

            if not shard_directories(directory):
                fail(f"{directory} holds no data of a group")
            with locked(directory), fresh.open("wb") as out:
                try:
                    engines = load_group(directory, Config(), _say)
                except Refused as error:
                    fail(str(error), 1)
                write_slots(engines, out.write, 0, 16383)
    except (OSError, SnapshotError) as error:
        fresh.unlink(missing_ok=True)
        fail(str(error), 1)
    fresh.replace(file)
    typer.echo(f"{file}: {file.stat().st_size} bytes")


@app.command(name="import")
def import_(
    source: Annotated[str, typer.Argument(help="FILE.rdb or redis://[:password@]host:port")],
    host: Host = "127.0.0.1",
    port: Port = 6379,
    password: Password = "",
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite keys that are there.")] = False,
) -> None:
    """Send the keys of an RDB file, or of a running Redis as of one moment, to a running server."""
    from shard.rdb.errors import DamagedFile

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(source)
        try:
            if source.startswith("redis://"):
                url = urlsplit(source)
                path = Path(scratch) / "snapshot.rdb"
                with bar("fetching", None) as advance, path.open("wb") as out:
                    link = connect(url.hostname or "127.0.0.1", url.port or 6379, url.password or "")
                    fetch_snapshot(link, out, advance)
            with bar("importing", path.stat().st_size) as advance:
                sent, refused = send_keys(path, connect(host, port, password), replace, advance)
        except (OSError, SnapshotError, DamagedFile) as error:
            fail(str(error), 1)
    typer.echo(f"{sent} keys imported")
    if refused:
        fail(f"{len(refused)} keys were refused; the first: {refused[0]}", 1)


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
    from shard.offline import shard_directories, write_manifest, write_shards
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
            with bar("reading", file.stat().st_size) as advance:
                reader = load(file, engine.dbs, progress=lambda offset, _: advance(offset))
            for entry in reader.functions:
                scripts_of(engine).restore_entry(entry)
            fresh = directory / "restoring"
            shutil.rmtree(fresh, ignore_errors=True)
            write_shards([engine], fresh, shards, config, _say)
            for path in sorted(fresh.iterdir()):
                path.rename(directory / path.name)
            fresh.rmdir()
            write_manifest(directory, shards=shards)
        except (DamagedFile, OSError) as error:
            fail(str(error), 1)
    typer.echo(f"{directory}: {sum(len(db) for db in engine.dbs)} keys in {shards} shards")
