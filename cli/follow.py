"""`import --follow`: the running server follows another one as its replica until it is told to take over."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
import typer

from cli.errors import fail
from cli.progress import progress

POLL_S = 0.2
LINK_S = 60.0
Info = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A running server that keys come from."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, text: str) -> Source:
        """From redis://[[user]:password@]host[:port]. Ends the command when it is something else."""
        try:
            url = urlsplit(text)
            port = url.port or 6379
        except ValueError as error:
            fail(f"{text}: {error}")
        if url.scheme != "redis" or url.path.strip("/") or url.query:
            fail(f"{text}: a source is a file or redis://[[user]:password@]host[:port]; all its databases are taken")
        return cls(url.hostname or "127.0.0.1", port, unquote(url.username or ""), unquote(url.password or ""))

    def client(self) -> Any:
        """A redis-py client."""
        return redis.Redis(self.host, self.port, username=self.user or None, password=self.password or None)


def follow(source: Source, host: str, port: int, password: str, replace: bool) -> None:
    """Take a snapshot of the source and then its writes until Ctrl-C; then take over once all that the source
    had acknowledged by then is here. The target's own keys go first, which needs `replace`."""
    target: Any = redis.Redis(host, port, password=password or None)
    before: dict[str, str] = {}
    try:
        with source.client() as there, target:
            there.ping()
            held = sum(db["keys"] for db in target.info("keyspace").values())
            if held and not replace:
                fail(f"{host}:{port} holds {held} keys, which following would drop; --replace allows that", 1)
            wanted = {"masteruser": source.user, "masterauth": source.password}
            before = {name: target.config_get(name)[name] for name in wanted}
            for name, value in wanted.items():
                target.config_set(name, value)
            target.replicaof(source.host, source.port)
            try:
                _until_told(there, target)
                _catch_up(there, target)
            finally:
                target.replicaof("NO", "ONE")
                for name, value in before.items():
                    target.config_set(name, value)
            keys = sum(db["keys"] for db in target.info("keyspace").values())
    except redis.RedisError as error:
        fail(str(error), 1)
    typer.echo(f"{host}:{port} has taken over with {keys} keys and is a master again")


def _until_told(there: Any, target: Any) -> None:
    """Show how far it is, until Ctrl-C."""
    began = time.monotonic()
    told: list[int] = []
    # Not an exception, which could break off a command; and a job in the background has SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: told.append(number))
    with progress() as advance:
        said = False
        while not told:
            here: Info = target.info("replication")
            if here.get("role") != "slave":
                fail("the server has been told to follow no more", 1)
            if here["master_link_status"] == "up":
                behind = max(int(there.info("replication")["master_repl_offset"]) - int(here["slave_repl_offset"]), 0)
                if not said:
                    said = True
                    typer.echo("in step with the source; Ctrl-C (SIGINT) cuts over", err=True)
                advance("following, bytes behind", behind)
            elif here.get("master_sync_in_progress"):
                advance("fetching", int(here["master_sync_read_bytes"]), int(here["master_sync_total_bytes"]) or None)
            elif not said and time.monotonic() - began > LINK_S:
                fail(f"no link to the source within {LINK_S:.0f} s; the server's log says why", 1)
            time.sleep(POLL_S)
    if not said:
        fail("given up before all keys were here", 1)


def _catch_up(there: Any, target: Any) -> None:
    """Wait for what the source has acknowledged by now."""
    asked = int(there.info("replication")["master_repl_offset"])
    deadline = time.monotonic() + LINK_S
    while int(target.info("replication").get("slave_repl_offset", -1)) < asked:
        if time.monotonic() > deadline:
            fail("the source's last writes have not come; its writes after this moment are not here", 1)
        time.sleep(POLL_S / 4)
