"""Geo commands: positions are the scores of a sorted set. Compiled."""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.zsets import ZSetValue

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_double, parse_int
from cluster.replies import NIL_ARRAY, Raw
from shard.commands.zset_ranges import store
from shard.commands.zsets import zadd
from shard.registry import handles
from shard.values import geohash

UNITS = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}


def unit_of(raw: bytes) -> float:
    """Metres in a unit. CommandError."""
    found = UNITS.get(raw.upper())
    if found is None:
        raise CommandError("ERR unsupported unit provided. please use M, KM, FT, MI")
    return found


def position(lon_raw: bytes, lat_raw: bytes) -> tuple:
    """(lon, lat) in degrees. CommandError."""
    lon, lat = parse_double(lon_raw), parse_double(lat_raw)
    if not (-180 <= lon <= 180 and -geohash.LAT_MAX <= lat <= geohash.LAT_MAX):
        raise CommandError(f"ERR invalid longitude,latitude pair {lon:f},{lat:f}")
    return lon, lat


def coordinate(engine: Engine, value: float):
    """A coordinate: 17 decimals at most in RESP2, a double in RESP3."""
    text = (b"%.17f" % value).rstrip(b"0").rstrip(b".")
    return Raw(b"," + text + b"\r\n") if engine.resp >= 3 else text


def metres(raw: bytes, what: str) -> float:
    """A number that is no NaN. CommandError saying what it should have been."""
    return parse_double(raw, f"ERR need numeric {what}")


@handles("GEOADD")
def geoadd(engine: Engine, args: list):
    """GEOADD key [NX|XX] [CH] longitude latitude member [longitude latitude member ...]"""
    at = 2
    nx = xx = False
    while at < len(args):
        option = args[at].upper()
        if option == b"NX":
            nx = True
        elif option == b"XX":
            xx = True
        elif option != b"CH":
            break
        at += 1
    if (len(args) - at) % 3 or (nx and xx):
        raise errors.syntax_error()
    pairs: list = []
    for i in range(at, len(args), 3):
        lon, lat = position(args[i], args[i + 1])
        pairs.append(b"%d" % geohash.encode(lon, lat))
        pairs.append(args[i + 2])
    return zadd(engine, [b"ZADD", *args[1:at], *pairs])


@handles("GEOHASH")
def geohash_(engine: Engine, args: list):
    """GEOHASH key [member ...]"""
    zset = engine.typed(args[1], ZSetValue)
    scores = [None if zset is None else zset.score(member) for member in args[2:]]
    return [None if score is None else geohash.text(score) for score in scores]


@handles("GEOPOS")
def geopos(engine: Engine, args: list):
    """GEOPOS key [member ...]"""
    zset = engine.typed(args[1], ZSetValue)
    found: list = []
    for member in args[2:]:
        score = None if zset is None else zset.score(member)
        if score is None:
            found.append(NIL_ARRAY)
        else:
            lon, lat = geohash.decode(score)
            found.append([coordinate(engine, lon), coordinate(engine, lat)])
    return found


@handles("GEODIST")
def geodist(engine: Engine, args: list):
    """GEODIST key member member [M|KM|FT|MI]"""
    unit = 1.0
    if len(args) == 5:
        unit = unit_of(args[4])
    elif len(args) > 5:
        raise errors.syntax_error()
    zset = engine.typed(args[1], ZSetValue)
    if zset is None:
        return None
    one, other = zset.score(args[2]), zset.score(args[3])
    if one is None or other is None:
        return None
    return b"%.4f" % (geohash.distance(*geohash.decode(one), *geohash.decode(other)) / unit)


class Search:
    """A parsed search: centre, shape (metres), order, limit, and what to give or store."""

    def __init__(self, zset, args: list):
        self.zset = zset
        self.name = args[0].decode("latin-1")
        self.center = None
        self.unit = 1.0
        self.radius = self.width = self.height = None
        self.order = b""
        self.count = 0
        self.any = False
        self.dist = self.hash = self.coord = False
        self.store = None
        self.by_distance = False

    def from_member(self, member: bytes) -> None:
        """The centre is where a member stands. CommandError if it is not there."""
        if self.zset is None:
            self.center = (0.0, 0.0)
            return
        score = self.zset.score(member)
        if score is None:
            raise CommandError("ERR could not decode requested zset member")
        self.center = geohash.decode(score)

    def circle(self, radius: bytes, unit: bytes) -> None:
        """A circle's radius with its unit."""
        value = metres(radius, "radius")
        if value < 0:
            raise CommandError("ERR radius cannot be negative")
        self.unit = unit_of(unit)
        self.radius = value * self.unit

    def box(self, width: bytes, height: bytes, unit: bytes) -> None:
        """A box's sides with their unit."""
        wide, high = metres(width, "width"), metres(height, "height")
        if wide < 0 or high < 0:
            raise CommandError("ERR height or width cannot be negative")
        self.unit = unit_of(unit)
        self.width, self.height = wide * self.unit, high * self.unit

    def options(self, args: list, at: int, searching: bool, storing: bool, read_only: bool) -> None:
        """The rest of the arguments. CommandError."""
        from_count = by_count = 0
        while at < len(args):
            option = args[at].upper()
            left = len(args) - at - 1
            if option == b"WITHDIST":
                self.dist = True
            elif option == b"WITHHASH":
                self.hash = True
            elif option == b"WITHCOORD":
                self.coord = True
            elif option == b"ANY":
                self.any = True
            elif option in (b"ASC", b"DESC"):
                self.order = option
            elif option == b"COUNT" and left:
                at += 1
                self.count = parse_int(args[at])
                if self.count <= 0:
                    raise CommandError("ERR COUNT must be > 0")
            elif option in (b"STORE", b"STOREDIST") and left and not searching and not read_only:
                at += 1
                self.store = args[at]
                self.by_distance = option == b"STOREDIST"
            elif option == b"FROMMEMBER" and left and searching and not from_count:
                at += 1
                self.from_member(args[at])
                from_count = 1
            elif option == b"FROMLONLAT" and left >= 2 and searching and not from_count:
                self.center = position(args[at + 1], args[at + 2])
                at += 2
                from_count = 1
            elif option == b"BYRADIUS" and left >= 2 and searching and not by_count:
                self.circle(args[at + 1], args[at + 2])
                at += 2
                by_count = 1
            elif option == b"BYBOX" and left >= 3 and searching and not by_count:
                self.box(args[at + 1], args[at + 2], args[at + 3])
                at += 3
                by_count = 1
            elif option == b"STOREDIST" and searching and storing:
                self.by_distance = True
            else:
                raise errors.syntax_error()
            at += 1
        if (self.store is not None or storing) and (self.dist or self.hash or self.coord):
            what = "GEOSEARCHSTORE" if storing else "STORE option in GEORADIUS"
            raise CommandError(f"ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
        if searching and not from_count:
            raise CommandError(f"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {self.name}")
        if searching and not by_count:
            raise CommandError(f"ERR exactly one of BYRADIUS and BYBOX can be specified for {self.name}")
        if self.any and not self.count:
            raise CommandError("ERR the ANY argument requires COUNT argument")

    def inside(self, lon: float, lat: float):
        """Metres from the centre, None if the position is outside."""
        x, y = self.center
        if self.radius is not None:
            found = geohash.distance(x, y, lon, lat)
            return found if found <= self.radius else None
        if geohash.lat_distance(lat, y) > self.height / 2 or geohash.distance(lon, lat, x, lat) > self.width / 2:
            return None
        return geohash.distance(x, y, lon, lat)

    def found(self) -> list:
        """[(metres, member, score, lon, lat) ...] in the order asked for."""
        x, y = self.center
        rows: list = []
        if self.radius is not None:
            spans = geohash.areas(x, y, self.radius, self.radius, self.radius)
        else:
            half = (self.width / 2, self.height / 2)
            spans = geohash.areas(x, y, half[0], half[1], (half[0] ** 2 + half[1] ** 2) ** 0.5)
        for low, high in spans:
            first = self.zset.before_score(low, False)
            flat = self.zset.slice(first, self.zset.before_score(high, False) - first, False, True)
            for i in range(0, len(flat), 2):
                lon, lat = geohash.decode(flat[i + 1])
                away = self.inside(lon, lat)
                if away is not None:
                    rows.append((away, flat[i], flat[i + 1], lon, lat))
                    if self.any and len(rows) >= self.count:
                        break
            if self.any and len(rows) >= self.count:
                break
        if self.order or (self.count and not self.any):
            rows.sort(key=lambda row: row[0], reverse=self.order == b"DESC")
        return rows[: self.count] if self.count else rows


def answer(engine: Engine, search: Search, event: bytes):
    """Run a search: its rows as a reply, or into the key to store them in."""
    rows = [] if search.zset is None else search.found()
    if search.store is not None:
        flat: list = []
        for row in rows:
            flat.append(row[1])
            flat.append(row[0] / search.unit if search.by_distance else row[2])
        return store(engine, search.store, flat, event)
    if not (search.dist or search.hash or search.coord):
        return [row[1] for row in rows]
    reply: list = []
    for away, member, score, lon, lat in rows:
        item: list = [member]
        if search.dist:
            item.append(b"%.4f" % (away / search.unit))
        if search.hash:
            item.append(int(score))
        if search.coord:
            item.append([coordinate(engine, lon), coordinate(engine, lat)])
        reply.append(item)
    return reply


@handles("GEORADIUS", "GEORADIUS_RO")
def georadius(engine: Engine, args: list):
    """GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH]
    [COUNT count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]"""
    search = Search(engine.typed(args[1], ZSetValue), args)
    search.center = position(args[2], args[3])
    search.circle(args[4], args[5])
    search.options(args, 6, False, False, args[0].upper().endswith(b"_RO"))
    return answer(engine, search, b"georadiusstore")


@handles("GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO")
def georadiusbymember(engine: Engine, args: list):
    """GEORADIUSBYMEMBER key member radius unit [options of GEORADIUS]"""
    search = Search(engine.typed(args[1], ZSetValue), args)
    if search.zset is not None:  # Redis looks at neither radius nor unit when there is no key
        search.from_member(args[2])
        search.circle(args[3], args[4])
    search.options(args, 5, False, False, args[0].upper().endswith(b"_RO"))
    return answer(engine, search, b"georadiusstore")


@handles("GEOSEARCH")
def geosearch(engine: Engine, args: list):
    """GEOSEARCH key FROMMEMBER member|FROMLONLAT lon lat BYRADIUS radius unit|BYBOX width height unit
    [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]"""
    search = Search(engine.typed(args[1], ZSetValue), args)
    search.options(args, 2, True, False, True)
    return answer(engine, search, b"geosearch")


@handles("GEOSEARCHSTORE")
def geosearchstore(engine: Engine, args: list):
    """GEOSEARCHSTORE destination source FROMMEMBER ... BYRADIUS ... [STOREDIST]"""
    search = Search(engine.typed(args[2], ZSetValue), args)
    search.options(args, 3, True, True, True)
    search.store = args[1]
    return answer(engine, search, b"geosearchstore")
