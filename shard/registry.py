"""Where command handlers are found: name -> function, filled by `@handles`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Handler = Callable[[Any, list[bytes]], Any]
HANDLERS: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of the named rows of the command table."""

    def register(function: Handler) -> Handler:
        for name in names:
            if name in HANDLERS:
                raise ValueError(f"{name} has two handlers")
            HANDLERS[name] = function
        return function

    return register
