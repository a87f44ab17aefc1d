"""Rows of the commands on sets."""

from cluster.command_table.model import EACH, FIRST, Command, Effect, F, NumKeys, Range

ROWS = [
    Command(
        "SADD", -3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="set",
        complexity=(
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple "
            "arguments."
        ),
        summary="Add one or more members to a set",
    ),
    Command(
        "SCARD", 2, F.READONLY | F.FAST, FIRST, access="RO", group="set",
        summary="Get the number of members in a set",
    ),
    Command(
        "SDIFF", -2, F.READONLY, EACH, access="RO ACCESS", group="set", tips=("nondeterministic_output_order",),
        complexity="O(N) where N is the total number of elements in all given sets.",
        summary="Subtract multiple sets",
    ),
    Command(
        "SDIFFSTORE", -3, F.WRITE | F.DENYOOM, EACH, access="OW UPDATE, RO ACCESS", group="set",
        complexity="O(N) where N is the total number of elements in all given sets.",
        summary="Subtract multiple sets and store the resulting set in a key",
    ),
    Command(
        "SINTER", -2, F.READONLY, EACH, access="RO ACCESS", group="set", tips=("nondeterministic_output_order",),
        complexity="O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        summary="Intersect multiple sets",
    ),
    Command(
        "SINTERCARD", -3, F.READONLY | F.MOVABLEKEYS, NumKeys(1), access="RO ACCESS", group="set", since="7.0.0",
        complexity="O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        summary="Intersect multiple sets and return the cardinality of the result",
    ),
    Command(
        "SINTERSTORE", -3, F.WRITE | F.DENYOOM, EACH, access="RW UPDATE, RO ACCESS", group="set",
        complexity="O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        summary="Intersect multiple sets and store the resulting set in a key",
    ),
    Command(
        "SISMEMBER", 3, F.READONLY | F.FAST, FIRST, access="RO", group="set",
        summary="Determine if a given value is a member of a set",
    ),
    Command(
        "SMEMBERS", 2, F.READONLY, FIRST, access="RO ACCESS", group="set", tips=("nondeterministic_output_order",),
        complexity="O(N) where N is the set cardinality.", summary="Get all the members in a set",
    ),
    Command(
        "SMISMEMBER", -3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="set", since="6.2.0",
        complexity="O(N) where N is the number of elements being checked for membership",
        summary="Returns the membership associated with the given elements for a set",
    ),
    Command(
        "SMOVE", 4, F.WRITE | F.FAST, Range(1, 2), access="RW ACCESS DELETE, RW INSERT", group="set",
        summary="Move a member from one set to another",
    ),
    Command(
        "SPOP", -2, F.WRITE | F.FAST, FIRST, access="RW ACCESS DELETE", effect=Effect.REWRITTEN, group="set",
        tips=("nondeterministic_output",),
        complexity="Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
        summary="Remove and return one or multiple random members from a set",
    ),
    Command(
        "SRANDMEMBER", -2, F.READONLY, FIRST, access="RO ACCESS", group="set", tips=("nondeterministic_output",),
        complexity=(
            "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count."
        ),
        summary="Get one or multiple random members from a set",
    ),
    Command(
        "SREM", -3, F.WRITE | F.FAST, FIRST, access="RW DELETE", group="set",
        complexity="O(N) where N is the number of members to be removed.",
        summary="Remove one or more members from a set",
    ),
    Command(
        "SSCAN", -3, F.READONLY, FIRST, access="RO ACCESS", group="set", since="2.8.0",
        tips=("nondeterministic_output",),
        complexity=(
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to"
            " return back to 0. N is the number of elements inside the collection.."
        ),
        summary="Incrementally iterate Set elements",
    ),
    Command(
        "SUNION", -2, F.READONLY, EACH, access="RO ACCESS", group="set", tips=("nondeterministic_output_order",),
        complexity="O(N) where N is the total number of elements in all given sets.", summary="Add multiple sets",
    ),
    Command(
        "SUNIONSTORE", -3, F.WRITE | F.DENYOOM, EACH, access="OW UPDATE, RO ACCESS", group="set",
        complexity="O(N) where N is the total number of elements in all given sets.",
        summary="Add multiple sets and store the resulting set in a key",
    ),
]
