"""Lists."""

from .draw import Draw, rule

G = "lists"


def end(d: Draw) -> bytes:
    return d.pick([b"LEFT", b"RIGHT", b"left", b"RIGHT", b"LEFT", b"UP" if d.maybe(0.1) else b"LEFT"])


@rule(G, 5)
def push(d: Draw):
    return [d.pick([b"LPUSH", b"RPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX"]), d.key(), *d.members()]


@rule(G, 2)
def pop(d: Draw):
    return [d.pick([b"LPOP", b"RPOP"]), d.key(), *d.one_of(d.count(), share=0.4)]


@rule(G, 2)
def read(d: Draw):
    return d.pick([[b"LLEN", d.key()], [b"LINDEX", d.key(), d.index()], [b"LRANGE", d.key(), d.index(), d.index()]])


@rule(G)
def lset(d: Draw):
    return [b"LSET", d.key(), d.index(), d.value()]


@rule(G)
def linsert(d: Draw):
    return [
        b"LINSERT",
        d.key(),
        d.pick([b"BEFORE", b"AFTER", b"after", b"x" if d.maybe(0.2) else b"BEFORE"]),
        d.member(),
        d.value(),
    ]


@rule(G)
def cut(d: Draw):
    return d.pick([[b"LREM", d.key(), d.index(), d.member()], [b"LTRIM", d.key(), d.index(), d.index()]])


@rule(G)
def lpos(d: Draw):
    return [b"LPOS", d.key(), d.member(), *d.some([b"RANK", d.index()], [b"COUNT", d.count()], [b"MAXLEN", d.count()])]


@rule(G)
def move(d: Draw):
    if d.maybe(0.3):
        return [b"RPOPLPUSH", d.key(), d.key()]
    return [b"LMOVE", d.key(), d.key(), end(d), end(d)]


@rule(G)
def lmpop(d: Draw):
    keys = d.keys()
    return [
        b"LMPOP",
        b"%d" % (len(keys) if d.maybe(0.9) else d.rng.randint(-1, 4)),
        *keys,
        end(d),
        *d.one_of([b"COUNT", d.count()]),
    ]


@rule(G, 0.15)
def blocking(d: Draw):
    timeout = d.pick([b"0.01", b"0.01", b"-1", b"x", b"1e400", b"0.001"])
    keys = d.keys()
    return d.pick(
        [
            [b"BLPOP", *keys, timeout],
            [b"BRPOP", *keys, timeout],
            [b"BRPOPLPUSH", d.key(), d.key(), timeout],
            [b"BLMOVE", d.key(), d.key(), end(d), end(d), timeout],
            [b"BLMPOP", timeout, b"%d" % len(keys), *keys, end(d), *d.one_of([b"COUNT", d.count()])],
        ]
    )


@rule(G, 0.05)
def long_value(d: Draw):
    return [b"RPUSH", d.key(), b"L" * d.pick([4000, 8200, 20000])]
