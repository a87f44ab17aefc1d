"""What happens to a command that does not take the fast path: checks, queueing, routing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.command_table import TABLE
from cluster.command_table.model import At, Command, F, Spread
from cluster.errors import CommandError
from cluster.wire import command as encode
from router import fanout
from router.commands.scripts import check_python
from router.registry import HANDLERS, LATER
from router.stats import CALLS, FAILED, REJECTED, USEC
from router.waits import ShardAway

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

ROWS: dict[bytes, Command] = {name.encode(): row for name, row in TABLE.items()}
NOT_QUEUED = frozenset({"MULTI", "EXEC", "DISCARD", "WATCH", "QUIT", "RESET"})
SUBSCRIBER_COMMANDS = frozenset(
    {"SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE", "PING", "QUIT", "RESET"}
)


def resolve(args: list[bytes]) -> Command:
    """The row of a command or subcommand. CommandError: unknown name."""
    row = ROWS.get(args[0].upper())
    if row is None or row.flags & F.INTERNAL:
        raise errors.unknown_command(args)
    if row.container and len(args) > 1:
        sub = ROWS.get(args[0].upper() + b"|" + args[1].upper())
        if sub is None:
            raise errors.unknown_subcommand(row.name, args[1])
        row = sub
    return row


def execute(router: Router, session: Session, args: list[bytes]) -> None:
    """Answer one command of a client, now or later."""
    row: Command | None = None
    running = False
    try:
        row = resolve(args)
        if not row.arity_ok(len(args)):
            raise errors.wrong_arity(row.name)
        check(router, session, row, args)
        if session.reply_mode == "skip" and row.name != "CLIENT|REPLY":
            skip_reply(router, session, args)
            return
        if router.pause.until_ms and router.pause.holds(session, row):
            router.pause.hold(session, args)
            return
        if router.monitors and shown_to_monitors(row):
            router.feed_monitors(session, args)
        session.last_command = row.name
        if session.multi is not None and row.name not in NOT_QUEUED:
            queue(session, row, args)
            return
        running = True
        reply = run(router, session, row, args)
    except ShardAway as away:
        router.wait_for_shard(session, args, away.shard)
        return
    except CommandError as error:
        if session.multi is not None and row is not None and row.name == "EXEC" and not running:
            router.drop_transaction(session)
            error = CommandError(errors.EXEC_REFUSED.format(reason=error.text))
        elif session.multi is not None:
            session.multi.failed = True
        router.stats.count_error(error.text)
        if row is not None:
            router.stats.count_command(row.name, FAILED if running else REJECTED)
        reply = error
    if reply is not LATER:
        session.reply(reply)


def shown_to_monitors(row: Command) -> bool:
    """Not what administrators do; scripts, which Redis shows when they begin, though their rows say otherwise."""
    return not row.flags & F.ADMIN and (not row.flags & F.SKIP_MONITOR or (row.group == "scripting" and row.keys is not None))


def skip_reply(router: Router, session: Session, args: list[bytes]) -> None:
    """Run the command after CLIENT REPLY SKIP: earlier replies go out first, its own is dropped."""

    def unmute() -> None:
        session.conn.muted = False
        session.reply_mode = "on"
        session.settle()

    def run_muted() -> None:
        session.reply_mode = "skipping"
        session.conn.muted = True
        execute(router, session, args)
        router.when_drained(session, unmute)

    router.when_drained(session, run_muted)


def check(router: Router, session: Session, row: Command, args: list[bytes]) -> None:
    """Whether this client may run this command now. CommandError says why not."""
    if not session.authenticated and not row.flags & F.NO_AUTH:
        raise CommandError(errors.NOAUTH)
    if session.subscribed and session.resp == 2 and row.name not in SUBSCRIBER_COMMANDS:
        raise CommandError(
            f"ERR Can't execute '{row.name.lower()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
            "are allowed in this context"
        )
    router.gate(session, row, args)
    if row.group == "python":
        check_python(router, session, row)


def queue(session: Session, row: Command, args: list[bytes]) -> None:
    """Put a command into a transaction's queue."""
    assert session.multi is not None
    if row.flags & F.NO_MULTI:
        raise CommandError("ERR Command not allowed inside a transaction")
    session.multi.append(row.id, args, session.db, session.conn.flags)
    if session.multi.size > session.router.core.inbox_max:
        session.router.on_flood(session.conn)
        return
    session.queued()


def run(router: Router, session: Session, row: Command, args: list[bytes]) -> Any:
    """Run a command that may run: here, on one shard, or on several."""
    if row.at is At.ROUTER:
        handler = HANDLERS.get(row.name)
        if handler is None:
            raise errors.unknown_command(args)
        began_us = router.clock_us()
        try:
            return handler(router, session, args)
        finally:
            took_us = router.clock_us() - began_us
            router.stats.count_command(row.name, CALLS)
            router.stats.count_command(row.name, USEC, took_us)
            if not row.flags & F.SKIP_SLOWLOG:
                router.slowlog.took(session, took_us, args)
            if router.config["latency-tracking"]:
                router.stats.latencies.add(row.name.lower(), took_us)
    if row.flags & F.BLOCKING and session.multi is None:
        return router.blocking.start(session, row, args)
    if row.group == "scripting":
        router.scripts.before(row, args)
    if row.spread is Spread.ALL:
        router.stats.repeated[row.name] = router.stats.repeated.get(row.name, 0) + router.shard_count - 1
        return fanout.to_all(router, session, row, args)
    if reaches_anywhere(router, row, args):
        return router.operations.dataflow(session, row, args)
    shards = shards_of(router, row, args)
    if len(shards) <= 1:
        shard = next(iter(shards), 0)
        router.require(shard)
        if session.tracking is not None:
            session.tracking.before(session, row, args)
        router.core.forward(session.conn, shard, row.id, encode(*args))
        return LATER
    if row.spread is Spread.SPLIT:
        router.stats.repeated[row.name] = router.stats.repeated.get(row.name, 0) + len(shards) - 1
        return fanout.split(router, session, row, args)
    return router.operations.dataflow(session, row, args)


def reaches_anywhere(router: Router, row: Command, args: list[bytes]) -> bool:
    """Whether a command may use keys that it does not name: SORT's patterns, a script under
    allow-undeclared-keys or one that calls KEYS. It holds all shards, since only running it tells which keys these are."""
    if router.shard_count == 1:
        return False
    if row.keys is None or row.group not in ("scripting", "python"):
        return row.discovers(args)
    return bool(router.config["allow-undeclared-keys"]) or router.scripts.concerns_all(row, args)


def shards_of(router: Router, row: Command, args: list[bytes]) -> set[int]:
    """The shards that own a command's keys; empty if it has none."""
    shard_of = router.core.shard_of
    return {shard_of(args[i]) for i in row.key_indexes(args)}
