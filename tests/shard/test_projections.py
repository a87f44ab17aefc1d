"""A command does the same on what it is lent of a value as on the whole value."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.command_table import TABLE
from cluster.records import pack_entries
from cluster.wire import command, parse_command
from shard.engine import Engine
from shard.projections import projection

SETUP = """
    RPUSH l1 a b c d e f g | RPUSH l2 x y z | SADD s1 a b c d | SADD s2 c d e f | ZADD z1 1 a 2 b 3 c 4 d | ZADD z2 inf x 0 y
    SET string x
"""
COMMANDS = """
    LMOVE l1 l2 LEFT RIGHT | LMOVE l1 l2 RIGHT LEFT | LMOVE l2 l1 left right | LMOVE l1 new LEFT LEFT | LMOVE l1 string LEFT LEFT
    LMOVE string l1 LEFT LEFT | LMOVE l1 l2 LEFT UP | RPOPLPUSH l1 l2 | RPOPLPUSH none l2 | BLMOVE l1 l2 LEFT RIGHT 1
    BRPOPLPUSH l2 l1 1 | SMOVE s1 s2 a | SMOVE s1 s2 c | SMOVE s1 s2 none | SMOVE s1 new b | SMOVE s1 string a | BLPOP none l1 l2 1
    BRPOP l2 l1 1 | LMPOP 3 none l1 l2 LEFT | LMPOP 2 l1 l2 RIGHT COUNT 3 | LMPOP 1 l2 LEFT COUNT 99 | LMPOP 2 l2 string RIGHT
    LMPOP 2 string l2 LEFT | LMPOP 2 l1 l2 LEFT COUNT 0 | BLMPOP 1 2 none l2 RIGHT COUNT 2 | BZPOPMIN none z1 1 | BZPOPMAX z2 z1 1
    ZMPOP 2 z1 z2 MIN | ZMPOP 2 z1 z2 MAX COUNT 3 | ZMPOP 1 z2 MAX COUNT 5 | BZMPOP 1 2 none z1 MIN COUNT 2 | ZMPOP 2 l1 z1 MIN
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\n", "|").split("|") if line.strip()]


def engine() -> Engine:
    made = Engine(seed=1)
    for line in lines(SETUP):
        made.run(line.encode().split())
    made.take_stream()
    return made


def outcome(of: Engine, args: list[bytes]) -> tuple[str, bytes]:
    """The reply and the effects that owners get. (Popping all that was lent does not empty a key.)"""
    of.staged = set()
    return repr(of.run(args)), of.take_stream()


@pytest.mark.parametrize("line", lines(COMMANDS))
def test_a_command_does_the_same_on_its_part_of_the_values(line: str) -> None:
    args: list[Any] = line.encode().split()
    whole, lent = engine(), engine()
    part = projection(pack_entries([(TABLE[args[0].decode()].id, 0, 0, 1, command(*args))]))
    for at in TABLE[args[0].decode()].key_indexes(args):
        value = lent.dbs[0].get(args[at])
        found = None if part is None or value is None else part(args[at], value)
        if found is not None:
            assert len(found) <= 5
            lent.dbs[0].set(args[at], found)
    assert outcome(lent, args) == outcome(whole, args)


def test_only_single_commands_of_which_that_is_known_have_a_projection() -> None:
    rename = (TABLE["RENAME"].id, 0, 0, 1, command("RENAME", "a", "b"))
    move = (TABLE["LMOVE"].id, 0, 0, 1, command("LMOVE", "a", "b", "LEFT", "LEFT"))
    assert projection(pack_entries([rename])) is None
    assert projection(pack_entries([move, move])) is None
    assert projection(pack_entries([move])) is not None
    assert parse_command(move[4])[0] == b"LMOVE"
