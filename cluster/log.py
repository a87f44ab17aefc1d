"""Logging of a process: one line an event on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

LEVELS = {
    "debug": logging.DEBUG,
    "verbose": logging.INFO,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "nothing": logging.CRITICAL + 1,
}


class _Text(logging.Formatter):
    def __init__(self, role: str):
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%d %b %Y %H:%M:%S", time.localtime(record.created))
        text = f"{os.getpid()}:{self.role} {stamp}.{int(record.msecs):03d} {record.levelname.lower()}: {record.getMessage()}"
        return text + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


class _Json(logging.Formatter):
    def __init__(self, role: str):
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": record.created,
            "pid": os.getpid(),
            "role": self.role,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def set_up(role: str, config: Any) -> None:
    """Log of this process: `loglevel` (followed when it changes) and `log-format` (text or json)."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json(role) if config.get("log-format") == "json" else _Text(role))
    root = logging.getLogger("elixircache")
    root.handlers = [handler]
    root.propagate = False
    root.setLevel(LEVELS[config["loglevel"]])
    config.on_change(lambda name, value: root.setLevel(LEVELS[value]), "loglevel")
