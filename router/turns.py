"""Who commits next: the ids of multi-shard records grow along every link.

An operation's id is given when it takes its holds. Operations on different keys are under way at the same time and may
be ready in any order; those that share a shard commit in the order of their holds. So every shard applies records in
the order of their ids, and what it lacks after a crash is one comparison (router/records.py).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.operation import Operation


class Turns:
    """The order in which operations that write commit: on every shard that in which they took their holds."""

    def __init__(self, shards: int):
        self.lines: list[deque[Operation]] = [deque() for _ in range(shards)]

    def join(self, operation: Operation) -> None:
        """An operation takes its holds."""
        for shard in operation.held:
            self.lines[shard].append(operation)

    def advance(self, operation: Operation) -> None:
        """Commit an operation, and those that have waited for it, if it is their turn."""
        due = [operation]
        while due:
            first = due.pop()
            if first.state != "ready" or any(self.lines[shard][0] is not first for shard in first.held):
                continue
            if first.send_commit():  # else it leaves when that is decided
                due.extend(self._leave(first))

    def leave(self, operation: Operation) -> None:
        """An operation will not commit."""
        for follower in self._leave(operation):
            self.advance(follower)

    def _leave(self, operation: Operation) -> list[Operation]:
        followers = []
        for shard in operation.held:
            line = self.lines[shard]
            line.remove(operation)
            if line:
                followers.append(line[0])
        return followers
