"""Clients that wait for keys at one shard, as its router hears of them."""

from tests.shard.conftest import Shard


def told(shard: Shard) -> list[bytes]:
    """The tokens of the waiters that may try, as said since the last call. The batch loop serves after each command."""
    shard.engine.waiting.serve(shard.engine)
    found = [event[1] for event in shard.engine.events if event[0] == b"ready"]
    shard.engine.events.clear()
    return found


def test_a_waiter_is_told_what_comes_while_its_router_tries(shard: Shard) -> None:
    shard.reply("RPUSH list x")
    shard.reply("SHARD.AWAIT 1 list")
    assert told(shard) == [b"1"]
    shard.reply("LPOP list")  # somebody else was quicker
    shard.reply("RPUSH list y")  # after the router has looked, and before it could say so
    assert told(shard) == []
    shard.reply("SHARD.RETRIED 1")
    assert told(shard) == [b"1"]


def test_a_waiter_whose_key_did_not_change_while_its_router_tried_waits_on(shard: Shard) -> None:
    shard.reply("XADD stream 1-1 f v")
    shard.reply("SHARD.AWAIT 1 stream")
    assert told(shard) == [b"1"]  # there is a stream; whether anything in it is new the router finds out
    shard.reply("SHARD.RETRIED 1")
    assert told(shard) == []


def test_who_is_next_in_line_may_have_what_a_waiter_that_went_was_offered(shard: Shard) -> None:
    for token in (1, 2):
        shard.reply(f"SHARD.AWAIT {token} list")
    shard.reply("RPUSH list x")
    assert told(shard) == [b"1"]
    shard.reply("SHARD.UNBLOCK 1")
    assert told(shard) == [b"2"]
