"""`python -m shard`: one shard process, started by a supervisor or by a container."""

from __future__ import annotations

import argparse
import sys

from cluster.config import Config
from cluster.curve import LinkRefused
from cluster.log import set_up
from cluster.process import Control, die_with_parent
from shard.worker import run


def main() -> int:
    """Parse the command line and serve. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="elixircache-shard")
    parser.add_argument("--index", type=int, required=True, help="which of the group's shards this is, from 0")
    parser.add_argument("--shards", type=int, required=True, help="how many shards the group has")
    parser.add_argument("--endpoint", required=True, help="address that the router connects to")
    parser.add_argument("--dir", default="", help="the group's data directory")
    parser.add_argument("--config-json", required=True, help="file with the configuration")
    args = parser.parse_args()
    die_with_parent()
    config = Config.from_json_file(args.config_json)
    set_up(f"shard-{args.index}", config)
    try:
        return run(args.index, args.shards, args.endpoint, args.dir, config, Control())
    except LinkRefused as error:
        print(f"elixircache: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
