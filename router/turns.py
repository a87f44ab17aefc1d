"""Who commits next: the ids of multi-shard records grow along every link.

An operation's id is given when it takes its holds. Operations on different keys are under way at the same time and may
be ready in any order; those that share a shard commit in the order of their holds. So every shard applies records in
the order of their ids, and what it lacks after a crash is one comparison (router/records.py). Compiled.
"""

from collections import deque

import cython


class Turns:
    """The order in which operations that write commit: on every shard that in which they took their holds."""

    def __init__(self, shards: int):
        self.lines: list = [deque() for _ in range(shards)]

    def join(self, operation):
        """An operation takes its holds."""
        shard: cython.int
        for shard in operation.held:
            self.lines[shard].append(operation)

    def advance(self, operation):
        """Commit an operation, and those that have waited for it, if it is their turn."""
        due = [operation]
        while due:
            first = due.pop()
            if first.state != "ready" or not self._leads(first):
                continue
            if first.send_commit():  # else it leaves when that is decided
                due.extend(self._leave(first))

    def _leads(self, operation) -> bool:
        for shard in operation.held:
            if self.lines[shard][0] is not operation:
                return False
        return True

    def leave(self, operation):
        """An operation will not commit."""
        for follower in self._leave(operation):
            self.advance(follower)

    def _leave(self, operation) -> list:
        followers = []
        for shard in operation.held:
            line = self.lines[shard]
            line.remove(operation)
            if line:
                followers.append(line[0])
        return followers
