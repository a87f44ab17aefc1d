"""Strings, bitmaps, bit fields."""

from .draw import KEYS, SENSELESS_TIMES, Draw, rule

G, B = "strings", "bitmaps"


@rule(G, 3)
def set_(d: Draw):
    expiry = d.one_of(
        [b"EX", b"1000"],
        [b"PX", b"1000000"],
        [b"EXAT", b"33177117420"],
        [b"PXAT", b"33177117420000"],
        b"KEEPTTL",
        [b"EX", d.pick(SENSELESS_TIMES)],
        [b"PXAT", b"1"],
        share=0.3,
    )
    return [b"SET", d.key(), d.value(), *d.one_of(b"NX", b"xx", share=0.2), *d.some(b"GET", share=0.15), *expiry]


@rule(G)
def setnx(d: Draw):
    return [d.pick([b"SETNX", b"GETSET", b"APPEND"]), d.key(), d.value()]


@rule(G, 2)
def get(d: Draw):
    return [d.pick([b"GET", b"STRLEN", b"GET", b"GETDEL"]), d.key()]


@rule(G)
def getex(d: Draw):
    return [
        b"GETEX",
        d.key(),
        *d.one_of(
            [b"EX", b"1000"],
            [b"PX", b"100000"],
            [b"EXAT", b"33177117420"],
            b"PERSIST",
            [b"PXAT", b"1"],
            [b"EX", d.pick(SENSELESS_TIMES)],
            b"KEEPTTL",
        ),
    ]


@rule(G, 2)
def numbers(d: Draw):
    name = d.pick([b"INCRBY", b"DECRBY", b"INCR", b"DECR", b"INCRBYFLOAT"])
    if name in (b"INCR", b"DECR"):
        return [name, d.key()]
    return [name, d.key(), d.float() if name == b"INCRBYFLOAT" else d.integer()]


@rule(G)
def ranges(d: Draw):
    name = d.pick([b"GETRANGE", b"SUBSTR"])
    return [name, d.key(), d.index(), d.index()]


@rule(G)
def setrange(d: Draw):
    return [b"SETRANGE", d.key(), d.pick([b"0", b"1", b"3", b"10", b"-1", b"536870912", b"50"]), d.value()]


@rule(G)
def setex(d: Draw):
    return [
        d.pick([b"SETEX", b"PSETEX"]),
        d.key(),
        d.pick([b"1000000", b"2000000", b"0", b"-1", b"1000000"]),
        d.value(),
    ]


@rule(G, 2)
def many(d: Draw):
    if d.maybe():
        return [b"MGET", *d.keys(1, 4)]
    pairs = [part for key in d.keys(1, 4) for part in (key, d.value())]
    return [d.pick([b"MSET", b"MSET", b"MSETNX"]), *pairs]


@rule(G, 0.7)
def lcs(d: Draw):
    return [b"LCS", d.key(), d.key(), *d.some(b"LEN", b"IDX", [b"MINMATCHLEN", d.count()], b"WITHMATCHLEN")]


def offset(d: Draw) -> bytes:
    return b"%d" % d.rng.randint(0, 80) if d.maybe(0.93) else d.pick([b"-1", b"4294967296", b"foo", b"4294967295000"])


@rule(B, 2)
def setbit(d: Draw):
    return [b"SETBIT", d.key(), offset(d), d.pick([b"0", b"1", b"1", b"1", b"2"])]


@rule(B)
def getbit(d: Draw):
    return [b"GETBIT", d.key(), offset(d)]


@rule(B)
def bitcount(d: Draw):
    span = d.one_of(
        [d.index(), d.index()], [d.index(), d.index(), d.pick([b"BIT", b"BYTE", b"x"])], [d.index()], share=0.7
    )
    return [b"BITCOUNT", d.key(), *span]


@rule(B)
def bitpos(d: Draw):
    span = d.one_of([d.index()], [d.index(), d.index()], [d.index(), d.index(), d.pick([b"BIT", b"BYTE"])], share=0.7)
    return [b"BITPOS", d.key(), d.pick([b"0", b"1", b"1", b"2"]), *span]


@rule(B)
def bitop(d: Draw):
    name = d.pick([b"AND", b"OR", b"XOR", b"NOT", b"not", b"NAND"])
    return [b"BITOP", name, d.key(), *d.keys(1, 1 if name.upper() == b"NOT" and d.maybe(0.9) else 3)]


@rule(B, 2)
def bitfield(d: Draw):
    operations = []
    for _ in range(d.rng.randint(0, 4)):
        kind = d.pick(
            [b"u8", b"i8", b"u1", b"i5", b"u63", b"i64", b"u16", b"u64", b"i65", b"x8"]
            if d.maybe(0.2)
            else [b"u8", b"i8", b"u4", b"i16", b"i64", b"u63"]
        )
        at = d.pick([b"0", b"1", b"#1", b"#2", b"7", b"100", b"-1" if d.maybe(0.1) else b"3"])
        operations += d.pick(
            [
                [b"GET", kind, at],
                [b"SET", kind, at, d.integer()],
                [b"INCRBY", kind, at, d.integer()],
                [b"OVERFLOW", d.pick([b"WRAP", b"SAT", b"FAIL"])],
            ]
        )
    return [d.pick([b"BITFIELD", b"BITFIELD", b"BITFIELD_RO"]), d.key(), *operations]


@rule(B)
def bit_source(d: Draw):
    return [b"SET", d.key(), d.pick([b"\xff\xf0\x00", b"\x00\x00\x01", b"foobar", b"", b"\xff\xff\xff", b"12"])]


assert G in KEYS and B in KEYS
