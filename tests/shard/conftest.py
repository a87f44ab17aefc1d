"""The `shard` fixture: one engine under a clock that tests move."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.errors import CommandError
from cluster.wire import parse_commands
from shard.engine import Engine

START_MS = 1_700_000_000_000


class Shard:
    """Runs commands on an engine. Replies are Python values (bulk strings are bytes); an error
    is its text as str, so that it cannot be taken for a value."""

    def __init__(self, config: dict[str, Any] | None = None, seed: int = 1) -> None:
        self.engine = Engine(config, seed)
        self.engine.now = START_MS
        self.effects_db = 0
        self.db = 0

    @property
    def now(self) -> int:
        """The shard's clock, unix ms."""
        return self.engine.now

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self.engine.now += ms

    def run(self, *command: str | bytes | int) -> tuple[Any, list[str]]:
        """(reply, effects). One str is split at blanks; several arguments are taken as they are."""
        reply = self.reply(*command)
        return reply, [b" ".join(args).decode("utf-8", "backslashreplace") for args in self.effects()]

    def reply(self, *command: str | bytes | int) -> Any:
        """The reply alone; effects stay for the next `effects` or `run`."""
        return plain(self.engine.run(arguments(command), self.db))

    def effects(self) -> list[list[bytes]]:
        """The effects since the last call, each as its arguments. A SELECT that only repeats
        the database in use is left out."""
        found = []
        for args in parse_commands(self.engine.take_stream())[0]:
            if args[0] == b"SELECT":
                if int(args[1]) == self.effects_db:
                    continue
                self.effects_db = int(args[1])
            found.append(args)
        return found


def arguments(command: tuple[str | bytes | int, ...]) -> list[bytes]:
    if len(command) == 1 and isinstance(command[0], str):
        return [word.encode() for word in command[0].split()]
    return [part if isinstance(part, bytes) else str(part).encode() for part in command]


def plain(reply: Any) -> Any:
    """A reply for comparing: errors as text, bytearray as bytes, also inside lists."""
    if isinstance(reply, CommandError):
        return reply.text
    if isinstance(reply, bytearray):
        return bytes(reply)
    if isinstance(reply, list | tuple):
        return [plain(item) for item in reply]
    return reply


@pytest.fixture
def shard() -> Shard:
    return Shard()
