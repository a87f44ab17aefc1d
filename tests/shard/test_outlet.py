"""What a shard tells its router of its stream, and where that stands in its journal."""

from __future__ import annotations

import types
from typing import Any

import pytest

from shard.stream import Outlet


@pytest.fixture
def engine() -> Any:
    found = types.SimpleNamespace(feeding=True, fed=[], units=[], named_size=0, stream_db=0, effects=b"")

    def take_stream() -> bytes:
        taken, found.effects = found.effects, b""
        return taken

    found.take_stream = take_stream
    return found


def take(outlet: Outlet, effects: bytes) -> None:
    outlet.engine.effects = effects
    outlet.take()


def told(engine: Any) -> list[Any]:
    found = [(event[0], event[-1]) for event in engine.fed]
    engine.fed.clear()
    return found


def test_it_says_where_its_stream_begins_and_then_nothing_while_it_goes_on(engine):
    outlet = Outlet(engine)
    take(outlet, b"0123456789")
    outlet.tell_place((1, 110, 7))
    assert told(engine) == [(b"place", b"1 100 7 -1"), (b"stream", b"0123456789")]
    take(outlet, b"abc")
    take(outlet, b"de")
    outlet.tell_place((1, 115, 7))
    assert told(engine) == [(b"stream", b"abc"), (b"stream", b"de")]
    outlet.tell_place((1, 150, 7))  # a note of the journal's own
    assert told(engine) == [(b"place", b"1 150 7 0")]


def test_a_new_file_within_a_batch_is_said_between_what_is_before_and_behind_it(engine):
    outlet = Outlet(engine)
    outlet.tell_place((1, 10, 7))
    engine.fed.clear()
    take(outlet, b"before")
    outlet.tell_place((1, 16, 7))
    take(outlet, b"behind")
    outlet.tell_place((2, 6, 8))
    assert told(engine) == [(b"stream", b"before"), (b"place", b"2 0 8 0"), (b"stream", b"behind")]


def test_it_says_that_nobody_knows_while_the_journal_cannot_be_written_and_where_it_is_afterwards(engine):
    outlet = Outlet(engine)
    take(outlet, b"abc")
    outlet.tell_place(None)
    assert told(engine) == [(b"place", b""), (b"stream", b"abc")]
    take(outlet, b"de")
    outlet.tell_place(None)
    assert told(engine) == [(b"stream", b"de")]
    take(outlet, b"f")
    outlet.tell_place((1, 6, 7))
    assert told(engine) == [(b"place", b"1 5 7 0"), (b"stream", b"f")]


def test_what_is_not_fed_is_not_counted(engine):
    outlet = Outlet(engine)
    engine.feeding = False
    take(outlet, b"before a snapshot")
    engine.feeding = True
    take(outlet, b"fed")
    outlet.tell_place((1, 20, 7))
    assert told(engine) == [(b"place", b"1 17 7 0"), (b"stream", b"fed")]


def test_a_router_that_greets_is_told_the_rest_and_then_where_it_ends(engine):
    outlet = Outlet(engine)
    rest = b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"
    assert outlet.greeted("1 100 7 0", lambda place: rest if place == (1, 100, 7) else None, (2, 5, 8))
    assert told(engine) == [(b"stream", rest), (b"place", b"2 5 8 3")]
    outlet.tell_place((2, 5, 8))
    assert told(engine) == []
    assert not outlet.greeted("1 100 6 0", lambda place: rest if place == (1, 100, 7) else None, (2, 5, 8))
    assert not engine.feeding
