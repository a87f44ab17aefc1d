"""The router's command handlers: `handler(router, session, args) -> reply`.

A handler that answers later returns `LATER`: it has reserved a place among the client's
replies (`session.reserve()`) and fulfils it.
"""

from __future__ import annotations

from cluster.registry import Registry

HANDLERS = Registry()
handles = HANDLERS.handles


class _Later:
    __slots__ = ()


LATER = _Later()
