"""Positions as 52-bit geohashes, and the search areas around them. Compiled.

26 bits of latitude and of longitude are interleaved (latitude in the even bits), over the range
of Web Mercator; distances are by haversine on a sphere. Source: the geohash of Gustavo Niemeyer
and Redis's documentation of GEOADD.
"""

import math

import cython
from cython.cimports.libc.math import asin, cos, fabs, sin, sqrt

LAT_MAX = 85.05112878
LON_MAX = 180.0
STEPS = 26
RADIUS_M = cython.declare(cython.double, 6372797.560856)
MERCATOR_MAX_M = 20037726.37
RADIAN = cython.declare(cython.double, math.pi / 180.0)
# Masks for interleaving bits. Variables of C: numbers so large, written out, are Python objects.
HALVES = cython.declare(cython.ulonglong, 0x0000FFFF0000FFFF)
BYTES = cython.declare(cython.ulonglong, 0x00FF00FF00FF00FF)
NIBBLES = cython.declare(cython.ulonglong, 0x0F0F0F0F0F0F0F0F)
PAIRS = cython.declare(cython.ulonglong, 0x3333333333333333)
SINGLE = cython.declare(cython.ulonglong, 0x5555555555555555)
LOW = cython.declare(cython.ulonglong, 0x00000000FFFFFFFF)
ALPHABET = b"0123456789bcdefghjkmnpqrstuvwxyz"


@cython.cfunc
@cython.exceptval(check=False)
def _spread(value: cython.ulonglong) -> cython.ulonglong:
    value = (value | (value << 16)) & HALVES
    value = (value | (value << 8)) & BYTES
    value = (value | (value << 4)) & NIBBLES
    value = (value | (value << 2)) & PAIRS
    return (value | (value << 1)) & SINGLE


@cython.cfunc
@cython.exceptval(check=False)
def _gather(value: cython.ulonglong) -> cython.ulonglong:
    value &= SINGLE
    value = (value | (value >> 1)) & PAIRS
    value = (value | (value >> 2)) & NIBBLES
    value = (value | (value >> 4)) & BYTES
    value = (value | (value >> 8)) & HALVES
    return (value | (value >> 16)) & LOW


def encode(lon: cython.double, lat: cython.double, steps: cython.int = 26, lat_max: cython.double = 85.05112878) -> int:
    """The hash of a position in degrees, 2 * steps bits."""
    cells: cython.double = cython.cast(cython.double, cython.cast(cython.ulonglong, 1) << steps)
    y: cython.ulonglong = cython.cast(cython.ulonglong, (lat + lat_max) / (2 * lat_max) * cells)
    x: cython.ulonglong = cython.cast(cython.ulonglong, (lon + 180.0) / 360.0 * cells)
    return _spread(y & LOW) | (_spread(x & LOW) << 1)


def cell(bits: cython.ulonglong, steps: cython.int) -> tuple:
    """(lon min, lat min, lon max, lat max) of a hash's cell, degrees."""
    y: cython.double = _gather(bits)
    x: cython.double = _gather(bits >> 1)
    cells: cython.double = cython.cast(cython.double, cython.cast(cython.ulonglong, 1) << steps)
    lat_range: cython.double = LAT_MAX - -LAT_MAX
    return (
        -180.0 + x / cells * 360.0,
        -LAT_MAX + y / cells * lat_range,
        -180.0 + (x + 1) / cells * 360.0,
        -LAT_MAX + (y + 1) / cells * lat_range,
    )


def _bits_of(score: float) -> int:
    """A score as 64 bits, also one that is no hash: what x86's conversion of doubles makes of it."""
    if -(2.0**63) <= score < 2.0**64:
        return int(score) & 0xFFFFFFFFFFFFFFFF
    return 1 << 63 if score < 0 else 0


def decode(score: float) -> tuple:
    """(lon, lat) of a sorted set's score, degrees."""
    west, south, east, north = cell(_bits_of(score), STEPS)
    lon = min(max((west + east) / 2, -LON_MAX), LON_MAX)
    return lon, min(max((south + north) / 2, -LAT_MAX), LAT_MAX)


def lat_distance(one: cython.double, other: cython.double) -> float:
    """Metres between two latitudes."""
    return RADIUS_M * fabs(other * RADIAN - one * RADIAN)


def distance(lon_1: cython.double, lat_1: cython.double, lon_2: cython.double, lat_2: cython.double) -> float:
    """Metres between two positions in degrees."""
    y_1: cython.double = lat_1 * RADIAN
    y_2: cython.double = lat_2 * RADIAN
    v: cython.double = sin((lon_2 * RADIAN - lon_1 * RADIAN) / 2)
    if v == 0.0:
        return lat_distance(lat_1, lat_2)
    u: cython.double = sin((y_2 - y_1) / 2)
    return 2.0 * RADIUS_M * asin(sqrt(u * u + cos(y_1) * cos(y_2) * v * v))


def text(score: float) -> bytes:
    """The usual 11-character geohash of a score (whose last character is always 0)."""
    lon, lat = decode(score)
    bits = encode(lon, lat, STEPS, 90.0)
    return bytes(ALPHABET[(bits >> (52 - (i + 1) * 5)) & 31] if i < 10 else ALPHABET[0] for i in range(11))


def _steps_for(radius_m: float, lat: float) -> int:
    if radius_m == 0:
        return STEPS
    steps = 1
    while radius_m < MERCATOR_MAX_M:
        radius_m *= 2
        steps += 1
    steps -= 2
    if abs(lat) > 66:
        steps -= 1
        if abs(lat) > 80:
            steps -= 1
    return min(max(steps, 1), STEPS)


def _around(bits: int, steps: int) -> dict:
    """The cell and its eight neighbours by compass direction."""
    y, x, mask = _gather(bits), _gather(bits >> 1), (1 << steps) - 1
    found = {}
    for name, dx, dy in (
        ("", 0, 0), ("n", 0, 1), ("s", 0, -1), ("e", 1, 0), ("w", -1, 0),
        ("ne", 1, 1), ("nw", -1, 1), ("se", 1, -1), ("sw", -1, -1),
    ):  # fmt: skip
        # A position on the eastern or northern edge has a bit more. A move takes it from the axis that is moved
        # along, and from that axis only: so Redis finds the cells, and what it does not find there nobody finds.
        found[name] = _spread((y + dy) & mask if dy else y) | (_spread((x + dx) & mask if dx else x) << 1)
    return found


def areas(lon: float, lat: float, width_m: float, height_m: float, radius_m: float) -> list:
    """[(lowest score, score after the highest) ...] of the cells that cover a shape around a
    position: half its width and height in metres, and the radius of a circle around it."""
    lat_delta = height_m / RADIUS_M / RADIAN
    edge = lat - lat_delta if lat < 0 else lat + lat_delta
    lon_delta = width_m / RADIUS_M / cos(edge * RADIAN) / RADIAN  # of an infinite edge not a number
    west, south, east, north = lon - lon_delta, lat - lat_delta, lon + lon_delta, lat + lat_delta
    steps = _steps_for(radius_m, lat)
    bits = encode(lon, lat, steps)
    cells = _around(bits, steps)
    if steps > 1 and (
        cell(cells["n"], steps)[3] < north
        or cell(cells["s"], steps)[1] > south
        or cell(cells["e"], steps)[2] < east
        or cell(cells["w"], steps)[0] > west
    ):
        steps -= 1
        bits = encode(lon, lat, steps)
        cells = _around(bits, steps)
    if steps >= 2:
        inner = cell(bits, steps)
        without = ""
        without += "s" if inner[1] < south else ""
        without += "n" if inner[3] > north else ""
        without += "w" if inner[0] < west else ""
        without += "e" if inner[2] > east else ""
        cells = {name: one for name, one in cells.items() if not set(name) & set(without)}
    shift = 52 - 2 * steps
    found: list = []
    for one in cells.values():
        span = (float(one << shift), float((one + 1) << shift))
        if not found or found[-1] != span:
            found.append(span)
    return found
