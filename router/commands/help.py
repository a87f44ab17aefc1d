"""The HELP subcommands of all containers."""

from __future__ import annotations

from typing import Any

from cluster.command_table import TABLE
from cluster.replies import Status
from router.help_texts import HELP
from router.registry import HANDLERS


def _answer(text: str) -> Any:
    lines = [Status(line.encode()) for line in text.splitlines()]
    return lambda router, session, args: lines


for _container, _text in HELP.items():
    _name = f"{_container}|HELP"
    if _name in TABLE and _name not in HANDLERS:
        HANDLERS.handles(_name)(_answer(_text))
