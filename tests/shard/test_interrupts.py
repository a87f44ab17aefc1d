"""A script that waits for an answer: what else comes, and a router that is gone."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from cluster import frames
from cluster.errors import CommandError
from cluster.wire import command
from shard.scripting.interrupts import Interrupts


class Link:
    """Gives messages one by one; to wait for more than there are would be for ever."""

    def __init__(self, *messages: bytes):
        self.messages = deque(messages)

    def receive(self) -> bytes:
        assert self.messages, "it waits for an answer that nobody gives"
        return self.messages.popleft()

    def send(self, message: bytes) -> None:
        """The router hears, or not."""


def asking(*messages: bytes) -> Interrupts:
    worker: Any = SimpleNamespace(link=Link(*messages), loop=SimpleNamespace(generation=1, offset=0))
    return Interrupts(worker)


def test_an_answer_is_found_among_what_has_to_wait() -> None:
    interrupts = asking(b"a batch", frames.LENT + command(b"other", b"x"), frames.LENT + command(b"me", b"s", b"v"))
    assert interrupts.ask(b"me", b"op") == [b"s", b"v"]
    assert list(interrupts.waiting) == [b"a batch"]


def test_after_a_new_routers_greeting_nothing_is_waited_for() -> None:
    interrupts = asking(frames.HELLO + b"{}")
    for _ in range(2):  # a script may catch the first error and go on; so does a transaction
        with pytest.raises(CommandError, match="the router was restarted"):
            interrupts.ask(b"me", b"op")
    interrupts.waiting.popleft()
    interrupts.greeted()
    interrupts.worker.link.messages.append(frames.LENT + command(b"me", b"s", b"v"))
    assert interrupts.ask(b"me", b"op") == [b"s", b"v"]


def test_a_second_greeting_behind_the_first_is_not_forgotten() -> None:
    interrupts = asking()
    for message in (frames.HELLO + b"1", b"a batch", frames.HELLO + b"2"):
        interrupts.keep(message)
    interrupts.waiting.popleft()
    interrupts.greeted()
    with pytest.raises(CommandError, match="the router was restarted"):
        interrupts.ask(b"me", b"op")
