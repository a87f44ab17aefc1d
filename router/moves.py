"""Large values on their way from shard to shard, a piece at a time.

    PULL -> source ... "piece" -> PUSH -> target ... "took"

One value after the other, at most two pieces of an operation under way: what a router and its links hold of it is
bounded, and other commands come between two pieces. The shards' side is shard/pieces.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cluster.command_table import TABLE

if TYPE_CHECKING:
    from router.operation import Operation

AHEAD = 2  # pieces under way
PULL = TABLE["SHARD.PULL"].id
PUSH = TABLE["SHARD.PUSH"].id

Move = tuple[int, int, bytes, bytes]  # source, target, database, key


class Moves:
    """The large values that one operation fetches before it goes on."""

    def __init__(self, operation: Operation, moves: Iterable[Move], adopted: bool, done: Callable[[], None]):
        """`adopted`: the targets are to keep what they get, as a record will say. done(): all is there."""
        self.operation = operation
        self.left = deque(moves)
        self.adopted = b"1" if adopted else b"0"
        self.done = done
        self.under_way = 0  # pieces that have been asked for, or that the target has not taken
        self.more = True  # the source has more of the value at hand

    def begin(self) -> None:
        """Fetch the first of those that are left."""
        if not self.left:
            self.done()
            return
        self.under_way, self.more = 0, True
        self._pull()

    def gave(self, raw: bytes, more: bool) -> None:
        """The source has given a piece, or said that there are no more."""
        _, target, db, key = self.left[0]
        self.more = self.more and more
        if raw:
            self.operation.tell(target, PUSH, [b"SHARD.PUSH", self.operation.id, db, key, self.adopted, raw])
        else:  # the end, or it stays where it is
            self.under_way -= 1
        self._go_on()

    def took(self) -> None:
        """The target has taken a piece."""
        self.under_way -= 1
        self._go_on()

    def _go_on(self) -> None:
        if self.more:
            self._pull()
        elif not self.under_way:
            self.left.popleft()
            self.begin()
        self.operation.router.kick()

    def _pull(self) -> None:
        source, target, db, key = self.left[0]
        here = b"1" if source == target else b"0"
        while self.under_way < AHEAD:
            self.under_way += 1
            self.operation.tell(source, PULL, [b"SHARD.PULL", self.operation.id, db, key, here])
