"""SCRIPT KILL and its kin, and the merges of what all shards answer."""

from __future__ import annotations

import json
from typing import Any

from cluster import frames
from cluster.command_table.model import Command
from cluster.errors import CommandError
from cluster.replies import OK, MapReply
from cluster.reply_parts import split_reply
from router import fanout
from router.merges import MERGES
from router.registry import LATER, handles

PYTHON_OFF = "ERR Python functions are disabled. Set enable-python-functions to local or yes."
PYTHON_LOCAL = (
    "ERR Python functions are taken only from the loopback interface or a unix socket "
    "(enable-python-functions is local), because a pickle is code."
)


def check_python(router: Any, session: Any, row: Command) -> None:
    """Whether this client may send or call Python functions. CommandError says why not. (The fast path asks
    the same in `Core._script_fast`; what our master sends is stored, and nothing is run.)"""
    if session.conn.writer:
        return
    allowed = str(router.config["enable-python-functions"])
    if allowed == "no":
        raise CommandError(PYTHON_OFF)
    if allowed == "local" and not session.local:
        raise CommandError(PYTHON_LOCAL)


BUSY = "BUSY Redis is busy running a script. You can only call {kill} or SHUTDOWN NOSAVE."
NOT_BUSY = "NOTBUSY No scripts in execution right now."
KILLERS = {"eval": "SCRIPT KILL", "function": "FUNCTION KILL", "python": "PY.KILL"}


class Busy:
    """Which shards are in a long script, and the clients who ask for its end."""

    def __init__(self, router: Any):
        self.router = router
        # shard -> kind, name, command, since (unix ms)
        self.shards: dict[int, tuple[str, bytes, list[bytes], int]] = {}
        self.asked: dict[int, tuple[Any, int, int, list[bytes]]] = {}  # token -> session, place, missing, verdicts
        self.token = 0
        router.event_handlers[b"busy"] = self.on_busy
        router.event_handlers[b"free"] = self.on_free
        router.event_handlers[b"killed"] = self.on_killed
        # What scripts publish.
        router.event_handlers[b"PUBLISH"] = lambda shard, event: router.pubsub.publish(event[1], event[2])
        router.event_handlers[b"SPUBLISH"] = lambda shard, event: router.pubsub.publish_shard(event[1], event[2])

    def check(self) -> None:
        """BUSY while a shard is in a script for longer than busy-reply-threshold."""
        for kind, *_ in self.shards.values():
            raise CommandError(BUSY.format(kill=KILLERS[kind]))

    def on_busy(self, shard: int, event: list[bytes]) -> None:
        self.shards[shard] = event[1].decode(), event[2], event[3:], self.router.now
        self.router.settle_paths()

    def on_free(self, shard: int, event: list[bytes] | None = None) -> None:
        """The script ended, or its shard is gone."""
        self.shards.pop(shard, None)
        self.router.settle_paths()

    def kill(self, session: Any, kind: str) -> Any:
        """Ask all shards; the best of their answers takes the command's place."""
        up = [link.index for link in self.router.core.links if link.up]
        if not up:
            raise CommandError(NOT_BUSY)
        self.token += 1
        self.asked[self.token] = session, session.reserve(), len(up), []
        for shard in up:
            self.router.send_alone(shard, frames.KILL + json.dumps({"token": self.token, "kind": kind}).encode())
        return LATER

    def on_killed(self, shard: int, event: list[bytes]) -> None:
        token = int(event[1])
        if token not in self.asked:
            return
        session, place, missing, verdicts = self.asked[token]
        verdicts.append(event[2])
        if len(verdicts) < missing:
            return
        del self.asked[token]
        best = min(verdicts, key=lambda verdict: (verdict != b"OK", verdict.startswith(b"NOTBUSY")))
        session.fulfil(place, OK if best == b"OK" else CommandError(best.decode()))


@handles("SCRIPT|KILL")
def script_kill(router: Any, session: Any, args: list[bytes]) -> Any:
    """SCRIPT KILL"""
    return router.busy.kill(session, "eval")


@handles("FUNCTION|KILL")
def function_kill(router: Any, session: Any, args: list[bytes]) -> Any:
    """FUNCTION KILL"""
    return router.busy.kill(session, "function")


@handles("PY.KILL")
def py_kill(router: Any, session: Any, args: list[bytes]) -> Any:
    """PY.KILL: end the running Python function, which is undone."""
    return router.busy.kill(session, "python")


@handles("FUNCTION|STATS")
def function_stats(router: Any, session: Any, args: list[bytes]) -> Any:
    """FUNCTION STATS: the long-running function, and the engine's libraries and functions."""
    running = next((script[1:] for script in router.busy.shards.values() if script[0] == "function"), None)
    shown = None
    if running is not None:
        name, command, since_ms = running
        shown = MapReply([b"name", name, b"command", command, b"duration_ms", router.now - since_ms])
    if router.busy.shards:
        return MapReply([b"running_script", shown, b"engines", MapReply()])
    place = session.reserve()

    def done(replies: dict[int, bytes | None]) -> None:
        raw = next((reply for reply in replies.values() if reply is not None), b"*0\r\n")
        libraries = split_reply(raw)
        functions = sum(len(split_reply(split_reply(library)[5])) for library in libraries)
        counts = MapReply([b"libraries_count", len(libraries), b"functions_count", functions])
        session.fulfil(place, MapReply([b"running_script", None, b"engines", MapReply([b"LUA", counts])]))

    fanout.ask_all(router, [b"FUNCTION|LIST", b"LIST"], done)
    return LATER


@handles("SCRIPT|DEBUG")
def script_debug(router: Any, session: Any, args: list[bytes]) -> Any:
    """SCRIPT DEBUG YES | SYNC | NO: there is no step debugger, so only NO can be had."""
    if args[2].upper() not in (b"YES", b"SYNC", b"NO"):
        raise CommandError("ERR Use SCRIPT DEBUG YES/SYNC/NO")
    if args[2].upper() != b"NO":
        raise CommandError("ERR The Lua debugger is not available")
    return OK


def all_have(raws: list[bytes]) -> bytes:
    """SCRIPT EXISTS: a script is there when every shard has it."""
    columns = zip(*(split_reply(raw) for raw in raws), strict=True)
    found = [b":1\r\n" if all(part == b":1\r\n" for part in column) else b":0\r\n" for column in columns]
    return b"*%d\r\n" % len(found) + b"".join(found)


def add_stats(raws: list[bytes]) -> bytes:
    """PY.STATS: calls, errors and microseconds of each function, added over the shards."""
    shards = [[split_reply(entry) for entry in split_reply(raw)] for raw in raws]
    entries = []
    for parts in zip(*shards, strict=True):
        first = parts[0]
        fields = [
            b":%d\r\n" % sum(int(part[i][1:-2]) for part in parts) if first[i][:1] == b":" else first[i]
            for i in range(len(first))
        ]
        entries.append(b"*%d\r\n" % len(fields) + b"".join(fields))
    return b"*%d\r\n" % len(entries) + b"".join(entries)


MERGES["SCRIPT|EXISTS"] = all_have
MERGES["PY.STATS"] = add_stats
