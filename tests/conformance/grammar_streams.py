"""Streams and consumer groups."""

from .draw import Draw, rule

G = "streams"
GROUPS, CONSUMERS = [b"g", b"g2"], [b"alice", b"bob"]


def an_id(d: Draw) -> bytes:
    if d.maybe(0.06):
        return d.pick(
            [b"x", b"", b"1-x", b"18446744073709551615-18446744073709551615", b"1-2-3", b"-1", b"18446744073709551616"]
        )
    return b"%d-%d" % (d.rng.randint(0, 12), d.rng.randint(0, 3)) if d.maybe(0.7) else b"%d" % d.rng.randint(0, 12)


def fields(d: Draw) -> list[bytes]:
    if d.maybe(0.6):
        return [b"f", d.value(), b"g", d.value()]
    return [part for _ in range(d.rng.randint(1, 3)) for part in (d.member(), d.value())]


def trim(d: Draw) -> list[bytes]:
    limit = d.one_of([b"LIMIT", d.count()], share=0.15)
    if d.maybe():
        return [b"MAXLEN", *d.one_of(b"=", b"~", share=0.5), d.count(), *limit]
    return [b"MINID", *d.one_of(b"=", b"~", share=0.5), an_id(d), *limit]


@rule(G, 6)
def xadd(d: Draw):
    new = (
        b"%d-%d" % (d.rng.randint(1, 30), d.rng.randint(0, 3))
        if d.maybe(0.7)
        else d.pick([b"%d-*" % d.rng.randint(1, 30), an_id(d)])
    )
    return [b"XADD", d.key(), *d.some(b"NOMKSTREAM", share=0.1), *(trim(d) if d.maybe(0.15) else []), new, *fields(d)]


@rule(G, 0.3)
def xadd_now(d: Draw):
    key = d.key()
    return [[b"XADD", key, b"*", *fields(d)], [b"DEL", key]]


@rule(G, 3)
def xrange(d: Draw):
    ends = [d.pick([b"-", an_id(d), b"(" + an_id(d)]), d.pick([b"+", an_id(d), b"(" + an_id(d)])]
    if d.maybe(0.4):
        return [b"XREVRANGE", d.key(), *ends[::-1], *d.one_of([b"COUNT", d.count()])]
    return [b"XRANGE", d.key(), *ends, *d.one_of([b"COUNT", d.count()])]


@rule(G, 2)
def edit(d: Draw):
    return d.pick(
        [
            [b"XLEN", d.key()],
            [b"XDEL", d.key(), *(an_id(d) for _ in range(d.rng.randint(1, 3)))],
            [b"XTRIM", d.key(), *trim(d)],
            [
                b"XSETID",
                d.key(),
                an_id(d),
                *d.one_of([b"ENTRIESADDED", d.count(), b"MAXDELETEDID", an_id(d)], share=0.4),
            ],
        ]
    )


@rule(G, 2)
def xread(d: Draw):
    keys = d.keys(1, 2)
    return [
        b"XREAD",
        *d.some([b"COUNT", d.count()]),
        *d.some([b"BLOCK", b"1"], share=0.03),
        b"STREAMS",
        *keys,
        *(d.pick([an_id(d), b"0", b"0", b"$", b">" if d.maybe(0.1) else b"0"]) for _ in keys),
    ]


@rule(G, 3)
def xgroup(d: Draw):
    group, consumer = d.pick(GROUPS), d.pick(CONSUMERS)
    at = d.pick([b"0", b"$", an_id(d)])
    read = d.one_of([b"ENTRIESREAD", d.pick([b"0", b"2", b"-1", b"x"])], share=0.15)
    return d.pick(
        [
            [b"XGROUP", b"CREATE", d.key(), group, at, *d.some(b"MKSTREAM", share=0.5), *read],
            [b"XGROUP", b"create", d.key(), group, b"0", b"MKSTREAM"],
            [b"XGROUP", b"SETID", d.key(), group, at, *read],
            [b"XGROUP", b"CREATECONSUMER", d.key(), group, consumer],
            [b"XGROUP", b"DELCONSUMER", d.key(), group, consumer],
            [b"XGROUP", b"DESTROY", d.key(), group] if d.maybe(0.3) else [b"XGROUP", b"NOSUCH", d.key()],
        ]
    )


@rule(G, 4)
def xreadgroup(d: Draw):
    keys = d.keys(1, 2)
    return [
        b"XREADGROUP",
        b"GROUP",
        d.pick(GROUPS),
        d.pick(CONSUMERS),
        *d.some([b"COUNT", d.count()]),
        *d.some([b"BLOCK", b"1"], share=0.03),
        *d.some(b"NOACK", share=0.1),
        b"STREAMS",
        *keys,
        *(d.pick([b">", b">", b">", b"0", an_id(d), b"$" if d.maybe(0.1) else b">"]) for _ in keys),
    ]


@rule(G, 2)
def xack(d: Draw):
    return [b"XACK", d.key(), d.pick(GROUPS), *(an_id(d) for _ in range(d.rng.randint(1, 4)))]


@rule(G, 2)
def xpending(d: Draw):
    long = [
        *d.one_of([b"IDLE", b"0"], [b"IDLE", b"100000"], share=0.2),
        d.pick([b"-", an_id(d)]),
        d.pick([b"+", an_id(d)]),
        d.count(),
        *d.one_of(d.pick(CONSUMERS), share=0.4),
    ]
    return [b"XPENDING", d.key(), d.pick(GROUPS), *(long if d.maybe() else [])]


@rule(G, 2)
def xclaim(d: Draw):
    """The consumer is made before: from 7.2 on it is there even if nothing was claimed, in 7.0 it is not."""
    key, group, consumer = d.key(), d.pick(GROUPS), d.pick(CONSUMERS)
    before = [b"XGROUP", b"CREATECONSUMER", key, group, consumer]
    ids = [an_id(d) for _ in range(d.rng.randint(1, 3))]
    options = d.some(
        b"FORCE",
        b"JUSTID",
        [b"IDLE", b"10"],
        [b"TIME", b"1000"],
        [b"RETRYCOUNT", d.count()],
        [b"LASTID", an_id(d)],
        share=0.2,
    )
    idle = d.pick([b"0", b"0", b"0", b"100000", b"x"])
    if d.maybe(0.4):
        count = d.some([b"COUNT", d.pick([b"1", b"2", b"10", b"0"])], b"JUSTID")
        return [before, [b"XAUTOCLAIM", key, group, consumer, idle, d.pick([b"0", b"-", an_id(d)]), *count]]
    return [before, [b"XCLAIM", key, group, consumer, idle, *ids, *options]]


@rule(G)
def xinfo(d: Draw):
    return d.pick(
        [
            [b"XINFO", b"STREAM", d.key(), *d.one_of([b"FULL", *d.one_of([b"COUNT", d.count()])])],
            [b"XINFO", b"GROUPS", d.key()],
            [b"XINFO", b"CONSUMERS", d.key(), d.pick(GROUPS)],
        ]
    )
