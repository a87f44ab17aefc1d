"""SCRIPT KILL and its kin, HELP texts, and the merges of what all shards answer."""

from __future__ import annotations

from typing import Any

from cluster.command_table.model import Command
from cluster.errors import CommandError
from cluster.replies import OK, Status
from cluster.wire import split_reply
from router.merges import MERGES
from router.registry import handles

PYTHON_OFF = "ERR Python functions are disabled. Set enable-python-functions to local or yes."
PYTHON_LOCAL = (
    "ERR Python functions are taken only from the loopback interface or a unix socket "
    "(enable-python-functions is local), because a pickle is code."
)


def check_python(router: Any, session: Any, row: Command) -> None:
    """Whether this client may send or call Python functions. CommandError says why not."""
    allowed = str(router.config["enable-python-functions"])
    if allowed == "no":
        raise CommandError(PYTHON_OFF)
    if allowed == "local" and not session.local:
        raise CommandError(PYTHON_LOCAL)


@handles("SCRIPT|DEBUG")
def script_debug(router: Any, session: Any, args: list[bytes]) -> Any:
    """SCRIPT DEBUG YES | SYNC | NO: there is no step debugger, so only NO can be had."""
    if args[2].upper() != b"NO":
        raise CommandError("ERR The Lua debugger is not available")
    return OK


HELP = {
    "SCRIPT": [
        "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "EXISTS <sha1> [<sha1> ...]",
        "    Return information about the existence of the scripts in the script cache.",
        "FLUSH [ASYNC|SYNC]",
        "    Flush the Lua scripts cache.",
        "KILL",
        "    Kill the currently executing Lua script.",
        "LOAD <script>",
        "    Load a script into the scripts cache without executing it.",
        "HELP",
        "    Print this help.",
    ],
    "FUNCTION": [
        "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "LOAD [REPLACE] <FUNCTION CODE>",
        "    Create a new library with the given library name and code.",
        "DELETE <LIBRARY NAME>",
        "    Delete the given library.",
        "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
        "    Return general information on all the libraries.",
        "STATS",
        "    Return information about the current function running and the available engines.",
        "KILL",
        "    Kill the current running function.",
        "FLUSH [ASYNC|SYNC]",
        "    Delete all the libraries.",
        "DUMP",
        "    Return a serialized payload representing the current libraries.",
        "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
        "    Restore the libraries represented by the given payload.",
        "HELP",
        "    Print this help.",
    ],
}


@handles("SCRIPT|HELP", "FUNCTION|HELP")
def help_text(router: Any, session: Any, args: list[bytes]) -> Any:
    """SCRIPT HELP, FUNCTION HELP"""
    return [Status(line.encode()) for line in HELP[args[0].decode().upper()]]


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
