"""`python -m tests.simulation [--replicas] [FIRST [COUNT]]`: run seeds (of groups that replicate) and print those that fail."""

from __future__ import annotations

import logging
import sys
import time

from tests.simulation.test_replicas import run as run_replicas
from tests.simulation.test_serialisable import run


def main() -> int:
    """Exit code 1 if a seed failed."""
    logging.disable(logging.CRITICAL)
    words = [word for word in sys.argv[1:] if word != "--replicas"]
    one = run_replicas if "--replicas" in sys.argv else run
    first = int(words[0]) if words else 0
    count = int(words[1]) if len(words) > 1 else 1
    failed = 0
    started = time.monotonic()
    for seed in range(first, first + count):
        try:
            one(seed)
        except AssertionError as error:
            failed += 1
            print(error, flush=True)
    print(f"{count - failed} passed, {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
