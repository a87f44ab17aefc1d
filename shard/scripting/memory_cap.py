"""python-memory-limit: how much a process may grow while a Python function runs.

The limit is the kernel's (RLIMIT_AS), so that whatever the function calls meets it, as a MemoryError. It binds the
function's own code only: commands, the link and the way back after an error run without it, for they must not be left
halfway. What a command has given the function counts from then on.
"""

from __future__ import annotations

import resource


class MemoryCap:
    """with MemoryCap(bytes) as cap: the function's code ... cap.lift() ... cap.lower() ...; without limit if 0."""

    def __init__(self, cap: int):
        self.cap = cap
        self.limit = 0

    def __enter__(self) -> MemoryCap:
        if self.cap:
            with open("/proc/self/statm") as statm:
                size = int(statm.read().split()[0]) * resource.getpagesize()
            self.before = resource.getrlimit(resource.RLIMIT_AS)
            bounds = [bound for bound in self.before if bound != resource.RLIM_INFINITY]
            self.limit = min([size + self.cap, *bounds])  # one that the process was started with stays
            self.lower()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Off for good."""
        self.lift()
        self.limit = 0

    def lift(self) -> None:
        """Off, as long as something else than the function's code runs."""
        if self.limit:
            resource.setrlimit(resource.RLIMIT_AS, self.before)

    def lower(self) -> None:
        """On."""
        if self.limit:
            resource.setrlimit(resource.RLIMIT_AS, (self.limit, self.before[1]))
