"""Python functions beside the data: PY.LOAD, PY.CALL and their kin.

A function is `f(db, keys, args)`, shipped as a cloudpickle. A call is one unit: its effects are
journalled together, and when it raises, or is killed, every key is as it was (see `undo`).

    blob = [ '#!python {"python": "3.11", "source": "..."}' LF ] pickle

The header line is written by the client helper; a bare cloudpickle is taken as one of this
Python version. Bytecode of another version is never run, see `foreign_code`.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from cluster import errors
from cluster.errors import CommandError
from cluster.replies import MapReply, SetReply
from shard.scripting.foreign_code import HERE, ForeignCode, load
from shard.scripting.memory_cap import MemoryCap
from shard.scripting.python_calls import uses_whole_keyspace
from shard.scripting.undo import Undo

log = logging.getLogger("elixircache.python")
POLL_SECONDS = 0.05
MARK = b"#!python "
# Frames of these places are not the function's own.
MACHINERY = (__file__, str(Path(__file__).with_name("python_database.py")), str(Path(redis.__file__).parent) + "/")


class Killed(BaseException):
    """Ends a running function; no `except Exception` of its own catches it."""


@dataclass(slots=True)
class PythonFunction:
    """A stored function. `function` is None until it is first needed."""

    name: bytes
    blob: bytes
    description: bytes
    python: str
    source: str
    function: Any = None
    calls: int = 0
    errors: int = 0
    usec: int = 0
    whole: bool = False  # it uses commands on the whole keyspace


def split_blob(blob: bytes) -> tuple[str, str, bytes]:
    """(Python version or "", source or "", pickle). CommandError for a damaged header."""
    if not blob.startswith(MARK):
        return "", "", blob
    line, newline, pickled = blob.partition(b"\n")
    try:
        header = json.loads(line[len(MARK) :])
        if not newline:
            raise ValueError("no pickle")
        return str(header.get("python", "")), str(header.get("source", "")), pickled
    except (ValueError, AttributeError):
        raise CommandError("PYERR ValueError: the function's header line is damaged") from None


def unpickled(blob: bytes) -> Any:
    """The function in a blob. CommandError that says which versions made it and run."""
    made_by, _, pickled = split_blob(blob)
    try:
        if made_by and made_by.split(".")[:2] != HERE.split("."):
            raise ForeignCode(made_by)
        function = load(pickled)
    except ForeignCode as error:
        raise CommandError(
            f"PYERR VersionError: the function was made by Python {error.made_by} and this server runs Python {HERE}"
        ) from None
    except Exception as error:
        text = one_line(f"{type(error).__name__}: {error}")
        raise CommandError(
            "PYERR UnpicklingError: the function cannot be loaded; it was made by Python "
            f"{made_by or 'of unknown version'} and this server runs Python {HERE} ({text})"
        ) from None
    if not callable(function):
        raise CommandError("PYERR TypeError: the pickle holds no function")
    return function


def one_line(text: str) -> str:
    """A text that fits an error line."""
    return " ".join(text.split())[:500]


class LogWriter(io.TextIOBase):
    """sys.stdout of a running function: whole lines go into the log."""

    def __init__(self, name: str):
        self.name = name
        self.rest = ""

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            log.info("%s: %s", self.name, line)
        return len(text)

    def close_line(self) -> None:
        if self.rest:
            log.info("%s: %s", self.name, self.rest)


class Guard:
    """Interrupts a function that runs too long: a timer's signal polls for PY.KILL.

    The signal is raised at once in the function's own code, but only after the command when
    the engine is at work, which must not be left halfway.
    """

    def __init__(self, engine: Any, context: Any):
        self.engine = engine
        self.context = context
        self.inside = False
        self.pending = False
        self.armed = False
        self.cap = MemoryCap(0)
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # an alarm without a handler is fatal

    def start(self, cap: MemoryCap) -> None:
        """Arm the timer; without effect where signals cannot be had (not the main thread). It
        stays armed after the call: the first tick outside one switches it off, so that a row of
        short calls costs no system call."""
        self.inside = self.pending = False
        self.cap = cap
        if self.armed or threading.current_thread() is not threading.main_thread():
            return
        signal.signal(signal.SIGALRM, self.tick)
        signal.setitimer(signal.ITIMER_REAL, POLL_SECONDS, POLL_SECONDS)
        self.armed = True

    def tick(self, *_: Any) -> None:
        context = self.context
        if not context.running:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.armed = False
            return
        poll = getattr(self.engine.controls, "poll", None) or getattr(self.engine.worker, "poll", None)
        if context.kill is None and poll is not None:
            if not self.inside:
                self.cap.lift()
            if poll() == b"kill":
                context.kill = True
            if not self.inside:
                self.cap.lower()
        if context.kill:
            self.pending = True
            if not self.inside:
                self.end()

    def end(self) -> None:
        raise Killed("killed by PY.KILL")


class PythonFunctions:
    """The functions of one shard, and how they are called."""

    def __init__(self, engine: Any, context: Any):
        self.engine = engine
        self.context = context
        self.functions: dict[bytes, PythonFunction] = {}
        self.guard = Guard(engine, context)
        self.recent: dict[bytes, Any] = {}
        self._db: Any = None

    @property
    def db(self) -> Any:
        """The facade; redis-py is imported when the first function runs."""
        if self._db is None:
            from shard.scripting.python_database import Database

            self._db = Database(self.context)
            self._db._guard = self.guard
        return self._db

    # -- the set of functions ----------------------------------------------------------------

    def load(self, name: bytes, blob: bytes, description: bytes, replace: bool, check: bool = True) -> None:
        """Store a function. CommandError. From a journal it is stored whatever it is: another
        Python version may have written it, and only calling it is an error then."""
        if name in self.functions and not replace:
            raise CommandError(f"ERR Function '{name.decode('utf-8', 'replace')}' already exists")
        function = unpickled(blob) if check and not self.engine.replaying else None
        python, source, pickled = split_blob(blob)
        self.functions[name] = PythonFunction(
            name, blob, description, python or HERE, source, function, whole=uses_whole_keyspace(pickled)
        )

    def find(self, name: bytes) -> PythonFunction:
        """A function by its name. CommandError."""
        found = self.functions.get(name)
        if found is None:
            raise CommandError(f"NOFUNCTION No Python function '{name.decode('utf-8', 'replace')}'. Please use PY.LOAD.")
        return found

    def whole(self) -> list[bytes]:
        """Names of functions that use commands on the whole keyspace."""
        return [name for name, function in self.functions.items() if function.whole]

    def entries(self) -> list[tuple[bytes, bytes, bytes]]:
        """(name, blob, description) of each, for a snapshot."""
        return [(f.name, f.blob, f.description) for f in self.functions.values()]

    def describe(self) -> list[Any]:
        """The reply of PY.LIST."""
        return [
            MapReply([b"name", f.name, b"description", f.description or None, b"python", f.python.encode(),
                      b"source", f.source.encode() or None, b"size", len(f.blob)])
            for f in self.functions.values()
        ]  # fmt: skip

    def stats(self) -> list[Any]:
        """The reply of PY.STATS on one shard."""
        return [
            MapReply([b"name", f.name, b"calls", f.calls, b"errors", f.errors, b"usec", f.usec])
            for f in self.functions.values()
        ]

    # -- calls ---------------------------------------------------------------------------------

    def call(self, name: bytes, args: list[bytes], nkeys: int, read_only: bool) -> Any:
        """PY.CALL: run a stored function."""
        found = self.find(name)
        if found.function is None:
            found.function = unpickled(found.blob)
        started = time.perf_counter_ns()
        found.calls += 1
        try:
            return self.run(found.function, name, args, nkeys, read_only)
        except CommandError:
            found.errors += 1
            raise
        finally:
            found.usec += (time.perf_counter_ns() - started) // 1000

    def eval(self, blob: bytes, args: list[bytes], nkeys: int) -> Any:
        """PY.EVAL: run a pickled function; the last few are kept unpickled."""
        function = self.recent.get(blob)
        if function is None:
            function = unpickled(blob)
            if len(self.recent) >= 64:
                self.recent.pop(next(iter(self.recent)))
            self.recent[blob] = function
        name = getattr(function, "__name__", "function").encode()
        return self.run(function, name, args, nkeys, False)

    def run(self, function: Any, name: bytes, args: list[bytes], nkeys: int, read_only: bool) -> Any:
        """One call, all or nothing."""
        engine, context = self.engine, self.context
        if context.stale:
            raise CommandError(errors.MASTER_DOWN)
        db = engine.db
        context.begin("python", name, args, read_only, False)
        undo = Undo(engine)
        context.before_write = undo.before
        facade = self.db
        output, sys.stdout = sys.stdout, LogWriter(name.decode("utf-8", "replace"))
        cap = MemoryCap(int(engine.config.get("python-memory-limit", 0) or 0))
        try:
            self.guard.start(cap)
            with cap:
                value = function(facade, args[3 : 3 + nkeys], args[3 + nkeys :])
            self.guard.inside = True  # what follows is ours, and not to be interrupted
            return as_reply(value)
        except Killed:
            self.guard.inside = True
            undo.restore()
            raise CommandError("PYERR Killed: the function was ended by PY.KILL") from None
        except BaseException as error:
            self.guard.inside = True
            undo.restore()
            raise CommandError(describe_error(error, name)) from None
        finally:
            context.running = False
            cap.end()
            sys.stdout.close_line()  # type: ignore[attr-defined]
            sys.stdout = output
            context.end()
            engine.db = db
            engine.no_effect()


def describe_error(error: BaseException, name: bytes) -> str:
    """-PYERR TypeName: message (function, line), of the innermost line that is the function's own."""
    trace = error.__traceback__
    where = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(MACHINERY):
            where = (code.co_name, trace.tb_lineno)
        trace = trace.tb_next
    place = f"{where[0]}, line {where[1]}" if where else name.decode("utf-8", "replace")
    return f"PYERR {type(error).__name__}: {one_line(str(error))} ({place})"


def as_reply(value: Any) -> Any:
    """What a function returned, as a reply. TypeError for what has no form in RESP."""
    kind = type(value)
    if value is None or kind is bytes or kind is int or kind is str or kind is float or kind is bool:
        return value
    if isinstance(value, list | tuple):
        return [as_reply(item) for item in value]
    if isinstance(value, set | frozenset):
        return SetReply(as_reply(item) for item in value)
    if isinstance(value, dict):
        return MapReply(as_reply(part) for pair in value.items() for part in pair)
    if isinstance(value, bytearray):
        return bytes(value)
    raise TypeError(f"a function cannot return a {kind.__name__}")
