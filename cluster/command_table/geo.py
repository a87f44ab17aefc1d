"""Rows of the commands on geo."""

from cluster.command_table.custom_keys import GEORADIUS, GEORADIUSBYMEMBER
from cluster.command_table.model import FIRST, Command, F, Range

ROWS = [
    Command(
        "GEOADD", -5, F.WRITE | F.DENYOOM, FIRST, access="RW UPDATE", group="geo", since="3.2.0",
        complexity="O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        summary="Add one or more geospatial items in the geospatial index represented using a sorted set",
    ),
    Command(
        "GEODIST", -4, F.READONLY, FIRST, access="RO ACCESS", group="geo", since="3.2.0", complexity="O(log(N))",
        summary="Returns the distance between two members of a geospatial index",
    ),
    Command(
        "GEOHASH", -2, F.READONLY, FIRST, access="RO ACCESS", group="geo", since="3.2.0",
        complexity="O(log(N)) for each member requested, where N is the number of elements in the sorted set.",
        summary="Returns members of a geospatial index as standard geohash strings",
    ),
    Command(
        "GEOPOS", -2, F.READONLY, FIRST, access="RO ACCESS", group="geo", since="3.2.0",
        complexity="O(N) where N is the number of members requested.",
        summary="Returns longitude and latitude of members of a geospatial index",
    ),
    Command(
        "GEORADIUS", -6, F.WRITE | F.DENYOOM | F.MOVABLEKEYS, GEORADIUS, access="RO ACCESS, OW UPDATE, OW UPDATE",
        group="geo", since="3.2.0", deprecated="6.2.0",
        replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
        complexity=(
            "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited"
            " by center and radius and M is the number of items inside the index."
        ),
        summary=(
            "Query a sorted set representing a geospatial index to fetch members matching a given maximum "
            "distance from a point"
        ),

    ),
    Command(
        "GEORADIUSBYMEMBER", -5, F.WRITE | F.DENYOOM | F.MOVABLEKEYS, GEORADIUSBYMEMBER,
        access="RO ACCESS, OW UPDATE, OW UPDATE", group="geo", since="3.2.0", deprecated="6.2.0",
        replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        complexity=(
            "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited"
            " by center and radius and M is the number of items inside the index."
        ),
        summary=(
            "Query a sorted set representing a geospatial index to fetch members matching a given maximum "
            "distance from a member"
        ),

    ),
    Command(
        "GEORADIUSBYMEMBER_RO", -5, F.READONLY, FIRST, access="RO ACCESS", group="geo", since="3.2.10",
        deprecated="6.2.0", replaced_by="`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
        complexity=(
            "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited"
            " by center and radius and M is the number of items inside the index."
        ),
        summary="A read-only variant for GEORADIUSBYMEMBER",
    ),
    Command(
        "GEORADIUS_RO", -6, F.READONLY, FIRST, access="RO ACCESS", group="geo", since="3.2.10", deprecated="6.2.0",
        replaced_by="`GEOSEARCH` with the `BYRADIUS` argument",
        complexity=(
            "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited"
            " by center and radius and M is the number of items inside the index."
        ),
        summary="A read-only variant for GEORADIUS",
    ),
    Command(
        "GEOSEARCH", -7, F.READONLY, FIRST, access="RO ACCESS", group="geo", since="6.2.0",
        complexity=(
            "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape"
            " provided as the filter and M is the number of items inside the shape"
        ),
        summary=(
            "Query a sorted set representing a geospatial index to fetch members inside an area of a box or a "
            "circle."
        ),

    ),
    Command(
        "GEOSEARCHSTORE", -8, F.WRITE | F.DENYOOM, Range(1, 2), access="OW UPDATE, RO ACCESS", group="geo",
        since="6.2.0",
        complexity=(
            "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape"
            " provided as the filter and M is the number of items inside the shape"
        ),
        summary=(
            "Query a sorted set representing a geospatial index to fetch members inside an area of a box or a "
            "circle, and store the result in another key."
        ),

    ),
]
