"""failover: hands the master role of a running group to one of its replicas, losing no write."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import fail

if TYPE_CHECKING:
    import redis

app = typer.Typer()
POLL_S = 0.05


@app.command()
def failover(
    port: Annotated[int, typer.Option("--port", "-p", help="The master's port.")] = 6379,
    host: Annotated[str, typer.Option("--host", "-h", help="The master's host.")] = "127.0.0.1",
    password: Annotated[
        str, typer.Option("--password", "-a", help="Its password.", envvar="ELIXIRCACHE_REQUIREPASS")
    ] = "",
    to: Annotated[
        str, typer.Option("--to", help="The replica; without it, the first that caught up.", metavar="HOST:PORT")
    ] = "",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds until it is given up.", min=0.1)] = 10.0,
    force: Annotated[bool, typer.Option("--force", help="Switch at the time-out though writes may be lost.")] = False,
) -> None:
    """Switch the master role to a replica: writes wait, the replica catches up, the roles change."""
    import redis

    if force and not to:
        fail("--force needs --to HOST:PORT")
    words: list[Any] = ["TIMEOUT", round(timeout * 1000)]
    if to:
        name, colon, number = to.rpartition(":")
        if not colon or not name or not number.isdigit():
            fail(f"--to must be HOST:PORT, not '{to}'")
        words += ["TO", name, number, *(["FORCE"] if force else [])]
    client = redis.Redis(host=host, port=port, password=password or None, decode_responses=True, socket_timeout=10)
    try:
        client.execute_command("FAILOVER", *words)  # type: ignore[no-untyped-call]
        master = _switched(client, timeout)
    except redis.RedisError as error:
        fail(f"{host}:{port}: {error}", code=1)
    if not master:
        fail(f"{host}:{port} is the master still: no replica took over within {timeout:g} s", code=1)
    typer.echo(f"{master} is the master now; {host}:{port} follows it")


def _switched(client: redis.Redis, timeout_s: float) -> str:
    """The new master's address, "" if it came to nothing."""
    deadline = time.monotonic() + timeout_s + 5
    while time.monotonic() < deadline:
        info: Any = client.info("replication")
        if info["master_failover_state"] == "no-failover":
            return f"{info['master_host']}:{info['master_port']}" if info["role"] == "slave" else ""
        time.sleep(POLL_S)
    return ""
