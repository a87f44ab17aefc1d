"""Geo indexes and HyperLogLog."""

from .draw import Draw, rule

G, P = "geo", "hll"
PLACES = [
    (b"13.361389", b"38.115556"),
    (b"15.087269", b"37.502669"),
    (b"2.349014", b"48.864716"),
    (b"-0.127758", b"51.507351"),
    (b"0", b"0"),
    (b"-179.9", b"85"),
    (b"180", b"-85.05112878"),
    (b"139.69", b"35.68"),
]
UNITS = [b"m", b"km", b"ft", b"mi"]
NAMES = [b"Palermo", b"Catania", b"Paris", b"London", b"a", b"b"]


def place(d: Draw) -> list[bytes]:
    return list(d.pick(PLACES)) if d.maybe(0.95) else [d.pick([b"181", b"-200", b"x"]), d.pick([b"86", b"-90", b"1"])]


def unit(d: Draw) -> bytes:
    return d.pick(UNITS) if d.maybe(0.95) else b"yard"


def radius(d: Draw) -> bytes:
    return d.pick(
        [b"1", b"100", b"200", b"1000", b"5000", b"0", b"30000", b"-1" if d.maybe(0.2) else b"300.5", b"20000"]
    )


@rule(G, 4)
def geoadd(d: Draw):
    many = []
    for _ in range(d.rng.randint(1, 3)):  # no two names at one place: Redis leaves the order of equal distances open
        name = d.rng.randrange(len(NAMES))
        many += [*(PLACES[name] if d.maybe(0.9) else place(d)[:1] + [b"%d.5" % name]), NAMES[name]]
    return [b"GEOADD", d.key(), *d.some(b"NX", b"XX", b"CH", share=0.12), *many]


@rule(G, 2)
def read(d: Draw):
    names = [d.pick(NAMES) for _ in range(d.rng.randint(0, 3))]
    return d.pick(
        [
            [b"GEOHASH", d.key(), *names],
            [b"GEOPOS", d.key(), *names],
            [b"GEODIST", d.key(), d.pick(NAMES), d.pick(NAMES), *d.one_of(unit(d))],
        ]
    )


def how(d: Draw) -> list[bytes]:
    return [
        *d.some([b"COUNT", d.pick([b"1", b"2", b"10", b"0"]), *d.one_of(b"ANY", share=0.2)]),
        *d.one_of(b"ASC", b"DESC"),
    ]


def search(d: Draw) -> list[bytes]:
    centre = d.pick([[b"FROMMEMBER", d.pick(NAMES)], [b"FROMLONLAT", *place(d)]])
    shape = d.pick([[b"BYRADIUS", radius(d), unit(d)], [b"BYBOX", radius(d), radius(d), unit(d)]])
    return [*centre, *shape, *how(d)]


@rule(G, 3)
def geosearch(d: Draw):
    return [b"GEOSEARCH", d.key(), *search(d), *d.some(b"WITHCOORD", b"WITHDIST", b"WITHHASH")]


@rule(G)
def geosearchstore(d: Draw):
    return [b"GEOSEARCHSTORE", d.key(), d.key(), *search(d), *d.some(b"STOREDIST", share=0.3)]


@rule(G)
def georadius(d: Draw):
    extra = [*how(d), *d.some(b"WITHCOORD", b"WITHDIST", b"WITHHASH", share=0.25)]
    store = d.one_of([d.pick([b"STORE", b"STOREDIST"]), d.key()], share=0.2)
    return d.pick(
        [
            [b"GEORADIUS", d.key(), *place(d), radius(d), unit(d), *extra, *store],
            [b"GEORADIUS_RO", d.key(), *place(d), radius(d), unit(d), *extra],
            [b"GEORADIUSBYMEMBER", d.key(), d.pick(NAMES), radius(d), unit(d), *extra, *store],
            [b"GEORADIUSBYMEMBER_RO", d.key(), d.pick(NAMES), radius(d), unit(d), *extra],
        ]
    )


@rule(P, 4)
def pfadd(d: Draw):
    elements = [b"%d" % i for i in range(d.pick([50, 900]))] if d.maybe(0.1) else d.members(0, 5)
    return [b"PFADD", d.key(), *elements]


@rule(P, 2)
def pfcount(d: Draw):
    return [b"PFCOUNT", *d.keys()]


@rule(P)
def pfmerge(d: Draw):
    return [b"PFMERGE", d.key(), *d.keys(0 if d.maybe(0.1) else 1, 3)]


@rule(P, 0.3)
def damaged(d: Draw):
    return [b"SET", d.key(), d.pick([b"HYLL", b"foo", b"HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"])]


@rule(P, 0.5)
def read_bytes(d: Draw):
    return [b"GET", d.key()]
