"""Which scripts use commands on the whole keyspace: seen in their texts."""

import pytest

from cluster.whole_keyspace import mentioned_in, next_cursor, split_cursor

CALLS = [
    "redis.call('KEYS', '*')",
    'redis.call("dbsize")',
    "rcall('scan', 0)",
    "redis.call 'DBSIZE'",
    "redis.call(unpack({'keys', '*'}))",
    "local command = 'flushall'",
    "redis.call([[KEYS]], '*')",
    "redis.call(\n 'randomkey')",
    'redis.pcall ( "FLUSHDB" )',
]
OTHERS = [
    "redis.call('hget', KEYS[1], 'keys')",
    "if x == 'keys' then end",
    "if x ~= 'scan' then end",
    "return 'keys'",
    "t['keys'] = 1",
    "return a .. 'keys'",
    "redis.call('SSCAN', KEYS[1], 0)",
    "redis.call('GET', KEYS[1])",
]


@pytest.mark.parametrize("text", CALLS)
def test_a_call_by_name_is_seen(text: str) -> None:
    assert mentioned_in(text.encode())


@pytest.mark.parametrize("text", OTHERS)
def test_other_words_are_no_calls(text: str) -> None:
    assert not mentioned_in(text.encode())


def test_cursors_pass_all_shards_and_end() -> None:
    assert split_cursor(next_cursor(5, 2, 4), 4) == (5, 2)
    assert [next_cursor(0, shard, 4) for shard in range(4)] == [1, 2, 3, 0]
