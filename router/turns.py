"""Who commits next: the ids of multi-shard records grow along every link.

An operation's id is given when it takes its holds. Operations on different keys are under way at the same time and may
be ready in any order; those that share a shard commit in the order of their holds. So every shard applies records in
the order of their ids, and what it lacks after a crash is one comparison (router/records.py). Compiled.
"""

from collections import deque

import cython


@cython.cclass
class Turns:
    """The order in which operations that write commit: on every shard that in which they took their holds (`held`)."""

    def __init__(self, shards: int):
        self.ordered = True  # a test sees what happens if it is not
        self.lines = [deque() for _ in range(shards)]

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def join(self, operation: object, held: list) -> cython.int:
        """An operation takes its holds."""
        for shard in held:
            self.lines[shard].append(operation)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def leads(self, operation: object, held: list) -> cython.bint:
        """Whether it is its turn on all of its shards."""
        for shard in held:
            if self.lines[shard][0] is not operation:
                return not self.ordered
        return True

    @cython.cfunc
    def leave(self, operation: object, held: list) -> list:
        """It has had its turn, or needs none: who is next instead on its shards."""
        followers: list = []
        for shard in held:
            line = self.lines[shard]
            if line[0] is operation:
                line.popleft()
            else:
                line.remove(operation)
            if line:
                followers.append(line[0])
        return followers
