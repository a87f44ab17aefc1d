"""Rows of the commands on lists."""

from cluster.command_table.model import FIRST, Command, Effect, F, NumKeys, Range

ROWS = [
    Command(
        "BLMOVE", 6, F.WRITE | F.DENYOOM | F.NOSCRIPT | F.BLOCKING, Range(1, 2),
        access="RW ACCESS DELETE, RW INSERT", effect=Effect.REWRITTEN, group="list", since="6.2.0",
        summary="Pop an element from a list, push it to another list and return it; or block until one is available",
    ),
    Command(
        "BLMPOP", -5, F.WRITE | F.BLOCKING | F.MOVABLEKEYS, NumKeys(2), access="RW ACCESS DELETE",
        effect=Effect.REWRITTEN, group="list", since="7.0.0",
        complexity="O(N+M) where N is the number of provided keys and M is the number of elements returned.",
        summary="Pop elements from a list, or block until one is available",
    ),
    Command(
        "BLPOP", -3, F.WRITE | F.NOSCRIPT | F.BLOCKING, Range(1, -2), access="RW ACCESS DELETE",
        effect=Effect.REWRITTEN, group="list", since="2.0.0",
        complexity="O(N) where N is the number of provided keys.",
        summary="Remove and get the first element in a list, or block until one is available",
    ),
    Command(
        "BRPOP", -3, F.WRITE | F.NOSCRIPT | F.BLOCKING, Range(1, -2), access="RW ACCESS DELETE",
        effect=Effect.REWRITTEN, group="list", since="2.0.0",
        complexity="O(N) where N is the number of provided keys.",
        summary="Remove and get the last element in a list, or block until one is available",
    ),
    Command(
        "BRPOPLPUSH", 4, F.WRITE | F.DENYOOM | F.NOSCRIPT | F.BLOCKING, Range(1, 2),
        access="RW ACCESS DELETE, RW INSERT", effect=Effect.REWRITTEN, group="list", since="2.2.0",
        deprecated="6.2.0", replaced_by="`BLMOVE` with the `RIGHT` and `LEFT` arguments",
        summary="Pop an element from a list, push it to another list and return it; or block until one is available",
    ),
    Command(
        "LINDEX", 3, F.READONLY, FIRST, access="RO ACCESS", group="list",
        complexity=(
            "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking"
            " for the first or the last element of the list O(1)."
        ),
        summary="Get an element from a list by its index",
    ),
    Command(
        "LINSERT", 5, F.WRITE | F.DENYOOM, FIRST, access="RW INSERT", group="list", since="2.2.0",
        complexity=(
            "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that "
            "inserting somewhere on the left end on the list (head) can be considered O(1) and inserting "
            "somewhere on the right end (tail) is O(N)."
        ),
        summary="Insert an element before or after another element in a list",
    ),
    Command("LLEN", 2, F.READONLY | F.FAST, FIRST, access="RO", group="list", summary="Get the length of a list"),
    Command(
        "LMOVE", 5, F.WRITE | F.DENYOOM, Range(1, 2), access="RW ACCESS DELETE, RW INSERT", group="list",
        since="6.2.0", summary="Pop an element from a list, push it to another list and return it",
    ),
    Command(
        "LMPOP", -4, F.WRITE | F.MOVABLEKEYS, NumKeys(1), access="RW ACCESS DELETE", effect=Effect.REWRITTEN,
        group="list", since="7.0.0",
        complexity="O(N+M) where N is the number of provided keys and M is the number of elements returned.",
        summary="Pop elements from a list",
    ),
    Command(
        "LPOP", -2, F.WRITE | F.FAST, FIRST, access="RW ACCESS DELETE", group="list",
        complexity="O(N) where N is the number of elements returned",
        summary="Remove and get the first elements in a list",
    ),
    Command(
        "LPOS", -3, F.READONLY, FIRST, access="RO ACCESS", group="list", since="6.0.6",
        complexity=(
            "O(N) where N is the number of elements in the list, for the average case. When searching for "
            "elements near the head or the tail of the list, or when the MAXLEN option is provided, the command "
            "may run in constant time."
        ),
        summary="Return the index of matching elements on a list",
    ),
    Command(
        "LPUSH", -3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="list",
        complexity=(
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple "
            "arguments."
        ),
        summary="Prepend one or multiple elements to a list",
    ),
    Command(
        "LPUSHX", -3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="list", since="2.2.0",
        complexity=(
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple "
            "arguments."
        ),
        summary="Prepend an element to a list, only if the list exists",
    ),
    Command(
        "LRANGE", 4, F.READONLY, FIRST, access="RO ACCESS", group="list",
        complexity=(
            "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or "
            "TAIL) for large lists; and N is the number of elements in the specified range."
        ),
        summary="Get a range of elements from a list",
    ),
    Command(
        "LREM", 4, F.WRITE, FIRST, access="RW DELETE", group="list",
        complexity="O(N+M) where N is the length of the list and M is the number of elements removed.",
        summary="Remove elements from a list",
    ),
    Command(
        "LSET", 4, F.WRITE | F.DENYOOM, FIRST, access="RW UPDATE", group="list",
        complexity=(
            "O(N) where N is the length of the list. Setting either the first or the last element of the list is "
            "O(1)."
        ),
        summary="Set the value of an element in a list by its index",
    ),
    Command(
        "LTRIM", 4, F.WRITE, FIRST, access="RW DELETE", group="list",
        complexity="O(N) where N is the number of elements to be removed by the operation.",
        summary="Trim a list to the specified range",
    ),
    Command(
        "RPOP", -2, F.WRITE | F.FAST, FIRST, access="RW ACCESS DELETE", group="list",
        complexity="O(N) where N is the number of elements returned",
        summary="Remove and get the last elements in a list",
    ),
    Command(
        "RPOPLPUSH", 3, F.WRITE | F.DENYOOM, Range(1, 2), access="RW ACCESS DELETE, RW INSERT", group="list",
        since="1.2.0", deprecated="6.2.0", replaced_by="`LMOVE` with the `RIGHT` and `LEFT` arguments",
        summary="Remove the last element in a list, prepend it to another list and return it",
    ),
    Command(
        "RPUSH", -3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="list",
        complexity=(
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple "
            "arguments."
        ),
        summary="Append one or multiple elements to a list",
    ),
    Command(
        "RPUSHX", -3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW INSERT", group="list", since="2.2.0",
        complexity=(
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple "
            "arguments."
        ),
        summary="Append an element to a list, only if the list exists",
    ),
]
