"""Function libraries: FUNCTION LOAD and what follows from it.

A library is its code; loading runs the code once, which registers the functions. The set is
data of the keyspace: FUNCTION LOAD, DELETE, FLUSH and RESTORE go into the stream.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.errors import CommandError
from cluster.replies import MapReply, SetReply, Status
from cluster.whole_keyspace import mentioned_in

if TYPE_CHECKING:
    from shard.scripting.scripts import Scripts

NAME = re.compile(rb"[A-Za-z0-9_]+\Z")
NAME_RULE = (
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)


@dataclass(slots=True)
class Function:
    """One function of a library."""

    name: bytes
    library: Library
    function: Any
    flags: frozenset[str]
    description: bytes


@dataclass(slots=True)
class Library:
    """A library and its functions."""

    name: bytes
    code: bytes
    whole: bool = False  # its functions may use commands on the whole keyspace
    functions: dict[bytes, Function] = field(default_factory=dict)


def parse_header(code: bytes) -> tuple[bytes, bytes]:
    """The name in `#!lua name=x` and the code with that line blank. CommandError."""
    if not code.startswith(b"#!"):
        raise CommandError("ERR Missing library metadata")
    line, newline, rest = code.partition(b"\n")
    if not newline:
        raise CommandError("ERR Invalid library metadata")
    words = line[2:].split()
    if not words or words[0].lower() != b"lua":
        engine = words[0].decode("utf-8", "replace") if words else ""
        raise CommandError(f"ERR Engine '{engine}' not found")
    name = None
    for word in words[1:]:
        if not word.lower().startswith(b"name="):
            raise CommandError("ERR Invalid metadata value given: " + word.decode("utf-8", "replace"))
        if name is not None:
            raise CommandError("ERR Invalid metadata value, name argument was given multiple times")
        name = word[5:]
    if name is None:
        raise CommandError("ERR Library name was not given")
    if not NAME.match(name):
        raise CommandError(NAME_RULE)
    return name, newline + rest


class Libraries:
    """All libraries of one shard. Functions are the same in any case of letters, as in Redis, and have lower case in
    their map; libraries are not."""

    def __init__(self, scripts: Scripts):
        self.scripts = scripts
        self.libraries: dict[bytes, Library] = {}
        self.functions: dict[bytes, Function] = {}

    def load(self, code: bytes, replace: bool, taken_text: str = "ERR Library '{name}' already exists") -> bytes:
        """Load or replace a library; its name. CommandError, and then nothing is changed."""
        name, body = parse_header(code)
        old = self.libraries.get(name)
        if old is not None and not replace:
            raise CommandError(taken_text.format(name=name.decode()))
        library = Library(name, code, mentioned_in(body))
        for function, callback, flags, description in self.scripts.lua.load(body):
            taken = self.functions.get(function.lower())
            if taken is not None and taken.library is not old:
                raise CommandError(f"ERR Function {function.decode()} already exists")
            library.functions[function.lower()] = Function(function, library, callback, frozenset(flags), description)
        if old is not None:
            self.delete(name)
        self.libraries[name] = library
        self.functions.update(library.functions)
        return name

    def delete(self, name: bytes) -> None:
        """Remove a library. CommandError if it is not there."""
        library = self.libraries.pop(name, None)
        if library is None:
            raise CommandError("ERR Library not found")
        for function in library.functions:
            del self.functions[function]

    def flush(self) -> None:
        """Remove all."""
        self.libraries.clear()
        self.functions.clear()

    def restore(self, codes: list[bytes], policy: bytes) -> None:
        """Load several at once (FLUSH, APPEND or REPLACE): all or none. CommandError."""
        before = dict(self.libraries), dict(self.functions)
        try:
            if policy == b"FLUSH":
                self.flush()
            for code in codes:
                self.load(code, policy == b"REPLACE", "ERR Library {name} already exists")
        except CommandError:
            self.libraries, self.functions = before
            raise

    def whole(self) -> list[bytes]:
        """Names of functions that may use commands on the whole keyspace."""
        return [name for name, function in self.functions.items() if function.library.whole]

    def describe(self, pattern: bytes | None, with_code: bool) -> list[Any]:
        """The reply of FUNCTION LIST."""
        found = []
        for library in self.libraries.values():
            if pattern is not None and not matches(library.name, pattern):
                continue
            functions = [
                MapReply([
                    b"name", function.name,
                    b"description", function.description or None,
                    b"flags", SetReply(Status(flag.encode()) for flag in sorted(function.flags)),
                ])
                for function in library.functions.values()
            ]  # fmt: skip
            entry = MapReply([b"library_name", library.name, b"engine", b"LUA", b"functions", functions])
            if with_code:
                entry += [b"library_code", library.code]
            found.append(entry)
        return found


def matches(name: bytes, pattern: bytes) -> bool:
    """Glob match, in any case of letters."""
    return fnmatch.fnmatchcase(name.decode().lower(), pattern.decode("utf-8", "replace").lower())
