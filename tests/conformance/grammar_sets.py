"""Sets."""

from .draw import Draw, rule

G = "sets"


@rule(G, 4)
def sadd(d: Draw):
    members = [b"%d" % d.rng.randint(-3, 12) for _ in range(d.rng.randint(1, 4))] if d.maybe(0.4) else d.members()
    if d.maybe(0.02):
        members = [b"%d" % i for i in range(d.pick([500, 520]))]
    return [b"SADD", d.key(), *members]


@rule(G, 2)
def srem(d: Draw):
    return [d.pick([b"SREM", b"SMISMEMBER"]), d.key(), *d.members()]


@rule(G, 2)
def read(d: Draw):
    return d.pick([[b"SMEMBERS", d.key()], [b"SCARD", d.key()], [b"SISMEMBER", d.key(), d.member()]])


@rule(G)
def smove(d: Draw):
    return [b"SMOVE", d.key(), d.key(), d.member()]


@rule(G, 2)
def algebra(d: Draw):
    return [d.pick([b"SUNION", b"SINTER", b"SDIFF"]), *d.keys()]


@rule(G, 2)
def store(d: Draw):
    return [d.pick([b"SUNIONSTORE", b"SINTERSTORE", b"SDIFFSTORE"]), d.key(), *d.keys()]


@rule(G)
def sintercard(d: Draw):
    keys = d.keys()
    return [
        b"SINTERCARD",
        b"%d" % (len(keys) if d.maybe(0.9) else d.rng.randint(-1, 4)),
        *keys,
        *d.one_of([b"LIMIT", d.count()]),
    ]


@rule(G, 0.7)
def spop(d: Draw):
    key = d.key()
    return [[b"SPOP", key, *d.one_of(d.pick([b"1", b"0", b"2", b"100", b"-1", b"x"]))], [b"DEL", key]]


@rule(G, 0.7)
def srandmember(d: Draw):
    return [
        b"SRANDMEMBER",
        d.key(),
        *d.one_of(d.pick([b"1", b"0", b"2", b"100", b"-3", b"x", b"-9223372036854775808"])),
    ]


@rule(G, 0.7)
def sscan(d: Draw):
    return [
        b"SSCAN",
        d.key(),
        d.pick([b"0", b"0", b"0", b"x", b""]),
        *d.some([b"MATCH", d.pattern()], [b"COUNT", b"1000"], [b"COUNT", b"0"], share=0.3),
    ]
