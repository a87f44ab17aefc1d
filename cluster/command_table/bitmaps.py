"""Rows of the commands on bitmaps."""

from cluster.command_table.model import FIRST, Command, F, Range

ROWS = [
    Command(
        "BITCOUNT", -2, F.READONLY, FIRST, access="RO ACCESS", group="bitmap", since="2.6.0", complexity="O(N)",
        summary="Count set bits in a string",
    ),
    Command(
        "BITFIELD", -2, F.WRITE | F.DENYOOM, FIRST, access="RW ACCESS UPDATE VARIABLE_FLAGS", group="bitmap",
        since="3.2.0", complexity="O(1) for each subcommand specified",
        summary="Perform arbitrary bitfield integer operations on strings",
    ),
    Command(
        "BITFIELD_RO", -2, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="bitmap", since="6.0.0",
        complexity="O(1) for each subcommand specified",
        summary="Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD",
    ),
    Command(
        "BITOP", -4, F.WRITE | F.DENYOOM, Range(2, -1), access="OW UPDATE, RO ACCESS", group="bitmap", since="2.6.0",
        complexity="O(N)", summary="Perform bitwise operations between strings",
    ),
    Command(
        "BITPOS", -3, F.READONLY, FIRST, access="RO ACCESS", group="bitmap", since="2.8.7", complexity="O(N)",
        summary="Find first bit set or clear in a string",
    ),
    Command(
        "GETBIT", 3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="bitmap", since="2.2.0",
        summary="Returns the bit value at offset in the string value stored at key",
    ),
    Command(
        "SETBIT", 4, F.WRITE | F.DENYOOM, FIRST, access="RW ACCESS UPDATE", group="bitmap", since="2.2.0",
        summary="Sets or clears the bit at offset in the string value stored at key",
    ),
]
