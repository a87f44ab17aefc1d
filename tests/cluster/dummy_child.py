"""A stand-in for a shard or router process, for tests of the supervisor.

usage: dummy_child.py NAME DIR [obedient|deaf|dies|fatal]

It appends what it does to DIR/NAME.log, and does what is written into DIR/NAME.order: `exit`, `wedged 0`.
"""

import os
import signal
import sys
import time
from pathlib import Path

from cluster.process import Control, die_with_parent


def main() -> int:
    name, directory, manner = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    die_with_parent()
    control = Control()
    log = directory / f"{name}.log"
    order = directory / f"{name}.order"

    def note(text: str) -> None:
        with log.open("a") as file:
            file.write(f"{os.getpid()} {text}\n")

    def terminate(*_: object) -> None:
        note("term")
        sys.exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if manner == "deaf" else terminate)
    if manner == "dies":
        return 7
    if manner == "fatal":
        control.send(fatal="the journal is damaged")
        time.sleep(30)
    note("start")
    control.send(ready=True, port=1234)
    while True:
        for event in control.receive():
            note(f"told {event.get('shard')} {event.get('state')} {event.get('endpoint', '')}".strip())
        if control.closed:
            return 0
        if order.exists():
            words = order.read_text().split()
            order.unlink()
            if words[0] == "exit":
                return 1
            control.send(**{words[0]: int(words[1])})
        time.sleep(0.01)


sys.exit(main())
