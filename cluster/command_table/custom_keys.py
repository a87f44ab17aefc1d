"""Key positions that no pattern describes: SORT, GEORADIUS, MIGRATE.

`places` is what COMMAND INFO says about them, one entry for each part of the row's `access`:
"1" an index, "STORE@6" the argument after a keyword that is looked for from position 6 on,
"KEYS@-2.." everything after a keyword, "?" unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cluster.command_table.model import Custom


def _sort(args: Sequence[bytes]) -> list[int]:
    """The key, and the target of the last STORE. What BY and GET read is not among them."""
    found = [1]
    i = 2
    while i < len(args):
        word = args[i].upper()
        if word == b"LIMIT":
            i += 2
        elif word in (b"GET", b"BY"):
            i += 1
        elif word == b"STORE" and i + 1 < len(args):
            found[1:] = [i + 1]
            i += 1
        i += 1
    return found if len(args) > 1 else []


def _sort_points(args: Sequence[bytes]) -> bool:
    """Whether a BY or GET pattern makes keys of the elements."""
    i = 2
    while i < len(args) - 1:
        word = args[i].upper()
        if word in (b"GET", b"BY"):
            if b"*" in args[i + 1]:
                return True
            i += 1
        elif word == b"STORE":
            i += 1
        elif word == b"LIMIT":
            i += 2
        i += 1
    return False


def _radius(first_option: int) -> Callable[[Sequence[bytes]], list[int]]:
    def find(args: Sequence[bytes]) -> list[int]:
        found = [1]
        for i in range(first_option, len(args) - 1):
            if args[i].upper() in (b"STORE", b"STOREDIST"):
                found[1:] = [i + 1]
        return found if len(args) > 1 else []

    return find


def _migrate(args: Sequence[bytes]) -> list[int]:
    """The third argument, or all that follows KEYS when that is empty. Both is an error, and no keys."""
    if len(args) < 4:
        return []
    for i in range(6, len(args)):
        if args[i].upper() == b"KEYS":
            return [] if args[3] else list(range(i + 1, len(args)))
    return [3]


SORT = Custom(1, _sort, places=("1", "?", "?"), more=_sort_points)
SORT_RO = Custom(1, lambda args: [1] if len(args) > 1 else [], places=("1", "?"), more=_sort_points)
GEORADIUS = Custom(1, _radius(6), places=("1", "STORE@6", "STOREDIST@6"))
GEORADIUSBYMEMBER = Custom(1, _radius(5), places=("1", "STORE@5", "STOREDIST@5"))
MIGRATE = Custom(3, _migrate, places=("3", "KEYS@-2.."))
