"""What is asked for ahead of its command is never more than a guess: collections come and go under it."""

import random

from cluster import frames
from cluster.command_table import TABLE
from cluster.wire import command
from shard.engine import Engine
from shard.loop import Loop

COLLECTIONS = {b"h": b"HSET", b"s": b"SADD", b"z": b"ZADD", b"l": b"RPUSH"}
MEMBERS = 6000  # more than what is taken for small


def fill(key):
    kind = COLLECTIONS[key[:1]]
    for first in range(0, MEMBERS, 1000):
        parts = []
        for i in range(first, first + 1000):
            name = b"member:%d" % i
            parts += {b"HSET": [name, b"v"], b"ZADD": [b"%d" % i, name]}.get(kind, [name])
        yield [kind, key, *parts]


def step(rng):
    key = rng.choice(list(COLLECTIONS))
    member = b"member:%d" % rng.randrange(MEMBERS + 1000)
    chance = rng.random()
    if chance < 0.02:
        return [rng.choice([b"DEL", b"UNLINK"]), key]
    if chance < 0.04:
        return [b"SET", key, b"a string" * rng.randrange(50)]
    if chance < 0.06:
        return [b"RENAME", key, key + b"2"]
    if chance < 0.08:
        return [b"RENAME", key + b"2", key]
    if chance < 0.09:
        return [b"RPUSH", rng.choice([key, b"list"]), b"a"]
    if key == b"l" and chance < 0.15:
        return [b"LTRIM", key, *rng.choice([(b"0", b"0"), (b"3000", b"-1"), (b"1", b"0")])]
    return {
        b"l": [[b"LPUSH", key, member], [b"RPOP", key], [b"LRANGE", key, b"-3", b"-1"]],
        b"h": [[b"HSET", key, member, b"w"], [b"HGET", key, member], [b"HDEL", key, member]],
        b"s": [[b"SADD", key, member], [b"SISMEMBER", key, member], [b"SREM", key, member]],
        b"z": [
            [b"ZADD", key, b"%d" % rng.randrange(MEMBERS), member],
            [b"ZADD", key, b"GT", b"CH", b"5", member],
            [b"ZSCORE", key, member],
            [b"ZREM", key, member],
        ],
    }[key][rng.randrange(3)]


def test_batches_answer_what_single_commands_answer():
    rng = random.Random(5)
    ahead, alone = Loop(Engine()), Loop(Engine())
    for loop in (ahead, alone):
        loop.engine.controls = loop
        loop.start(1)

    def run(loop, commands):
        rows = [(TABLE[args[0].decode()].id, 0, frames.END_OF_RUN, 1, command(*args)) for args in commands]
        assert loop.execute(frames.request(1, 1000, rows))
        return [payload for _, payload in frames.parse_reply(loop.take(True))[3]]

    for _ in range(25):
        commands = [part for key in COLLECTIONS if rng.random() < 0.5 for part in [[b"DEL", key], *fill(key)]]
        commands += [step(rng) for _ in range(150)]
        assert run(ahead, commands) == [reply for one in commands for reply in run(alone, [one])]
    while alone.engine.free_some():  # large values that others replaced wait in one list for all engines
        pass
