"""The scripts that the whole group knows: one cache, though every shard compiles its own.

A text that an EVAL or SCRIPT LOAD brings for the first time goes to all shards before the command
itself, on the same links: so its EVALSHA is known wherever its keys lie, even in the same pipeline.
Like Redis's cache it lives as long as the server does: a restarted shard is handed the scripts by
the router, a restarted router asks the shards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.command_table import TABLE
from cluster.command_table.model import Command
from cluster.reply_parts import split_reply
from cluster.whole_keyspace import mentioned_in
from cluster.wire import command as encode

if TYPE_CHECKING:
    from router.router import Router

LOAD = TABLE["SCRIPT|LOAD"]
TEXTS = TABLE["SHARD.SCRIPTS"]


class ScriptCache:
    """Texts that every shard has, or is about to get.

    plain: may go straight to the shard of their key. whole: those that use commands on the whole keyspace, with their
    sha1 in hex. functions: the stored ones of that kind (and a greeting's scripts), as the shards say.
    """

    def __init__(self, router: Router):
        self.router = router
        self.plain: set[bytes] = router.core.known_scripts
        self.whole: dict[bytes, bytes] = {}
        self.functions: set[bytes] = set()
        router.event_handlers[b"whole_scripts"] = lambda shard, event: self.stored(event[1:])

    def stored(self, names: list[bytes]) -> None:
        """What a shard says of its stored functions; all shards have the same."""
        self.functions = set(names)
        self._settle()

    def _settle(self) -> None:
        self.router.core.whole_scripts = self.functions.union(self.whole.values())

    def concerns_all(self, row: Command, args: list[bytes]) -> bool:
        """Whether a script or function uses commands on the whole keyspace: it runs under a hold of all shards."""
        if row.name in ("EVAL", "EVAL_RO"):
            return args[1] in self.whole
        names = self.router.core.whole_scripts
        return args[1] in names or args[1].lower() in names

    def before(self, row: Command, args: list[bytes]) -> None:
        """A command of the scripting group is about to go to its shards."""
        if row.name in ("EVAL", "EVAL_RO"):
            self.add(args[1])
        elif row.name == "SCRIPT|LOAD":
            self.add(args[2])
        elif row.name == "SCRIPT|FLUSH" and (len(args) == 2 or args[2].upper() in (b"SYNC", b"ASYNC")):
            self.plain.clear()
            self.whole.clear()
            self._settle()

    def add(self, text: bytes) -> None:
        """Give a new text to all shards that are up; the others get it when they are back."""
        if text in self.plain or text in self.whole:
            return
        if mentioned_in(text):
            self.whole[text] = hashlib.sha1(text).hexdigest().encode()
            self._settle()
        else:
            self.plain.add(text)
        for link in self.router.core.links:
            if link.up:
                self._load(link.index, text)

    def shard_back(self, shard: int) -> None:
        """A restarted shard knows none."""
        for text in (*self.plain, *self.whole):
            self._load(shard, text)

    def router_back(self) -> None:
        """A new router learns what the shards have."""
        for link in self.router.core.links:
            self.router.core.submit(link.index, TEXTS.id, 0, 0, 0, encode(TEXTS.name), self._learn)

    def _learn(self, raw: bytes | None) -> None:
        for text in split_reply(raw) if raw is not None else ():
            self.add(text[text.index(b"\n") + 1 : -2])

    def _load(self, shard: int, text: bytes) -> None:
        raw = encode(b"SCRIPT", b"LOAD", text)
        self.router.core.submit(shard, LOAD.id, 0, 0, 0, raw, self._loaded(text))

    def _loaded(self, text: bytes) -> Callable[[bytes | None], None]:
        def loaded(raw: bytes | None) -> None:
            if raw is not None and raw[:1] == b"-":
                self.plain.discard(text)  # it does not compile: nothing to keep
                self.whole.pop(text, None)
                self._settle()

        return loaded
