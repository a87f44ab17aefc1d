"""Commands on keys of any type, expiry among them. Mixed into every sequence."""

from .draw import ALL_KEYS, KEYS, SENSELESS_TIMES, Draw, rule

G = "generic"


def any_key(d: Draw) -> bytes:
    return d.pick(KEYS[d.kind]) if d.maybe(0.7) else d.pick(ALL_KEYS)


def some_keys(d: Draw) -> list[bytes]:
    return [any_key(d) for _ in range(d.rng.randint(1, 3))]


@rule(G, 2)
def many(d: Draw):
    return [d.pick([b"DEL", b"UNLINK", b"EXISTS", b"TOUCH", b"EXISTS", b"TOUCH"]), *some_keys(d)]


@rule(G, 3)
def expire(d: Draw):
    condition = d.one_of(b"NX", b"XX", b"GT", b"LT", share=0.25)
    name = d.pick([b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT"])
    when = {
        b"EXPIRE": [b"1000", b"5000", b"-1"],
        b"PEXPIRE": [b"1000000", b"3000000", b"-1"],
        b"EXPIREAT": [b"33177117420", b"33177117000", b"1"],
        b"PEXPIREAT": [b"33177117420000", b"33177117000000", b"1"],
    }[name]
    if d.maybe(0.07):
        return [
            name,
            any_key(d),
            d.pick(SENSELESS_TIMES),
            *condition,
        ]
    return [name, any_key(d), d.pick(when[:2]) if d.maybe(0.85) else when[2], *condition]


@rule(G, 2)
def times(d: Draw):
    return [d.pick([b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"PERSIST"]), any_key(d)]


@rule(G, 2)
def look(d: Draw):
    return d.pick(
        [
            [b"TYPE", any_key(d)],
            [b"OBJECT", b"ENCODING", any_key(d)],
            [b"OBJECT", b"REFCOUNT", any_key(d)],
            [b"OBJECT", b"IDLETIME", any_key(d)],
            [b"OBJECT", b"FREQ", any_key(d)],
            [b"OBJECT", b"NOSUCH", any_key(d)],
            [b"MEMORY", b"USAGE", any_key(d), *d.one_of([b"SAMPLES", d.count()], share=0.2)],
        ]
    )


@rule(G, 1.5)
def rename(d: Draw):
    return d.pick(
        [
            [b"RENAME", any_key(d), any_key(d)],
            [b"RENAMENX", any_key(d), any_key(d)],
            [
                b"COPY",
                any_key(d),
                any_key(d),
                *d.some(b"REPLACE", [b"DB", d.pick([b"0", b"1", b"x", b"99"])], share=0.3),
            ],
        ]
    )


@rule(G, 0.5)
def databases(d: Draw):
    if d.maybe(1 / 3):
        return [b"MOVE", any_key(d), d.pick([b"1", b"0", b"99", b"x", b"1"])]
    # A key that was stored with a time that has passed is counted until somebody, or a server's timer, looks at it.
    return [[b"EXISTS", *ALL_KEYS], [b"DBSIZE"]]


@rule(G, 0.5)
def walk(d: Draw):
    return d.pick(
        [
            [b"KEYS", d.pattern()],
            [b"KEYS", b"*"],
            [b"RANDOMKEY"],
            [b"SCAN", b"x"],
            [
                b"SCAN",
                b"0",
                b"COUNT",
                b"100000",
                *d.some([b"MATCH", d.pattern()], [b"TYPE", d.pick([b"hash", b"list", b"STRING", b"nope"])]),
            ],
        ]
    )


@rule(G, 0.1)
def flush(d: Draw):
    return [d.pick([b"FLUSHDB", b"FLUSHALL"]), *d.one_of(b"ASYNC", b"SYNC", b"x")]


@rule(G, 1.2)
def sort(d: Draw):
    key = d.key(d.pick(["lists", "sets", "zsets"]))
    options = d.some(
        b"ALPHA",
        d.pick([b"ASC", b"DESC"]),
        [b"LIMIT", d.index(), d.index()],
        [b"BY", d.pick([b"nosort", b"s*", b"h*->a", b"w_*"])],
        [b"GET", d.pick([b"#", b"s*", b"h*->a", b"nope"])],
        [b"STORE", d.key("lists")],
        share=0.22,
    )
    if {b"ALPHA", b"BY", b"STORE"} <= set(options):
        options.remove(b"ALPHA")  # equal weights leave the order open, and here it would be kept
    return [d.pick([b"SORT", b"SORT", b"SORT_RO"]), key, *options]


@rule(G, 0.4)
def restore(d: Draw):
    return [
        b"RESTORE",
        any_key(d),
        d.pick([b"0", b"-1", b"x", b"100000"]),
        d.pick([b"", b"foo", b"\x00\x03abc\x0a\x00" + b"\x00" * 8]),
        *d.some(b"REPLACE", b"ABSTTL", [b"IDLETIME", b"10"], [b"FREQ", b"300"], share=0.2),
    ]


@rule(G, 0.6)
def exchange(d: Draw):
    return [b"@EXCHANGE", any_key(d)]


@rule(G, 0.3)
def short_expiry(d: Draw):
    return [[b"PEXPIRE", any_key(d), b"1"], [b"@WAIT", b"3"]]
