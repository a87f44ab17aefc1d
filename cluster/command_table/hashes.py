"""Rows of the commands on hashes."""

from cluster.command_table.model import FIRST, Command, Effect, F

ROWS = [
    Command(
        "HDEL", -3, F.WRITE | F.FAST, FIRST, access="RW DELETE", group="hash", since="2.0.0",
        complexity="O(N) where N is the number of fields to be removed.", summary="Delete one or more hash fields",
    ),
    Command(
        "HEXISTS", 3, F.READONLY | F.FAST, FIRST, access="RO", group="hash", since="2.0.0",
        summary="Determine if a hash field exists",
    ),
    Command(
        "HEXPIRE", -6, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN,
        group="hash", since="7.4.0", complexity="O(N) where N is the number of specified fields",
        summary="Set expiry for hash fields using relative time to expire (seconds)",
    ),
    Command(
        "HEXPIREAT", -6, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN,
        group="hash", since="7.4.0", complexity="O(N) where N is the number of specified fields",
        summary="Set expiry for hash fields using an absolute Unix timestamp (seconds)",
    ),
    Command(
        "HEXPIRETIME", -5, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="hash", since="7.4.0",
        complexity="O(N) where N is the number of specified fields",
        summary="Returns the expiration time of hash fields as a Unix timestamp, in seconds",
    ),
    Command(
        "HGET", 3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="hash", since="2.0.0",
        summary="Get the value of a hash field",
    ),
    Command(
        "HGETALL", 2, F.READONLY, FIRST, access="RO ACCESS", group="hash", since="2.0.0",
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the size of the hash.",
        summary="Get all the fields and values in a hash",
    ),
    Command(
        "HINCRBY", 4, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", group="hash", since="2.0.0",
        summary="Increment the integer value of a hash field by the given number",
    ),
    Command(
        "HINCRBYFLOAT", 4, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", effect=Effect.REWRITTEN,
        group="hash", since="2.6.0", summary="Increment the float value of a hash field by the given amount",
    ),
    Command(
        "HKEYS", 2, F.READONLY, FIRST, access="RO ACCESS", group="hash", since="2.0.0",
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the size of the hash.",
        summary="Get all the fields in a hash",
    ),
    Command(
        "HLEN", 2, F.READONLY | F.FAST, FIRST, access="RO", group="hash", since="2.0.0",
        summary="Get the number of fields in a hash",
    ),
    Command(
        "HMGET", -3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="hash", since="2.0.0",
        complexity="O(N) where N is the number of fields being requested.",
        summary="Get the values of all the given hash fields",
    ),
    Command(
        "HMSET", -4, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", group="hash", since="2.0.0",
        deprecated="4.0.0", replaced_by="`HSET` with multiple field-value pairs",
        complexity="O(N) where N is the number of fields being set.",
        summary="Set multiple hash fields to multiple values",
    ),
    Command(
        "HPERSIST", -5, F.WRITE | F.FAST, FIRST, access="RW UPDATE", group="hash", since="7.4.0",
        complexity="O(N) where N is the number of specified fields",
        summary="Removes the expiration time for each specified field",
    ),
    Command(
        "HPEXPIRE", -6, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN,
        group="hash", since="7.4.0", complexity="O(N) where N is the number of specified fields",
        summary="Set expiry for hash fields using relative time to expire (milliseconds)",
    ),
    Command(
        "HPEXPIREAT", -6, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN,
        group="hash", since="7.4.0", complexity="O(N) where N is the number of specified fields",
        summary="Set expiry for hash fields using an absolute Unix timestamp (milliseconds)",
    ),
    Command(
        "HPEXPIRETIME", -5, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="hash", since="7.4.0",
        complexity="O(N) where N is the number of specified fields",
        summary="Returns the expiration time of hash fields as a Unix timestamp, in msec",
    ),
    Command(
        "HPTTL", -5, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="hash", since="7.4.0",
        complexity="O(N) where N is the number of specified fields",
        summary="Returns the TTL in milliseconds of hash fields",
    ),
    Command(
        "HRANDFIELD", -2, F.READONLY, FIRST, access="RO ACCESS", group="hash", since="6.2.0",
        tips=("nondeterministic_output",), complexity="O(N) where N is the number of fields returned",
        summary="Get one or multiple random fields from a hash",
    ),
    Command(
        "HSCAN", -3, F.READONLY, FIRST, access="RO ACCESS", group="hash", since="2.8.0",
        tips=("nondeterministic_output",),
        complexity=(
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to"
            " return back to 0. N is the number of elements inside the collection.."
        ),
        summary="Incrementally iterate hash fields and associated values",
    ),
    Command(
        "HSET", -4, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", group="hash", since="2.0.0",
        complexity=(
            "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called "
            "with multiple field/value pairs."
        ),
        summary="Set the string value of a hash field",
    ),
    Command(
        "HSETNX", 4, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="hash", since="2.0.0",
        summary="Set the value of a hash field, only if the field does not exist",
    ),
    Command(
        "HSTRLEN", 3, F.READONLY | F.FAST, FIRST, access="RO", group="hash", since="3.2.0",
        summary="Get the length of the value of a hash field",
    ),
    Command(
        "HTTL", -5, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="hash", since="7.4.0",
        complexity="O(N) where N is the number of specified fields",
        summary="Returns the TTL in seconds of hash fields",
    ),
    Command(
        "HVALS", 2, F.READONLY, FIRST, access="RO ACCESS", group="hash", since="2.0.0",
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the size of the hash.",
        summary="Get all the values in a hash",
    ),
]
