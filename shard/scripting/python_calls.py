"""Whether a pickled function uses commands on the whole keyspace: read off its bytecode, without unpickling it.

A pickle is code, so nothing of it is run: every global that it names becomes an `Inert`, which only remembers the
arguments of code objects.
"""

from __future__ import annotations

import io
import opcode
import pickle
from collections.abc import Iterator
from typing import Any

from cluster.whole_keyspace import NAMES
from shard.scripting.foreign_code import BYTECODE, CODE_ARGUMENTS, caches, is_own

CONSTANTS, ATTRIBUTES = 7, 8  # their places among the arguments of a code object
METHODS = frozenset(name.lower() for name in NAMES) - {"keys"} | {"scan_iter"}
EXECUTE = frozenset({"execute", "execute_command"})


def uses_whole_keyspace(pickled: bytes) -> bool:
    """Whether a function in a cloudpickle calls `db.keys`, `db.scan`, `db.execute("FLUSHALL")` or their kin."""
    return any(_calls(code) for code in _codes(pickled))


def _codes(pickled: bytes) -> list[tuple[Any, ...]]:
    """The arguments of the code objects in a pickle; none if it is damaged."""
    found: list[tuple[Any, ...]] = []

    class Inert:
        """Stands for whatever a pickle names or makes."""

        def __new__(cls, *args: Any, **options: Any) -> Any:
            return super().__new__(cls)

        def __init__(self, *args: Any, **options: Any) -> None:
            if len(args) == CODE_ARGUMENTS and isinstance(args[BYTECODE], bytes):
                found.append(args)

        def __call__(self, *args: Any, **options: Any) -> Any:
            return Inert(*args)

        def __setstate__(self, state: Any) -> None:
            """Nothing is kept."""

        def __setitem__(self, key: Any, value: Any) -> None:
            """Nothing is kept."""

        def append(self, item: Any) -> None:
            """Nothing is kept."""

        def extend(self, items: Any) -> None:
            """Nothing is kept."""

        def add(self, item: Any) -> None:
            """Nothing is kept."""

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            return Inert

        def persistent_load(self, name: Any) -> Any:
            return Inert()

    try:
        Reader(io.BytesIO(pickled)).load()
    except Exception:  # whoever calls the function is told what is wrong with it
        return []
    return found


def _calls(code: tuple[Any, ...]) -> bool:
    names = code[ATTRIBUTES]
    if METHODS.intersection(names) or ("keys" in names and is_own(code[BYTECODE]) and _calls_keys(code)):
        return True
    return bool(EXECUTE.intersection(names)) and any(_is_name(constant) for constant in code[CONSTANTS])


def _is_name(constant: Any) -> bool:
    if isinstance(constant, bytes):
        constant = constant.decode("latin-1")
    return isinstance(constant, str) and constant.upper() in NAMES


def _calls_keys(code: tuple[Any, ...]) -> bool:
    """Whether `keys` is asked of the first parameter, or of a variable of an outer function: dictionaries have it, too."""
    names, before = code[ATTRIBUTES], ("", 0)
    for name, argument in _instructions(code[BYTECODE]):
        if name in ("LOAD_METHOD", "LOAD_ATTR"):
            # Since 3.12 LOAD_ATTR says by its lowest bit whether it is a method.
            at = argument if "LOAD_METHOD" in opcode.opmap else argument >> 1
            if at < len(names) and names[at] == "keys":
                kind, place = before
                if kind == "LOAD_DEREF" or (kind.startswith("LOAD_FAST") and place == 0):
                    return True
        before = (name, argument)
    return False


def _instructions(bytecode: bytes) -> Iterator[tuple[str, int]]:
    """(name, argument) of each instruction, without cache entries."""
    at, high = 0, 0
    while at + 1 < len(bytecode):
        number, argument = bytecode[at], bytecode[at + 1] | high
        name = opcode.opname[number]
        high = argument << 8 if name == "EXTENDED_ARG" else 0
        if name != "EXTENDED_ARG":
            yield name, argument
        at += 2 + 2 * caches(number)
