"""Where command handlers are found: name -> function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Handler = Callable[..., Any]


class Registry(dict[str, Handler]):
    """Handlers by the names of their rows in the command table."""

    def handles(self, *names: str) -> Callable[[Handler], Handler]:
        """Register a function as the handler of the named rows. ValueError if one has one."""

        def register(function: Handler) -> Handler:
            for name in names:
                if name in self:
                    raise ValueError(f"{name} has two handlers")
                self[name] = function
            return function

        return register
