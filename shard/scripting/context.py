"""What a running script or function may do: the one gate between code and engine. Compiled.

    Lua: redis.call -> LuaHost.call --+
                                      +--> Context.execute(args) --> Engine.call_raw
    Python: db.get  -> Database ------+

A shard runs one script at a time, so it has one Context, filled anew by `begin`.
"""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.entries import Entry
from cython.cimports.shard.keyspace import Database

from cluster import errors
from cluster.command_table.model import FIRST, F, Spread
from cluster.errors import CommandError
from shard.scripting import router_commands
from shard.signals import Block

UNKNOWN = "ERR Unknown Redis command called from script"
ARITY = "ERR Wrong number of args calling Redis command from script"
NOT_ALLOWED = "ERR This Redis command is not allowed from script"
STALE = "ERR Can not execute the command on a stale replica"
READ_ONLY_SCRIPT = "ERR Write commands are not allowed from read-only scripts."


@cython.cclass
class Context:
    """The running script of a shard: its rights, and what it has done so far."""

    def __init__(self, engine):
        self.engine = engine
        self.name = b""
        self.kind = ""
        self.command = []
        self.running = False
        self.resp = 2
        self.before_write = None
        self.refusal = ""  # what a write is answered with: on a replica, or for want of replicas
        self.stale = False  # a replica without its master that shall not answer from old data
        self.kill = None
        self.keys = [
            Spread.ALL if entry.command.whole else entry.command.keys for entry in engine.entries
        ]

    @cython.ccall
    def begin(self, kind: str, name: bytes, command: list, read_only: cython.bint, allow_oom: cython.bint) -> object:
        """A script starts; `command` is what the client sent."""
        if self.running:
            raise CommandError(NOT_ALLOWED)
        self.kind = kind
        self.name = name
        self.command = command
        self.read_only = read_only
        self.allow_oom = allow_oom
        self.deny_oom = self.engine.over_memory and not allow_oom
        self.started_ms = self.engine.now
        self.wrote = False
        self.resp = 2
        self.kill = None
        self.before_write = None
        self.running = True

    @cython.ccall
    def end(self) -> object:
        """It is over, in whichever way."""
        self.running = False
        self.before_write = None
        self.command = []

    @cython.ccall
    def resolve(self, args: list) -> Entry:
        """The entry of a command that a script calls; CommandError with a script's texts."""
        engine: Engine = self.engine
        name: bytes = args[0]
        argc: cython.Py_ssize_t = len(args)
        entry: Entry = engine.by_name.get(name)
        if entry is None:
            entry = engine.by_name.get(name.upper())
            if entry is None:
                raise CommandError(UNKNOWN)
        if entry.subcommands and argc > 1:
            entry = entry.subcommands.get(args[1].upper())
            if entry is None:
                raise CommandError(UNKNOWN)
        if (argc != entry.arity) if entry.arity >= 0 else (argc < -entry.arity):
            raise CommandError(ARITY)
        return entry

    @cython.ccall
    def execute(self, args: list) -> object:
        """Run one command of the script (all arguments bytes). Its reply; CommandError."""
        engine: Engine = self.engine
        entry: Entry = self.resolve(args)
        if not entry.scriptable:
            if entry.command.flags & F.INTERNAL:  # what routers say to shards is no script's to say
                raise CommandError(UNKNOWN)
            raise CommandError(NOT_ALLOWED)
        if self.stale and not entry.command.flags & F.STALE:
            raise CommandError(STALE)
        if entry.handler is None:
            return router_commands.run(self, entry.command.name, args)
        if entry.write:
            if self.read_only:
                raise CommandError(READ_ONLY_SCRIPT)
            if self.refusal:
                raise CommandError(self.refusal)
            if entry.denyoom and self.deny_oom and not self.wrote:
                raise CommandError(errors.OOM)
        if engine.owns is not None:
            self._check_keys(entry, args)
        if entry.write:
            if self.before_write is not None:
                self.before_write(entry, args)
            self.wrote = True
        resp: cython.int = engine.resp
        engine.resp = self.resp
        over: cython.bint = engine.over_memory
        engine.over_memory = False
        try:
            return engine.call_raw(entry, args, None)
        except Block as block:
            return block.denied
        finally:
            engine.resp = resp
            engine.over_memory = over

    @cython.cfunc
    def _check_keys(self, entry: Entry, args: list) -> object:
        """Keys of other shards are an error; a staged database (keys lent by other shards)
        knows better what it has."""
        if type(self.engine.db) is not Database:
            return None
        kind: object = self.keys[entry.id]
        if kind is Spread.ALL:
            raise CommandError(errors.WHOLE_KEYSPACE)
        if kind is FIRST:
            if not self.engine.owns(args[1]):
                raise undeclared(args[1])
            return None
        for at in entry.command.key_indexes(args):
            if not self.engine.owns(args[at]):
                raise undeclared(args[at])
        return None


def undeclared(key):
    """The error for a key that another shard owns."""
    return CommandError(errors.UNDECLARED_KEY.format(key=key.decode("utf-8", "backslashreplace")))
