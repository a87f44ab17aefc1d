"""Rows of the commands on hyperloglog."""

from cluster.command_table.model import EACH, FIRST, SECOND, Command, F

ROWS = [
    Command(
        "PFADD", -2, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="hyperloglog", since="2.8.9",
        complexity="O(1) to add every element.", summary="Adds the specified elements to the specified HyperLogLog.",
    ),
    Command(
        "PFCOUNT", -2, F.READONLY, EACH, access="RW ACCESS", group="hyperloglog", since="2.8.9",
        complexity=(
            "O(1) with a very small average constant time when called with a single key. O(N) with N being the "
            "number of keys, and much bigger constant times, when called with multiple keys."
        ),
        summary="Return the approximated cardinality of the set(s) observed by the HyperLogLog at key(s).",
    ),
    Command(
        "PFDEBUG", 3, F.WRITE | F.DENYOOM | F.ADMIN, SECOND, access="RW ACCESS", group="hyperloglog", since="2.8.9",
        complexity="N/A", summary="Internal commands for debugging HyperLogLog values",
    ),
    Command(
        "PFMERGE", -2, F.WRITE | F.DENYOOM, EACH, access="RW ACCESS INSERT, RO ACCESS", group="hyperloglog",
        since="2.8.9", complexity="O(N) to merge N HyperLogLogs, but with high constant times.",
        summary="Merge N different HyperLogLogs into a single one.",
    ),
    Command(
        "PFSELFTEST", 1, F.ADMIN, group="hyperloglog", since="2.8.9", complexity="N/A",
        summary="An internal command for testing HyperLogLog values",
    ),
]
