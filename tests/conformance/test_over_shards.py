"""Every command with several keys, its keys on different shards: the replies and the state of a real redis-server.

In the tables a, b, c and d are keys of the shards 0 to 3. Each line runs alone, then as the middle of a
transaction; the blocking ones also wait for what another client brings to the shard of any of their keys.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

import elixircache
from cluster.command_table import TABLE
from cluster.command_table.model import At, F, Range
from cluster.slots import slot_map, slot_of
from tests.processes.waiting import until

from .normal import normal
from .sequences import check, sequence, shown
from .targets import Args, EavesdroppedTarget, SocketTarget

SHARDS = 4
OWNERS = slot_map(SHARDS)
KEYS = {
    letter: next(key for i in range(1000) if OWNERS[slot_of((key := f"{letter}:{i}").encode())] == shard).encode()
    for shard, letter in enumerate("abcd")
}

STRINGS = "SET a foobar; SET b fobarx PX 500000; SET c 1; EXPIRE c 400"
LISTS = "RPUSH a 3 1 2; RPUSH b x y z; EXPIRE b 600"
SETS = "SADD a 1 2 3 4 x; SADD b 3 4 5 x; SADD c 4 x 9; PEXPIRE a 700000"
ZSETS = "ZADD a 1 m 2 n 3.5 o; ZADD b 5 n 7 p -1 o; ZADD c inf n 0.1 q; EXPIRE a 500"
LOGS = "PFADD a x y z; PFADD b y w 1; SET c x"
PLACES = "GEOADD a 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 13.583333 37.316667 Agrigento; ZADD b 1 x"
STREAMS = "XADD a 1-1 f v; XADD a 5-1 f w; XADD b 2-1 g v; XADD c 3-3 f v; XGROUP CREATE a g 0; XGROUP CREATE b g 0"
WEIGHTS = LISTS + "; MSET w_1 30 w_2 20 w_3 10; HMSET h_1 f one; HMSET h_2 f two; HMSET h_3 f three"

COMMANDS: list[tuple[str, str]] = [
    *((STRINGS, line) for line in """
        RENAME a d | RENAME b a | RENAME d a | RENAMENX a d | RENAMENX a b | RENAMENX d a | COPY a d | COPY b a
        COPY b a REPLACE | COPY b d DB 3 | COPY d a REPLACE | MGET a b c d a | MSET a 1 b 2 c 3 d 4 | MSETNX a 1 d 2
        MSETNX d 1 | DEL a b d | UNLINK c d a | EXISTS a b c d a | TOUCH a b d | LCS a b | LCS a b LEN | LCS a d
        LCS a b IDX MINMATCHLEN 2 WITHMATCHLEN | BITOP AND d a b | BITOP OR d a b c | BITOP XOR a b c | BITOP NOT d b
        BITOP AND a d | BITOP AND d a | BITOP NOT a b c | SUNIONSTORE d a b | LMOVE a b LEFT LEFT | SMOVE a b x | PFMERGE a b
    """.replace("\n", "|").split("|")),
    *((LISTS, line) for line in """
        RENAME a b | RENAMENX b d | COPY b d | LMOVE a b LEFT RIGHT | LMOVE b a RIGHT LEFT | LMOVE a d LEFT LEFT
        LMOVE d a LEFT LEFT | RPOPLPUSH a b | RPOPLPUSH b d | RPOPLPUSH d a | LMPOP 2 d a LEFT | LMPOP 3 c b a RIGHT COUNT 2
        LMPOP 2 c d LEFT | LMPOP 2 b a LEFT COUNT 99 | SORT a STORE d | SORT b ALPHA DESC LIMIT 0 2 STORE a | SORT d STORE a
        SINTERSTORE c a b | BLPOP a b 1 | BRPOP d c b 1 | BLMOVE a b LEFT RIGHT 1 | BRPOPLPUSH b d 1
        BLMPOP 1 2 c a LEFT COUNT 2 | BLPOP c d 0.01 | BLMOVE c a LEFT LEFT 0.01 | BLMPOP 0.01 2 c d LEFT
    """.replace("\n", "|").split("|")),
    *((SETS, line) for line in """
        RENAME a d | COPY a d | SMOVE a b 1 | SMOVE a b x | SMOVE a d 2 | SMOVE d a 1 | SMOVE a b none | SINTER a b c
        SINTER a d | SUNION a b c d | SDIFF a b | SDIFF a d c | SDIFF d a | SINTERCARD 3 a b c | SINTERCARD 2 a b LIMIT 1
        SINTERSTORE d a b | SINTERSTORE a a b c | SINTERSTORE a b d | SUNIONSTORE d a b c | SUNIONSTORE a b c
        SDIFFSTORE d a b | SDIFFSTORE a b a | ZUNION 2 a b WITHSCORES | ZINTERSTORE d 2 a b WEIGHTS 2 3 | LMOVE a b LEFT LEFT
        SORT a BY nosort GET # STORE d
    """.replace("\n", "|").split("|")),
    *((ZSETS, line) for line in """
        RENAME a d | COPY a b REPLACE | ZUNIONSTORE d 3 a b c | ZUNIONSTORE a 2 a b WEIGHTS 2 0.5 AGGREGATE MAX
        ZINTERSTORE d 2 a b | ZINTERSTORE d 3 a b c AGGREGATE MIN | ZINTERSTORE a 2 b d | ZDIFFSTORE d 2 a b
        ZDIFFSTORE a 3 b a c | ZUNION 3 a b c | ZUNION 2 a d WITHSCORES | ZINTER 2 a b WITHSCORES AGGREGATE SUM
        ZINTER 3 a b d | ZDIFF 2 a b WITHSCORES | ZDIFF 2 d a | ZINTERCARD 3 a b c | ZINTERCARD 2 a b LIMIT 1
        ZRANGESTORE d a 0 1 | ZRANGESTORE a b -inf 5 BYSCORE | ZRANGESTORE b a (1 +inf BYSCORE LIMIT 0 1
        ZRANGESTORE d a 0 -1 REV | ZRANGESTORE a d 0 -1 | ZMPOP 2 d a MIN | ZMPOP 3 d c b MAX COUNT 2 | ZMPOP 1 d MIN
        BZPOPMIN d a 1 | BZPOPMAX c b a 1 | BZMPOP 1 2 d b MAX COUNT 2 | BZPOPMIN d 0.01 | BZMPOP 0.01 1 d MIN
        SUNIONSTORE d a b | PFMERGE d a
    """.replace("\n", "|").split("|")),
    *((LOGS, line) for line in """
        PFCOUNT a b | PFCOUNT a d | PFCOUNT a b c | PFMERGE d a b | PFMERGE a b | PFMERGE d | PFMERGE c a
    """.replace("\n", "|").split("|")),
    *((PLACES, line) for line in """
        GEOSEARCHSTORE d a FROMLONLAT 15 37 BYRADIUS 200 km | GEOSEARCHSTORE b a FROMMEMBER Palermo BYBOX 400 400 km STOREDIST
        GEOSEARCHSTORE a d FROMLONLAT 15 37 BYRADIUS 1 km | GEORADIUS a 15 37 200 km STORE d | GEORADIUS a 15 37 200 km
        GEORADIUSBYMEMBER a Palermo 300 km STOREDIST b | GEOSEARCHSTORE d b FROMMEMBER Palermo BYRADIUS 1 km
    """.replace("\n", "|").split("|")),
    *((STREAMS, line) for line in """
        XREAD STREAMS a b c 0 0 0 | XREAD COUNT 1 STREAMS c a d 0 1-1 0 | XREAD STREAMS a b $ $ | XREAD BLOCK 10 STREAMS a b 9 9
        XREAD BLOCK 10 STREAMS a d 1 0 | XREADGROUP GROUP g me STREAMS a b > > | XREADGROUP GROUP g me COUNT 1 STREAMS b a > 0
        XREADGROUP GROUP g me STREAMS a c > > | XREADGROUP GROUP g me BLOCK 10 STREAMS a b > > | RENAME a d | COPY a d
    """.replace("\n", "|").split("|")),
    *((WEIGHTS, line) for line in """
        SORT a BY w_* | SORT a BY w_* GET h_*->f GET # STORE d | SORT_RO a BY w_* LIMIT 1 2 | SORT a BY h_*->f ALPHA STORE b
        SORT a BY w_* GET nothing_* STORE a
    """.replace("\n", "|").split("|")),
]  # fmt: skip

# setup; the command that waits; what another client brings, command by command. (A client that is woken runs its command
# again, as in 7.2: where a transaction has filled several of its keys, 7.0 gives it the one that was filled first.)
WAITS: list[tuple[str, str, str]] = [
    ("", "BLPOP a b c 0", "RPUSH b x y"),
    ("", "BLPOP a b 0", "MULTI; RPUSH b one; RPUSH c two; EXEC"),
    ("", "BRPOP c d 0", "RPUSH d x y"),
    ("", "BLPOP a b 0", "SADD b x; RPUSH a late"),
    ("", "BLPOP a b 0", "RPUSH c x; RENAME c a"),
    ("RPUSH c 1 2", "BLPOP a b 0", "LMOVE c b LEFT LEFT"),
    ("RPUSH d 0", "BLMOVE a d LEFT RIGHT 0", "RPUSH a x"),
    ("", "BLMOVE a b RIGHT LEFT 0", "RPUSH a x y"),
    ("SADD b x", "BLMOVE a b LEFT LEFT 0", "RPUSH a x"),
    ("", "BRPOPLPUSH c a 0", "RPUSH c x"),
    ("", "BLMPOP 0 3 a b c RIGHT COUNT 2", "RPUSH c 1 2 3"),
    ("", "BZPOPMIN a b 0", "ZADD b 1 x 2 y"),
    ("", "BZPOPMAX c d a 0", "ZADD a 1 x 2 y"),
    ("", "BZPOPMIN a b 0", "ZADD c 5 x; ZUNIONSTORE a 1 c"),
    ("", "BZMPOP 0 2 a d MAX COUNT 5", "ZADD d 1 x 2 y"),
    ("XADD a 1-1 f v", "XREAD BLOCK 0 STREAMS a b $ $", "XADD b 7-1 f v"),
    ("XADD a 1-1 f v", "XREAD BLOCK 0 COUNT 1 STREAMS a b 1-1 0", "XADD a 2-1 f w"),
    (STREAMS + "; XREADGROUP GROUP g me STREAMS a b > >", "XREADGROUP GROUP g me BLOCK 0 STREAMS a b > >", "XADD a 9-1 f v"),
]
ALONE = [(setup, line.strip()) for setup, line in COMMANDS if line.strip()]
READERS = {
    b"string": ["GET"],
    b"list": ["LRANGE", "0", "-1"],
    b"set": ["SMEMBERS"],
    b"zset": ["ZRANGE", "0", "-1", "WITHSCORES"],
    b"hash": ["HGETALL"],
    b"stream": ["XRANGE", "-", "+"],
}


def commands(text: str) -> list[Args]:
    """Commands of a table, with real keys in place of letters."""
    return [[KEYS.get(word, word.encode()) for word in shlex.split(line)] for line in text.split(";") if line.strip()]


@pytest.fixture(scope="module")
def ours() -> Iterator[SocketTarget]:
    with elixircache.LocalCluster(shards=SHARDS, appendonly="no", save="") as cluster:
        target = SocketTarget("ElixirCache", ("127.0.0.1", cluster.port))
        yield target
        target.close()


def state(target: SocketTarget) -> dict[Any, Any]:
    """All keys of the databases that the tables use: type, contents, expiry in about."""
    found: dict[Any, Any] = {}
    for db in (b"3", b"0"):
        _, names = target.run([[b"SELECT", db], [b"KEYS", b"*"]])
        for key in names:
            (kind,) = target.run([[b"TYPE", key]])
            name, *rest = READERS[kind.value]
            read = [name.encode(), key, *(word.encode() for word in rest)]
            contents, left_ms = target.run([read, [b"PTTL", key]])
            if kind.value == b"stream":
                contents = [contents, target.run([[b"XINFO", b"GROUPS", key]])]
            found[db, key] = kind, normal(read, contents), round(left_ms / 10_000)
    return found


def blocked(target: SocketTarget) -> int:
    (found,) = target.run([[b"INFO", b"clients"]])
    return int(getattr(found, "value", found).partition(b"blocked_clients:")[2].split()[0])


def replies(target: SocketTarget, run: list[Args]) -> list[Any]:
    return [
        [normal(run[-2], part) for part in reply] if args == [b"EXEC"] and isinstance(reply, list) else normal(args, reply)
        for args, reply in zip(run, target.run(run), strict=True)
    ]


def test_each_command_has_the_reply_and_the_effects_that_redis_gives_it(ours: SocketTarget, oracle: SocketTarget) -> None:
    wrong = []
    for setup, line in ALONE:
        results = []
        for target in (ours, oracle):
            target.reset(2)
            target.run(commands(setup))
            results.append((replies(target, commands(line)), state(target)))
        if results[0] != results[1]:
            wrong.append((setup, line, *results))
    assert not wrong


def test_each_command_in_a_transaction_sees_and_is_seen_by_the_others(ours: SocketTarget, oracle: SocketTarget) -> None:
    wrong = []
    for setup, line in ALONE:
        middle = commands(line)[0]
        around = [[b"MULTI"], [b"APPEND", b"log:1", b"x"], [b"EXISTS", *KEYS.values()], [b"STRLEN", b"log:1"], middle, [b"EXEC"]]
        results = []
        for target in (ours, oracle):
            target.reset(3)
            target.run(commands(setup))
            results.append((replies(target, around), state(target)))
        if results[0] != results[1]:
            wrong.append((setup, line, *results))
    assert not wrong


@pytest.mark.parametrize("setup, line, brought", WAITS)
def test_a_blocked_client_gets_what_comes_to_any_shard(
    ours: SocketTarget, oracle: SocketTarget, setup: str, line: str, brought: str
) -> None:
    results = []
    for target in (ours, oracle):
        target.reset(2)
        target.run(commands(setup) or [[b"PING"]])
        waiter = SocketTarget(target.name, target.address)
        waiter.connect()
        waiter.send(commands(line))
        until(lambda target=target: blocked(target) == 1)
        told = target.run(commands(brought))
        results.append((waiter.reply(), told, state(target)))
        waiter.close()
    assert results[0] == results[1]


def test_no_command_is_missing_here() -> None:
    """Whatever the command table says may have several keys."""
    several = {
        name
        for name, row in TABLE.items()
        if row.at is At.SHARD
        and row.keys is not None
        and not row.flags & F.INTERNAL
        and row.group not in ("scripting", "python")
        and not (isinstance(row.keys, Range) and row.keys.first == row.keys.last)
    }
    assert several == {line.split()[0] for _, line in ALONE} & several
    blocking = {name for name in several if TABLE[name].flags & F.BLOCKING}
    assert blocking == {line.split()[0] for _, line, _ in WAITS}


@pytest.mark.parametrize("seed", range(1, 41))
def test_generated_sequences_give_the_replies_the_events_and_the_state_of_redis(
    ours: SocketTarget, oracle: SocketTarget, seed: int
) -> None:
    rng = random.Random(seed)
    resp = rng.choice([2, 2, 3])
    commands = sequence(rng, 40, None, has_router=True)
    found = check(EavesdroppedTarget(ours.name, ours.address), oracle, commands, resp)
    assert found is None, f"{found}\n{shown(commands)}"
