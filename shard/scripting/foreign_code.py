"""Pickled functions whose bytecode another Python made: found before it could run, for it would crash the process.

A cloudpickle does not say which Python made it, and from 3.11 on all versions build code objects alike. So the
raw bytecode is compared with this Python's rules while it is unpickled: the opcodes that there are, and how many
cache entries follow each. What passes means the same here as where it was made.
"""

from __future__ import annotations

import io
import opcode
import pickle
import sys
import types
from typing import Any

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
CODE_ARGUMENTS = 18  # of types.CodeType since 3.11; before 3.11 there were 16
BYTECODE = 6  # its place among them
# How RESUME, which begins every code object, is numbered.
RESUMES = {151: ("3.11", "3.12"), 149: ("3.13",), 128: ("3.14",)}
KNOWN = frozenset(number for name, number in opcode.opmap.items() if not name.startswith(("INSTRUMENTED_", "<")))
BEFORE_RESUME = frozenset(
    opcode.opmap[name]
    for name in ("COPY_FREE_VARS", "MAKE_CELL", "RETURN_GENERATOR", "POP_TOP")
    if name in opcode.opmap
)


class ForeignCode(Exception):
    """Bytecode of another Python; `made_by` says of which, as far as that can be told."""

    def __init__(self, made_by: str):
        super().__init__(made_by)
        self.made_by = made_by


def caches(number: int) -> int:
    """Cache entries that follow an instruction of this Python."""
    entries: Any = opcode._inline_cache_entries  # type: ignore[attr-defined]
    return int(entries.get(opcode.opname[number], 0) if isinstance(entries, dict) else entries[number])


def maker(bytecode: bytes) -> str:
    """The versions that could have made code which is not this one's."""
    for number, versions in RESUMES.items():
        if number in bytecode[:12:2]:
            return " or ".join(version for version in versions if version != HERE) or "another version"
    return "another version"


def is_own(bytecode: bytes) -> bool:
    """Whether the bytecode is what this Python would make."""
    at, resumes = 0, opcode.opmap.get("RESUME", -1)
    seen = False
    while at < len(bytecode):
        number = bytecode[at]
        if number not in KNOWN or number == 0:  # 0 is a cache entry, and none is due here
            return False
        seen = seen or number == resumes
        if not seen and number not in BEFORE_RESUME:
            return False
        end = at + 2 + 2 * caches(number)
        if any(bytecode[at + 2 : end : 2]):
            return False
        at = end
    return at == len(bytecode) and seen


def checked_code(*args: Any) -> types.CodeType:
    """types.CodeType for a pickle. ForeignCode."""
    if len(args) != CODE_ARGUMENTS:
        raise ForeignCode("3.10 or an older version" if len(args) < CODE_ARGUMENTS else "a newer version")
    if not is_own(args[BYTECODE]):
        raise ForeignCode(maker(args[BYTECODE]))
    return types.CodeType(*args)


class Unpickler(pickle.Unpickler):
    """Loads a cloudpickle whose code objects are this Python's. ForeignCode."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if found is types.CodeType:
            return checked_code
        if module.startswith("cloudpickle") and name == "_builtin_type":
            return lambda type_name: checked_code if type_name == "CodeType" else found(type_name)
        return found


def load(pickled: bytes) -> Any:
    """What a cloudpickle holds. ForeignCode, or whatever unpickling raises."""
    return Unpickler(io.BytesIO(pickled)).load()
