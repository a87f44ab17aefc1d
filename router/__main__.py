"""`python -m router`: one router process, started by a supervisor or by a container."""

from __future__ import annotations

import argparse
import sys

from cluster.config import Config
from cluster.curve import LinkRefused
from cluster.log import set_up
from cluster.process import Control, die_with_parent
from router.server import run


def main() -> int:
    """Parse the command line and serve. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="elixircache-router")
    parser.add_argument("--endpoints", required=True, help="comma-separated addresses of the shards' links")
    parser.add_argument("--config-json", required=True, help="file with the configuration")
    parser.add_argument("--control", help="descriptor of the control channel; the environment says it too")
    args = parser.parse_args()
    die_with_parent()
    config = Config.from_json_file(args.config_json)
    set_up("router", config)
    try:
        return run(args.endpoints.split(","), config, Control())
    except LinkRefused as error:
        print(f"elixircache: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
