"""The scripts and libraries that a shard keeps, and how they are run.

    EVAL text --sha1--> cached function --+
    FCALL name -------> library function -+--> Context.begin, LuaHost.run, Context.end

Scripts are a cache and live in memory only. Libraries are data: journalled, replicated and
saved, see `Libraries`. Compiled: between a batch and Lua nothing is interpreted.
"""

import hashlib
import json

import cython
from cython.cimports.cluster.numbers import string_to_longlong
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.keyspace import Database
from cython.cimports.shard.scripting.context import Context
from cython.cimports.shard.scripting.lua_host import LuaHost

from cluster import errors
from cluster.errors import CommandError
from cluster.whole_keyspace import mentioned_in
from shard.scripting.libraries import Libraries
from shard.staging import owner_test

NOSCRIPT = "NOSCRIPT No matching script. Please use EVAL."
PYTHON_ENTRY = b"#!python-function "
NO_WRITES, ALLOW_OOM, ALLOW_STALE = "no-writes", "allow-oom", "allow-stale"
FLAGS = (NO_WRITES, ALLOW_OOM, ALLOW_STALE, "no-cluster", "allow-cross-slot-keys")
READ_ONLY_WANTED = "ERR Can not execute a script with write flag using *_ro command."
NOT_BUSY = "NOTBUSY No scripts in execution right now."
BUSY_OTHER = {
    "eval": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "function": "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
    "python": "BUSY Redis is busy running a script. You can only call PY.KILL or SHUTDOWN NOSAVE.",
}
UNKILLABLE = (
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the "
    "script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)


@cython.cclass
class Script:
    """A compiled script; `flags` is None for one without a shebang line."""

    def __init__(self, sha: bytes, text: bytes, function, flags):
        self.sha = sha
        self.text = text
        self.function = function
        self.flags = flags


@cython.cclass
class Scripts:
    """Everything scripted on one shard: `engine.scripts`."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.context = Context(engine)
        self.cache = {}
        self.library_set = Libraries(self)
        self.told = []

    @property
    def lua(self) -> LuaHost:
        """The Lua state, made when it is first needed."""
        if self._lua is None:
            self._lua = LuaHost(self.engine, self.context)
        return self._lua

    @property
    def python(self):
        """The Python functions of this shard."""
        if self._python is None:
            from shard.scripting.python_functions import PythonFunctions

            self._python = PythonFunctions(self.engine, self.context)
        return self._python

    # -- EVAL ------------------------------------------------------------------------------

    def load(self, text: bytes) -> Script:
        """The script of a text, compiled at most once. CommandError if it does not compile."""
        sha = hashlib.sha1(text).hexdigest().encode()
        script: Script = self.cache.get(sha)
        if script is None:
            flags, body = parse_shebang(text)
            script = Script(sha, text, self.lua.compile(body), flags)
            self.cache[sha] = script
        return script

    @cython.ccall
    def find(self, args: list) -> Script:
        """The cached script of an EVALSHA's sha1. NOSCRIPT if there is none: behind a bad numkeys, where it is a sha1 at all."""
        sha: bytes = args[1]
        script: Script = self.cache.get(sha)
        if script is None:
            script = self.cache.get(sha.lower())
            if script is None:
                if PyBytes_GET_SIZE(sha) == 40:
                    number_of_keys(args, errors.NOT_INTEGER)
                raise CommandError(NOSCRIPT)
        return script

    def flush(self) -> None:
        """Forget all cached scripts and the state that they ran in."""
        self.cache.clear()
        if not self.library_set.libraries:
            self._lua = None

    @cython.ccall
    def eval(self, script: Script, args: list, read_only: cython.bint) -> object:
        """Run a script; args is the client's command (name, text or sha, numkeys, ...)."""
        nkeys: cython.Py_ssize_t = number_of_keys(args, errors.NOT_INTEGER)
        allow_oom: cython.bint = read_only or not self.engine.over_memory
        if script.flags is not None:
            read_only = self.rights(script.flags, read_only)
            allow_oom = True
        elif self.context.stale:
            raise CommandError(errors.MASTER_DOWN)
        return self.run("eval", script.sha, script.function, args, nkeys, read_only, allow_oom)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def rights(self, flags: frozenset, read_only: cython.bint) -> cython.bint:
        """Whether a script that has flags is one that only reads. CommandError if it may not run now."""
        no_writes = NO_WRITES in flags
        if self.engine.over_memory and not no_writes and ALLOW_OOM not in flags:
            raise CommandError(errors.OOM)
        if not no_writes and self.context.refusal:
            raise CommandError(self.context.refusal)
        if self.context.stale and ALLOW_STALE not in flags:
            raise CommandError(errors.MASTER_DOWN)
        if read_only and not no_writes:
            raise CommandError(READ_ONLY_WANTED)
        return no_writes

    @cython.ccall
    def run(
        self,
        kind: str,
        name: bytes,
        function: object,
        args: list,
        nkeys: cython.Py_ssize_t,
        read_only: cython.bint,
        allow_oom: cython.bint,
    ) -> object:
        """Run a Lua function as one unit: its effects are those of its commands."""
        engine: Engine = self.engine
        context: Context = self.context
        db: Database = engine.db
        host: LuaHost = self._lua if self._lua is not None else self.lua
        context.begin(kind, name, args, read_only, allow_oom)
        try:
            return host.run(function, kind == "eval", nkeys, args)
        finally:
            context.end()
            engine.db = db
            engine.rewritten = True

    # -- killing ---------------------------------------------------------------------------

    def kill_reply(self, kind: str):
        """Ask the running script ("eval", "function" or "python") to end: True, or the
        CommandError to answer with. It ends at its next poll."""
        context = self.context
        if not context.running:
            return CommandError(NOT_BUSY)
        if context.kind != kind:
            return CommandError(BUSY_OTHER[context.kind])
        if context.wrote and kind != "python":
            return CommandError(UNKILLABLE)
        context.kill = True
        return True

    # -- scripts that use commands on the whole keyspace --------------------------------------

    def whole_names(self) -> list:
        """Names of stored functions that must run under a hold of all shards."""
        names = self.library_set.whole()
        return names if self._python is None else names + self._python.whole()

    def tell_whole(self) -> None:
        """The set of stored functions has changed: the router must know which these are."""
        names = self.whole_names()
        if names != self.told:
            self.told = names
            self.engine.events.append((b"whole_scripts", *names))

    # -- libraries, as the durability layer sees them -----------------------------------------

    def lua_libraries(self) -> list:
        """The codes of all Lua libraries."""
        return [library.code for library in self.library_set.libraries.values()]

    def libraries(self) -> list:
        """Everything that a snapshot keeps: codes of Lua libraries, and Python functions as
        `#!python-function JSON LF blob`, where JSON has name and description in latin-1."""
        found = self.lua_libraries()
        if self._python is not None:
            for name, blob, description in self._python.entries():
                header = json.dumps({"name": name.decode("latin-1"), "description": description.decode("latin-1")})
                found.append(PYTHON_ENTRY + header.encode() + b"\n" + blob)
        return found

    def replace_libraries(self, entries: list[bytes]) -> None:
        """A snapshot's libraries and functions in the place of all. CommandError: one of them cannot be loaded."""
        self.library_set.flush()
        self._python = None
        for entry in entries:
            self.restore_entry(entry)
        self.tell_whole()

    def load_library(self, code: bytes, replace: bool = True) -> bytes:
        """Load a Lua library's code; its name. CommandError."""
        return self.library_set.load(code, replace)

    def restore_entry(self, entry: bytes) -> None:
        """Load one entry of a snapshot, as `libraries` gave it. CommandError."""
        if not entry.startswith(PYTHON_ENTRY):
            self.library_set.load(entry, True)
            return
        line, _, blob = entry.partition(b"\n")
        header = json.loads(line[len(PYTHON_ENTRY) :])
        self.python.load(
            header["name"].encode("latin-1"), blob, header["description"].encode("latin-1"), replace=True, check=False
        )


def whole_scripts(engine: Engine) -> list:
    """The same names for a router's greeting, and the sha1s of such cached scripts, as latin-1 texts."""
    if engine.scripts is None:
        return []
    scripts: Scripts = engine.scripts
    scripts.told = scripts.whole_names()
    cached = [script.sha for script in scripts.cache.values() if mentioned_in(script.text)]
    return [name.decode("latin-1") for name in scripts.told + cached]


@cython.ccall
def scripts_of(engine: Engine) -> Scripts:
    """The shard's scripts, made when they are first asked for."""
    if engine.scripts is None:
        engine.scripts = Scripts(engine)
        if engine.worker_shards > 1 and engine.owns is None:
            engine.owns = owner_test(engine.worker_shards, engine.shard_index)
    return engine.scripts


@cython.ccall
@cython.exceptval(-1, check=True)
def number_of_keys(args: list, not_a_number: str) -> cython.Py_ssize_t:
    """The numkeys argument of EVAL and FCALL (args[2]). CommandError."""
    raw: bytes = args[2]
    nkeys: cython.longlong = 0
    if len(raw) == 1 and 48 <= raw[0] <= 57 and raw[0] - 48 <= len(args) - 3:
        return raw[0] - 48
    if not string_to_longlong(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), cython.address(nkeys)):
        raise CommandError(not_a_number)
    if nkeys > len(args) - 3:
        raise CommandError("ERR Number of keys can't be greater than number of args")
    if nkeys < 0:
        raise CommandError("ERR Number of keys can't be negative")
    return nkeys


def parse_shebang(text: bytes) -> tuple:
    """The flags of `#!lua flags=a,b` (None without a shebang) and the text with that line blank."""
    if not text.startswith(b"#!"):
        return None, text
    line, newline, rest = text.partition(b"\n")
    if not newline:
        raise CommandError("ERR Invalid script shebang")
    words = line.decode("utf-8", "replace").split()
    if words[0] != "#!lua":
        raise CommandError(f"ERR Unexpected engine in script shebang: {words[0]}")
    flags = frozenset()
    for word in words[1:]:
        if not word.startswith("flags="):
            raise CommandError(f"ERR Unknown lua shebang option: {word}")
        names = [name for name in word[len("flags=") :].split(",") if name]
        for name in names:
            if name not in FLAGS:
                raise CommandError(f"ERR Unexpected flag in script shebang: {name}")
        flags = frozenset(names)
    return flags, newline + rest
