"""Hashes."""

from .draw import Draw, rule

G = "hashes"


def pairs(d: Draw) -> list[bytes]:
    return [part for field in d.members(1, 3) for part in (field, d.value())]


@rule(G, 4)
def hset(d: Draw):
    return [d.pick([b"HSET", b"HSET", b"HMSET"]), d.key(), *pairs(d)]


@rule(G)
def hsetnx(d: Draw):
    return [b"HSETNX", d.key(), d.member(), d.value()]


@rule(G, 2)
def one(d: Draw):
    return [d.pick([b"HGET", b"HEXISTS", b"HSTRLEN"]), d.key(), d.member()]


@rule(G, 2)
def whole(d: Draw):
    return [d.pick([b"HGETALL", b"HKEYS", b"HVALS", b"HLEN"]), d.key()]


@rule(G, 2)
def several(d: Draw):
    return [d.pick([b"HMGET", b"HDEL"]), d.key(), *d.members()]


@rule(G, 2)
def increments(d: Draw):
    if d.maybe():
        return [b"HINCRBY", d.key(), d.member(), d.integer()]
    return [b"HINCRBYFLOAT", d.key(), d.member(), d.float()]


@rule(G, 0.7)
def random_field(d: Draw):
    extra = d.one_of(
        [
            d.pick([b"0", b"1", b"3", b"100", b"-4", b"x", b"-9223372036854775808"]),
            *d.one_of(b"WITHVALUES", b"WITHSCORES"),
        ],
        share=0.8,
    )
    return [b"HRANDFIELD", d.key(), *extra]


@rule(G, 0.7)
def hscan(d: Draw):
    return [
        b"HSCAN",
        d.key(),
        d.pick([b"0", b"0", b"0", b"x", b""]),
        *d.some([b"MATCH", d.pattern()], [b"COUNT", b"1000"], [b"COUNT", b"0"], share=0.3),
    ]
