"""Rows of the commands that work on keys of any type."""

from cluster.command_table.custom_keys import MIGRATE, SORT, SORT_RO
from cluster.command_table.model import (
    EACH,
    FIRST,
    SECOND,
    At,
    Command,
    Effect,
    F,
    Merge,
    Range,
    Spread,
)

ROWS = [
    Command(
        "COPY", -3, F.WRITE | F.DENYOOM, Range(1, 2), access="RO ACCESS, OW UPDATE", since="6.2.0",
        complexity="O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
        summary="Copy a key",
    ),
    Command(
        "DEL", -2, F.WRITE, EACH, access="RM DELETE", spread=Spread.SPLIT, merge=Merge.SUM,
        tips=("request_policy:multi_shard", "response_policy:agg_sum"),
        complexity=(
            "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other "
            "than a string, the individual complexity for this key is O(M) where M is the number of elements in "
            "the list, set, sorted set or hash. Removing a single key that holds a string value is O(1)."
        ),
        summary="Delete a key",
    ),
    Command(
        "DUMP", 2, F.READONLY, FIRST, access="RO ACCESS", since="2.6.0", tips=("nondeterministic_output",),
        complexity=(
            "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects"
            " composing the value and M their average size. For small string values the time complexity is thus "
            "O(1)+O(1*M) where M is small, so simply O(1)."
        ),
        summary="Return a serialized version of the value stored at the specified key.",
    ),
    Command(
        "EXISTS", -2, F.READONLY | F.FAST, EACH, access="RO", spread=Spread.SPLIT, merge=Merge.SUM,
        tips=("request_policy:multi_shard", "response_policy:agg_sum"),
        complexity="O(N) where N is the number of keys to check.", summary="Determine if a key exists",
    ),
    Command(
        "EXPIRE", -3, F.WRITE | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN,
        summary="Set a key's time to live in seconds",
    ),
    Command(
        "EXPIREAT", -3, F.WRITE | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN, since="1.2.0",
        summary="Set the expiration for a key as a UNIX timestamp",
    ),
    Command(
        "EXPIRETIME", 2, F.READONLY | F.FAST, FIRST, access="RO ACCESS", since="7.0.0",
        summary="Get the expiration Unix timestamp for a key",
    ),
    Command(
        "KEYS", 2, F.READONLY, spread=Spread.ALL, merge=Merge.CONCAT, acl=("keyspace", "dangerous"),
        tips=("request_policy:all_shards", "nondeterministic_output_order"),
        complexity=(
            "O(N) with N being the number of keys in the database, under the assumption that the key names in the"
            " database and the given pattern have limited length."
        ),
        summary="Find all keys matching the given pattern",
    ),
    Command(
        "MIGRATE", -6, F.WRITE | F.MOVABLEKEYS, MIGRATE, at=At.ROUTER,
        access="RW ACCESS DELETE, RW ACCESS DELETE INCOMPLETE",
        effect=Effect.REWRITTEN, since="2.6.0", acl=("keyspace", "dangerous"), tips=("nondeterministic_output",),
        complexity=(
            "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target "
            "instance. See the pages of these commands for time complexity. Also an O(N) data transfer between "
            "the two instances is performed."
        ),
        summary="Atomically transfer a key from a Redis instance to another one.",
    ),
    Command("MOVE", 3, F.WRITE | F.FAST, FIRST, access="RW ACCESS UPDATE", summary="Move a key to another database"),
    Command(
        "OBJECT", -2, since="2.2.3", acl=(), container=True, complexity="Depends on subcommand.",
        summary="A container for object introspection commands",
    ),
    Command(
        "OBJECT|ENCODING", 3, F.READONLY, SECOND, access="RO", since="2.2.3", tips=("nondeterministic_output",),
        summary="Inspect the internal encoding of a Redis object",
    ),
    Command(
        "OBJECT|FREQ", 3, F.READONLY, SECOND, access="RO", since="4.0.0", tips=("nondeterministic_output",),
        summary="Get the logarithmic access frequency counter of a Redis object",
    ),
    Command(
        "OBJECT|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, since="6.2.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "OBJECT|IDLETIME", 3, F.READONLY, SECOND, access="RO", since="2.2.3", tips=("nondeterministic_output",),
        summary="Get the time since a Redis object was last accessed",
    ),
    Command(
        "OBJECT|REFCOUNT", 3, F.READONLY, SECOND, access="RO", since="2.2.3", tips=("nondeterministic_output",),
        summary="Get the number of references to the value of the key",
    ),
    Command(
        "PERSIST", 2, F.WRITE | F.FAST, FIRST, access="RW UPDATE", since="2.2.0",
        summary="Remove the expiration from a key",
    ),
    Command(
        "PEXPIRE", -3, F.WRITE | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN, since="2.6.0",
        summary="Set a key's time to live in milliseconds",
    ),
    Command(
        "PEXPIREAT", -3, F.WRITE | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN, since="2.6.0",
        summary="Set the expiration for a key as a UNIX timestamp specified in milliseconds",
    ),
    Command(
        "PEXPIRETIME", 2, F.READONLY | F.FAST, FIRST, access="RO ACCESS", since="7.0.0",
        summary="Get the expiration Unix timestamp for a key in milliseconds",
    ),
    Command(
        "PTTL", 2, F.READONLY | F.FAST, FIRST, access="RO ACCESS", since="2.6.0", tips=("nondeterministic_output",),
        summary="Get the time to live for a key in milliseconds",
    ),
    Command(
        "RANDOMKEY", 1, F.READONLY, at=At.ROUTER, spread=Spread.ALL, tips=("request_policy:all_shards", "nondeterministic_output"),
        summary="Return a random key from the keyspace",
    ),
    Command("RENAME", 3, F.WRITE, Range(1, 2), access="RW ACCESS DELETE, OW UPDATE", summary="Rename a key"),
    Command(
        "RENAMENX", 3, F.WRITE | F.FAST, Range(1, 2), access="RW ACCESS DELETE, OW INSERT",
        summary="Rename a key, only if the new key does not exist",
    ),
    Command(
        "RESTORE", -4, F.WRITE | F.DENYOOM, FIRST, access="OW UPDATE", effect=Effect.REWRITTEN, since="2.6.0",
        acl=("keyspace", "dangerous"),
        complexity=(
            "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the"
            " number of Redis objects composing the value and M their average size. For small string values the "
            "time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values "
            "the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N))."
        ),
        summary="Create a key using the provided serialized value, previously obtained using DUMP.",
    ),
    Command(
        "SCAN", -2, F.READONLY, at=At.ROUTER, spread=Spread.ALL, since="2.8.0",
        tips=("nondeterministic_output", "request_policy:special"),
        complexity=(
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to"
            " return back to 0. N is the number of elements inside the collection."
        ),
        summary="Incrementally iterate the keys space",
    ),
    Command(
        "SORT", -2, F.WRITE | F.DENYOOM | F.MOVABLEKEYS, SORT, access="RO ACCESS, RO ACCESS, OW UPDATE",
        acl=("set", "sortedset", "list", "dangerous"),
        complexity=(
            "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of "
            "returned elements. When the elements are not sorted, complexity is O(N)."
        ),
        summary="Sort the elements in a list, set or sorted set",
    ),
    Command(
        "SORT_RO", -2, F.READONLY | F.MOVABLEKEYS, SORT_RO, access="RO ACCESS, RO ACCESS", since="7.0.0",
        acl=("set", "sortedset", "list", "dangerous"),
        complexity=(
            "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of "
            "returned elements. When the elements are not sorted, complexity is O(N)."
        ),
        summary="Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
    ),
    Command(
        "TOUCH", -2, F.READONLY | F.FAST, EACH, access="RO", spread=Spread.SPLIT, merge=Merge.SUM, since="3.2.1",
        tips=("request_policy:multi_shard", "response_policy:agg_sum"),
        complexity="O(N) where N is the number of keys that will be touched.",
        summary="Alters the last access time of a key(s). Returns the number of existing keys specified.",
    ),
    Command(
        "TTL", 2, F.READONLY | F.FAST, FIRST, access="RO ACCESS", tips=("nondeterministic_output",),
        summary="Get the time to live for a key in seconds",
    ),
    Command("TYPE", 2, F.READONLY | F.FAST, FIRST, access="RO", summary="Determine the type stored at key"),
    Command(
        "UNLINK", -2, F.WRITE | F.FAST, EACH, access="RM DELETE", spread=Spread.SPLIT, merge=Merge.SUM,
        since="4.0.0", tips=("request_policy:multi_shard", "response_policy:agg_sum"),
        complexity=(
            "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different "
            "thread in order to reclaim memory, where N is the number of allocations the deleted objects where "
            "composed of."
        ),
        summary="Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.",
    ),
    Command(
        "WAIT", 3, F.NOSCRIPT, at=At.ROUTER, since="3.0.0", acl=("connection",),
        tips=("request_policy:all_shards", "response_policy:agg_min"),
        summary=(
            "Wait for the synchronous replication of all the write commands sent in the context of the current "
            "connection"
        ),

    ),
    Command(
        "WAITAOF", 4, F.NOSCRIPT | F.BLOCKING, at=At.ROUTER, since="7.2.0", acl=("connection",),
        tips=("request_policy:all_shards", "response_policy:agg_min"),
        summary=(
            "Blocks until all of the preceding write commands sent by the connection are written to the append-"
            "only file of the primary and/or replicas"
        ),

    ),
]
