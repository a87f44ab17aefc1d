"""Rows of the commands on strings."""

from cluster.command_table.model import (
    EACH,
    FIRST,
    PAIRS,
    Command,
    Effect,
    F,
    Merge,
    Range,
    Spread,
)

ROWS = [
    Command(
        "APPEND", 3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="string", since="2.0.0",
        complexity=(
            "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already "
            "present value is of any size, since the dynamic string library used by Redis will double the free "
            "space available on every reallocation."
        ),
        summary="Append a value to a key",
    ),
    Command(
        "DECR", 2, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", group="string",
        summary="Decrement the integer value of a key by one",
    ),
    Command(
        "DECRBY", 3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", group="string",
        summary="Decrement the integer value of a key by the given number",
    ),
    Command(
        "GET", 2, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="string", summary="Get the value of a key",
    ),
    Command(
        "GETDEL", 2, F.WRITE | F.FAST, FIRST, access="RW ACCESS DELETE", effect=Effect.REWRITTEN, group="string",
        since="6.2.0", summary="Get the value of a key and delete the key",
    ),
    Command(
        "GETEX", -2, F.WRITE | F.FAST, FIRST, access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="string",
        since="6.2.0", summary="Get the value of a key and optionally set its expiration",
    ),
    Command(
        "GETRANGE", 4, F.READONLY, FIRST, access="RO ACCESS", group="string", since="2.4.0",
        complexity=(
            "O(N) where N is the length of the returned string. The complexity is ultimately determined by the "
            "returned length, but because creating a substring from an existing string is very cheap, it can be "
            "considered O(1) for small strings."
        ),
        summary="Get a substring of the string stored at a key",
    ),
    Command(
        "GETSET", 3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", group="string",
        deprecated="6.2.0", replaced_by="`SET` with the `!GET` argument",
        summary="Set the string value of a key and return its old value",
    ),
    Command(
        "INCR", 2, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", group="string",
        summary="Increment the integer value of a key by one",
    ),
    Command(
        "INCRBY", 3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", group="string",
        summary="Increment the integer value of a key by the given amount",
    ),
    Command(
        "INCRBYFLOAT", 3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", effect=Effect.REWRITTEN,
        group="string", since="2.6.0", summary="Increment the float value of a key by the given amount",
    ),
    Command(
        "LCS", -3, F.READONLY, Range(1, 2), access="RO ACCESS", group="string", since="7.0.0",
        complexity="O(N*M) where N and M are the lengths of s1 and s2, respectively",
        summary="Find longest common substring",
    ),
    Command(
        "MGET", -2, F.READONLY | F.FAST, EACH, access="RO ACCESS", spread=Spread.SPLIT, merge=Merge.SCATTER,
        group="string", tips=("request_policy:multi_shard",),
        complexity="O(N) where N is the number of keys to retrieve.", summary="Get the values of all the given keys",
    ),
    Command(
        "MSET", -3, F.WRITE | F.DENYOOM, PAIRS, access="OW UPDATE", spread=Spread.SPLIT, merge=Merge.ALL_OK,
        group="string", since="1.0.1", tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
        complexity="O(N) where N is the number of keys to set.", summary="Set multiple keys to multiple values",
    ),
    Command(
        "MSETNX", -3, F.WRITE | F.DENYOOM, PAIRS, access="OW INSERT", group="string", since="1.0.1",
        tips=("request_policy:multi_shard", "response_policy:agg_min"),
        complexity="O(N) where N is the number of keys to set.",
        summary="Set multiple keys to multiple values, only if none of the keys exist",
    ),
    Command(
        "PSETEX", 4, F.WRITE | F.DENYOOM, FIRST, access="OW UPDATE", effect=Effect.REWRITTEN, group="string",
        since="2.6.0", summary="Set the value and expiration in milliseconds of a key",
    ),
    Command(
        "SET", -3, F.WRITE | F.DENYOOM, FIRST, access="RW ACCESS UPDATE VARIABLE_FLAGS", effect=Effect.REWRITTEN,
        group="string", summary="Set the string value of a key",
    ),
    Command(
        "SETEX", 4, F.WRITE | F.DENYOOM, FIRST, access="OW UPDATE", effect=Effect.REWRITTEN, group="string",
        since="2.0.0", summary="Set the value and expiration of a key",
    ),
    Command(
        "SETNX", 3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="OW INSERT", group="string",
        summary="Set the value of a key, only if the key does not exist",
    ),
    Command(
        "SETRANGE", 4, F.WRITE | F.DENYOOM, FIRST, access="RW UPDATE", group="string", since="2.2.0",
        complexity=(
            "O(1), not counting the time taken to copy the new string in place. Usually, this string is very "
            "small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of "
            "the value argument."
        ),
        summary="Overwrite part of a string at key starting at the specified offset",
    ),
    Command(
        "STRLEN", 2, F.READONLY | F.FAST, FIRST, access="RO", group="string", since="2.2.0",
        summary="Get the length of the value stored in a key",
    ),
    Command(
        "SUBSTR", 4, F.READONLY, FIRST, access="RO ACCESS", group="string", deprecated="2.0.0",
        replaced_by="`GETRANGE`",
        complexity=(
            "O(N) where N is the length of the returned string. The complexity is ultimately determined by the "
            "returned length, but because creating a substring from an existing string is very cheap, it can be "
            "considered O(1) for small strings."
        ),
        summary="Get a substring of the string stored at a key",
    ),
]
