"""`python -m tests.conformance --seed 1 --count 500 [--target engine|1|4] [--types lists,sets]`"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import time
from typing import Any

from .sequences import Mismatch, check, sequence, shown, shrink
from .targets import EavesdroppedTarget, EngineTarget, RedisServer


@contextlib.contextmanager
def opened(name: str) -> Any:
    """The target that is compared with the oracle: a bare engine, or a cluster of so many shards."""
    if name == "engine":
        yield EngineTarget()
        return
    if ":" in name:
        host, _, port = name.rpartition(":")
        yield EavesdroppedTarget(name, (host, int(port)))
        return
    import elixircache

    with elixircache.LocalCluster(shards=int(name)) as cluster:
        yield EavesdroppedTarget(f"{name} shards", ("127.0.0.1", cluster.port))
        for line in cluster.log_path.read_text(errors="replace").splitlines():
            if "info:" not in line:
                print(f"log: {line}")


def signature(found: Mismatch) -> tuple[Any, ...]:
    return (
        found.args[0].upper() if found.args else b"",
        found.where,
        str(found.ours)[:24] if found.where != "final state" else "",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first sequence")
    parser.add_argument("--count", type=int, default=500, help="sequences to run")
    parser.add_argument("--length", type=int, default=40, help="commands in a sequence")
    parser.add_argument("--target", default="engine", help="engine, a number of shards, or host:port")
    parser.add_argument("--types", default="", help="grammars to draw from, comma-separated")
    parser.add_argument("--stop-after", type=int, default=15, help="different failures to show")
    options = parser.parse_args()
    kinds = options.types.split(",") if options.types else None
    seen: set[tuple[Any, ...]] = set()
    failed = ran = 0
    start = time.monotonic()
    with RedisServer() as oracle, opened(options.target) as target:
        for seed in range(options.seed, options.seed + options.count):
            rng = random.Random(seed)
            resp = rng.choice([2, 2, 3])
            commands = sequence(rng, options.length, kinds, target.has_router)
            ran += len(commands)
            found = check(target, oracle, commands, resp)
            if found is None:
                continue
            failed += 1
            if signature(found) in seen:
                continue
            seen.add(signature(found))
            commands, found = shrink(target, oracle, commands, resp, found, 6)
            print(
                f"--- seed {seed}, RESP{resp}, {found.where}, at {shown([found.args])[:400]}\n{shown(commands)[:1500]}\n  ours   {str(found.ours)[:700]}\n  theirs {str(found.theirs)[:700]}",
                flush=True,
            )
            if len(seen) >= options.stop_after:
                break
    print(f"{ran} commands, {failed} failing sequences, {len(seen)} different, {time.monotonic() - start:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
