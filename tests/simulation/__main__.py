"""`python -m tests.simulation [FIRST [COUNT]]`: run seeds and print those that fail."""

from __future__ import annotations

import logging
import sys
import time

from tests.simulation.test_serialisable import run


def main() -> int:
    """Exit code 1 if a seed failed."""
    logging.disable(logging.CRITICAL)
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    failed = 0
    started = time.monotonic()
    for seed in range(first, first + count):
        try:
            run(seed)
        except AssertionError as error:
            failed += 1
            print(error, flush=True)
    print(f"{count - failed} passed, {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
