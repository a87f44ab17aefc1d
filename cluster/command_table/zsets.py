"""Rows of the commands on sorted sets."""

from cluster.command_table.model import FIRST, Command, Effect, F, NumKeys, Range

ROWS = [
    Command(
        "BZMPOP", -5, F.WRITE | F.BLOCKING | F.MOVABLEKEYS, NumKeys(2), access="RW ACCESS DELETE",
        effect=Effect.REWRITTEN, group="sorted-set", since="7.0.0",
        complexity=(
            "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the "
            "sorted set, and M being the number of elements popped."
        ),
        summary="Remove and return members with scores in a sorted set or block until one is available",
    ),
    Command(
        "BZPOPMAX", -3, F.WRITE | F.NOSCRIPT | F.BLOCKING | F.FAST, Range(1, -2), access="RW ACCESS DELETE",
        effect=Effect.REWRITTEN, group="sorted-set", since="5.0.0",
        complexity="O(log(N)) with N being the number of elements in the sorted set.",
        summary=(
            "Remove and return the member with the highest score from one or more sorted sets, or block until one"
            " is available"
        ),

    ),
    Command(
        "BZPOPMIN", -3, F.WRITE | F.NOSCRIPT | F.BLOCKING | F.FAST, Range(1, -2), access="RW ACCESS DELETE",
        effect=Effect.REWRITTEN, group="sorted-set", since="5.0.0",
        complexity="O(log(N)) with N being the number of elements in the sorted set.",
        summary=(
            "Remove and return the member with the lowest score from one or more sorted sets, or block until one "
            "is available"
        ),

    ),
    Command(
        "ZADD", -4, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", group="sorted-set", since="1.2.0",
        complexity="O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        summary="Add one or more members to a sorted set, or update its score if it already exists",
    ),
    Command(
        "ZCARD", 2, F.READONLY | F.FAST, FIRST, access="RO", group="sorted-set", since="1.2.0",
        summary="Get the number of members in a sorted set",
    ),
    Command(
        "ZCOUNT", 4, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="sorted-set", since="2.0.0",
        complexity="O(log(N)) with N being the number of elements in the sorted set.",
        summary="Count the members in a sorted set with scores within the given values",
    ),
    Command(
        "ZDIFF", -3, F.READONLY | F.MOVABLEKEYS, NumKeys(1), access="RO ACCESS", group="sorted-set", since="6.2.0",
        complexity=(
            "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size"
            " of the first set, and K is the size of the result set."
        ),
        summary="Subtract multiple sorted sets",
    ),
    Command(
        "ZDIFFSTORE", -4, F.WRITE | F.DENYOOM | F.MOVABLEKEYS, NumKeys(2, also=(1,)), access="OW UPDATE, RO ACCESS",
        group="sorted-set", since="6.2.0",
        complexity=(
            "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size"
            " of the first set, and K is the size of the result set."
        ),
        summary="Subtract multiple sorted sets and store the resulting sorted set in a new key",
    ),
    Command(
        "ZINCRBY", 4, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW ACCESS UPDATE", group="sorted-set",
        since="1.2.0", complexity="O(log(N)) where N is the number of elements in the sorted set.",
        summary="Increment the score of a member in a sorted set",
    ),
    Command(
        "ZINTER", -3, F.READONLY | F.MOVABLEKEYS, NumKeys(1), access="RO ACCESS", group="sorted-set", since="6.2.0",
        complexity=(
            "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of "
            "input sorted sets and M being the number of elements in the resulting sorted set."
        ),
        summary="Intersect multiple sorted sets",
    ),
    Command(
        "ZINTERCARD", -3, F.READONLY | F.MOVABLEKEYS, NumKeys(1), access="RO ACCESS", group="sorted-set",
        since="7.0.0",
        complexity=(
            "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted "
            "sets."
        ),
        summary="Intersect multiple sorted sets and return the cardinality of the result",
    ),
    Command(
        "ZINTERSTORE", -4, F.WRITE | F.DENYOOM | F.MOVABLEKEYS, NumKeys(2, also=(1,)), access="OW UPDATE, RO ACCESS",
        group="sorted-set", since="2.0.0",
        complexity=(
            "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of "
            "input sorted sets and M being the number of elements in the resulting sorted set."
        ),
        summary="Intersect multiple sorted sets and store the resulting sorted set in a new key",
    ),
    Command(
        "ZLEXCOUNT", 4, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="sorted-set", since="2.8.9",
        complexity="O(log(N)) with N being the number of elements in the sorted set.",
        summary="Count the number of members in a sorted set between a given lexicographical range",
    ),
    Command(
        "ZMPOP", -4, F.WRITE | F.MOVABLEKEYS, NumKeys(1), access="RW ACCESS DELETE", effect=Effect.REWRITTEN,
        group="sorted-set", since="7.0.0",
        complexity=(
            "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the "
            "sorted set, and M being the number of elements popped."
        ),
        summary="Remove and return members with scores in a sorted set",
    ),
    Command(
        "ZMSCORE", -3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="sorted-set", since="6.2.0",
        complexity="O(N) where N is the number of members being requested.",
        summary="Get the score associated with the given members in a sorted set",
    ),
    Command(
        "ZPOPMAX", -2, F.WRITE | F.FAST, FIRST, access="RW ACCESS DELETE", group="sorted-set", since="5.0.0",
        complexity=(
            "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of "
            "elements popped."
        ),
        summary="Remove and return members with the highest scores in a sorted set",
    ),
    Command(
        "ZPOPMIN", -2, F.WRITE | F.FAST, FIRST, access="RW ACCESS DELETE", group="sorted-set", since="5.0.0",
        complexity=(
            "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of "
            "elements popped."
        ),
        summary="Remove and return members with the lowest scores in a sorted set",
    ),
    Command(
        "ZRANDMEMBER", -2, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="6.2.0",
        tips=("nondeterministic_output",), complexity="O(N) where N is the number of elements returned",
        summary="Get one or multiple random elements from a sorted set",
    ),
    Command(
        "ZRANGE", -4, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="1.2.0",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
            "returned."
        ),
        summary="Return a range of members in a sorted set",
    ),
    Command(
        "ZRANGEBYLEX", -4, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="2.8.9",
        deprecated="6.2.0", replaced_by="`ZRANGE` with the `BYLEX` argument",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
            " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can "
            "consider it O(log(N))."
        ),
        summary="Return a range of members in a sorted set, by lexicographical range",
    ),
    Command(
        "ZRANGEBYSCORE", -4, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="1.0.5",
        deprecated="6.2.0", replaced_by="`ZRANGE` with the `BYSCORE` argument",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
            " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can "
            "consider it O(log(N))."
        ),
        summary="Return a range of members in a sorted set, by score",
    ),
    Command(
        "ZRANGESTORE", -5, F.WRITE | F.DENYOOM, Range(1, 2), access="OW UPDATE, RO ACCESS", group="sorted-set",
        since="6.2.0",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
            "stored into the destination key."
        ),
        summary="Store a range of members from sorted set into another key",
    ),
    Command(
        "ZRANK", -3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="sorted-set", since="2.0.0",
        complexity="O(log(N))", summary="Determine the index of a member in a sorted set",
    ),
    Command(
        "ZREM", -3, F.WRITE | F.FAST, FIRST, access="RW DELETE", group="sorted-set", since="1.2.0",
        complexity=(
            "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be"
            " removed."
        ),
        summary="Remove one or more members from a sorted set",
    ),
    Command(
        "ZREMRANGEBYLEX", 4, F.WRITE, FIRST, access="RW DELETE", group="sorted-set", since="2.8.9",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
            "removed by the operation."
        ),
        summary="Remove all members in a sorted set between the given lexicographical range",
    ),
    Command(
        "ZREMRANGEBYRANK", 4, F.WRITE, FIRST, access="RW DELETE", group="sorted-set", since="2.0.0",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
            "removed by the operation."
        ),
        summary="Remove all members in a sorted set within the given indexes",
    ),
    Command(
        "ZREMRANGEBYSCORE", 4, F.WRITE, FIRST, access="RW DELETE", group="sorted-set", since="1.2.0",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
            "removed by the operation."
        ),
        summary="Remove all members in a sorted set within the given scores",
    ),
    Command(
        "ZREVRANGE", -4, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="1.2.0",
        deprecated="6.2.0", replaced_by="`ZRANGE` with the `REV` argument",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
            "returned."
        ),
        summary="Return a range of members in a sorted set, by index, with scores ordered from high to low",
    ),
    Command(
        "ZREVRANGEBYLEX", -4, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="2.8.9",
        deprecated="6.2.0", replaced_by="`ZRANGE` with the `REV` and `BYLEX` arguments",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
            " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can "
            "consider it O(log(N))."
        ),
        summary=(
            "Return a range of members in a sorted set, by lexicographical range, ordered from higher to lower "
            "strings."
        ),

    ),
    Command(
        "ZREVRANGEBYSCORE", -4, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="2.2.0",
        deprecated="6.2.0", replaced_by="`ZRANGE` with the `REV` and `BYSCORE` arguments",
        complexity=(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
            " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can "
            "consider it O(log(N))."
        ),
        summary="Return a range of members in a sorted set, by score, with scores ordered from high to low",
    ),
    Command(
        "ZREVRANK", -3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="sorted-set", since="2.0.0",
        complexity="O(log(N))",
        summary="Determine the index of a member in a sorted set, with scores ordered from high to low",
    ),
    Command(
        "ZSCAN", -3, F.READONLY, FIRST, access="RO ACCESS", group="sorted-set", since="2.8.0",
        tips=("nondeterministic_output",),
        complexity=(
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to"
            " return back to 0. N is the number of elements inside the collection.."
        ),
        summary="Incrementally iterate sorted sets elements and associated scores",
    ),
    Command(
        "ZSCORE", 3, F.READONLY | F.FAST, FIRST, access="RO ACCESS", group="sorted-set", since="1.2.0",
        summary="Get the score associated with the given member in a sorted set",
    ),
    Command(
        "ZUNION", -3, F.READONLY | F.MOVABLEKEYS, NumKeys(1), access="RO ACCESS", group="sorted-set", since="6.2.0",
        complexity=(
            "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number "
            "of elements in the resulting sorted set."
        ),
        summary="Add multiple sorted sets",
    ),
    Command(
        "ZUNIONSTORE", -4, F.WRITE | F.DENYOOM | F.MOVABLEKEYS, NumKeys(2, also=(1,)), access="OW UPDATE, RO ACCESS",
        group="sorted-set", since="2.0.0",
        complexity=(
            "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number "
            "of elements in the resulting sorted set."
        ),
        summary="Add multiple sorted sets and store the resulting sorted set in a new key",
    ),
]
