"""Sorted sets."""

from .draw import Draw, rule

G = "zsets"


def scored(d: Draw) -> list[bytes]:
    if d.maybe(0.2):  # equal scores, for the lexical ranges
        return [part for member in d.members() for part in (b"0", member)]
    return [part for member in d.members() for part in (d.score(), member)]


def bound(d: Draw) -> bytes:
    text = d.pick([b"-inf", b"+inf", b"inf", d.score(), d.score(), d.score()])
    return b"(" + text if d.maybe(0.25) else text


def lex_bound(d: Draw) -> bytes:
    return d.pick([b"-", b"+", b"[" + d.member(), b"(" + d.member(), d.member() if d.maybe(0.2) else b"[c"])


def level(d: Draw, command: list[bytes], key_at: int = 1) -> list[list[bytes]]:
    """A command with a lexical range, on a key whose scores are all the same: else Redis leaves the result open."""
    key = command[key_at]
    members = [part for member in d.members() for part in (b"0", member)]
    return [[b"DEL", key], [b"ZADD", key, *members], command]


def limit(d: Draw) -> list[bytes]:
    return d.one_of([b"LIMIT", d.index(), d.index()], share=0.3)


@rule(G, 5)
def zadd(d: Draw):
    options = d.some(b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR", share=0.13)
    return [b"ZADD", d.key(), *options, *scored(d)]


@rule(G)
def zincrby(d: Draw):
    return [b"ZINCRBY", d.key(), d.score(), d.member()]


@rule(G, 2)
def read(d: Draw):
    return d.pick(
        [
            [b"ZCARD", d.key()],
            [b"ZSCORE", d.key(), d.member()],
            [b"ZMSCORE", d.key(), *d.members()],
            [b"ZRANK", d.key(), d.member()],
            [b"ZREVRANK", d.key(), d.member()],
            [b"ZCOUNT", d.key(), bound(d), bound(d)],
            level(d, [b"ZLEXCOUNT", d.key(), lex_bound(d), lex_bound(d)]),
        ]
    )


@rule(G)
def zrem(d: Draw):
    return [b"ZREM", d.key(), *d.members()]


@rule(G)
def zremrange(d: Draw):
    return d.pick(
        [
            [b"ZREMRANGEBYRANK", d.key(), d.index(), d.index()],
            [b"ZREMRANGEBYSCORE", d.key(), bound(d), bound(d)],
            level(d, [b"ZREMRANGEBYLEX", d.key(), lex_bound(d), lex_bound(d)]),
        ]
    )


def new_range(d: Draw) -> list[bytes]:
    form = d.pick([b"", b"", b"BYSCORE", b"BYLEX"])
    low, high = {b"": (d.index, d.index), b"BYSCORE": (lambda: bound(d),) * 2, b"BYLEX": (lambda: lex_bound(d),) * 2}[
        form
    ]
    return [low(), high(), *([form] if form else []), *d.some(b"REV", share=0.3), *limit(d)]


@rule(G, 3)
def zrange(d: Draw):
    command = [b"ZRANGE", d.key(), *new_range(d), *d.some(b"WITHSCORES", share=0.4)]
    return level(d, command) if b"BYLEX" in command else command


@rule(G)
def zrangestore(d: Draw):
    command = [b"ZRANGESTORE", d.key(), d.key(), *new_range(d)]
    return level(d, command, 2) if b"BYLEX" in command else command


@rule(G, 2)
def old_ranges(d: Draw):
    return d.pick(
        [
            [b"ZREVRANGE", d.key(), d.index(), d.index(), *d.some(b"WITHSCORES")],
            [b"ZRANGEBYSCORE", d.key(), bound(d), bound(d), *d.some(b"WITHSCORES"), *limit(d)],
            [b"ZREVRANGEBYSCORE", d.key(), bound(d), bound(d), *limit(d), *d.some(b"WITHSCORES")],
            level(d, [b"ZRANGEBYLEX", d.key(), lex_bound(d), lex_bound(d), *limit(d)]),
            level(d, [b"ZREVRANGEBYLEX", d.key(), lex_bound(d), lex_bound(d), *limit(d)]),
        ]
    )


@rule(G)
def pops(d: Draw):
    return [d.pick([b"ZPOPMIN", b"ZPOPMAX"]), d.key(), *d.one_of(d.count())]


def numbered(d: Draw) -> list[bytes]:
    keys = [d.key("sets") if d.maybe(0.15) else d.key() for _ in range(d.rng.randint(1, 3))]
    return [b"%d" % (len(keys) if d.maybe(0.93) else d.rng.randint(-1, 4)), *keys]


@rule(G)
def zmpop(d: Draw):
    return [b"ZMPOP", *numbered(d), d.pick([b"MIN", b"MAX"]), *d.one_of([b"COUNT", d.count()])]


def weights(d: Draw, many: int) -> list[bytes]:
    return [
        *d.one_of([b"WEIGHTS", *(d.float() for _ in range(many))], share=0.3),
        *d.one_of([b"AGGREGATE", d.pick([b"SUM", b"MIN", b"MAX", b"x" if d.maybe(0.1) else b"SUM"])], share=0.3),
    ]


@rule(G, 2)
def algebra(d: Draw):
    name = d.pick([b"ZUNION", b"ZINTER", b"ZDIFF"])
    keys = numbered(d)
    extra = weights(d, len(keys) - 1) if name != b"ZDIFF" or d.maybe(0.05) else []
    return [name, *keys, *extra, *d.some(b"WITHSCORES", share=0.5)]


@rule(G, 2)
def store(d: Draw):
    name = d.pick([b"ZUNIONSTORE", b"ZINTERSTORE", b"ZDIFFSTORE"])
    keys = numbered(d)
    return [name, d.key(), *keys, *(weights(d, len(keys) - 1) if name != b"ZDIFFSTORE" else [])]


@rule(G)
def zintercard(d: Draw):
    return [b"ZINTERCARD", *numbered(d), *d.one_of([b"LIMIT", d.count()])]


@rule(G, 0.6)
def zrandmember(d: Draw):
    extra = d.one_of(
        [d.pick([b"0", b"1", b"3", b"100", b"-4", b"x"]), *d.one_of(b"WITHSCORES", b"WITHVALUES")], share=0.8
    )
    return [b"ZRANDMEMBER", d.key(), *extra]


@rule(G, 0.6)
def zscan(d: Draw):
    return [b"ZSCAN", d.key(), d.pick([b"0", b"0", b"0", b"x"]), *d.some([b"MATCH", d.pattern()], [b"COUNT", b"1000"])]


@rule(G, 0.4)
def set_source(d: Draw):
    return [b"SADD", d.key("sets"), *d.members()]


@rule(G, 0.1)
def blocking(d: Draw):
    timeout = d.pick([b"0.01", b"0.01", b"-1", b"x"])
    return d.pick(
        [
            [b"BZPOPMIN", *d.keys(), timeout],
            [b"BZPOPMAX", *d.keys(), timeout],
            [b"BZMPOP", timeout, *numbered(d), d.pick([b"MIN", b"MAX"]), *d.one_of([b"COUNT", d.count()])],
        ]
    )
