"""Rows of the commands that observe and steer the server."""

from cluster.command_table.model import FIRST, At, Command, Effect, F, Merge, Spread

ROWS = [
    Command(
        "BGREWRITEAOF", 1, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING, at=At.ROUTER, group="server",
        summary="Asynchronously rewrite the append-only file",
    ),
    Command(
        "BGSAVE", -1, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING, at=At.ROUTER, group="server",
        summary="Asynchronously save the dataset to disk",
    ),
    Command(
        "COMMAND", -1, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.8.13", acl=("connection",),
        container=True, tips=("nondeterministic_output_order",),
        complexity="O(N) where N is the total number of Redis commands",
        summary="Get array of Redis command details",
    ),
    Command(
        "COMMAND|COUNT", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.8.13", acl=("connection",),
        summary="Get total number of Redis commands",
    ),
    Command(
        "COMMAND|DOCS", -2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="7.0.0", acl=("connection",),
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the number of commands to look up",
        summary="Get array of specific Redis command documentation",
    ),
    Command(
        "COMMAND|GETKEYS", -4, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.8.13",
        acl=("connection",), complexity="O(N) where N is the number of arguments to the command",
        summary="Extract keys given a full Redis command",
    ),
    Command(
        "COMMAND|GETKEYSANDFLAGS", -4, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="7.0.0",
        acl=("connection",), complexity="O(N) where N is the number of arguments to the command",
        summary="Extract keys and access flags given a full Redis command",
    ),
    Command(
        "COMMAND|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="5.0.0", acl=("connection",),
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "COMMAND|INFO", -2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.8.13", acl=("connection",),
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the number of commands to look up",
        summary="Get array of specific Redis command details, or all when no argument is given.",
    ),
    Command(
        "COMMAND|LIST", -2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="7.0.0", acl=("connection",),
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the total number of Redis commands",
        summary="Get an array of Redis command names",
    ),
    Command(
        "DBSIZE", 1, F.READONLY | F.FAST, spread=Spread.ALL, merge=Merge.SUM, group="server", acl=("keyspace",),
        tips=("request_policy:all_shards", "response_policy:agg_sum"),
        summary="Return the number of keys in the selected database",
    ),
    Command(
        "FAILOVER", -1, F.ADMIN | F.NOSCRIPT | F.STALE, at=At.ROUTER, group="server", since="6.2.0",
        summary="Start a coordinated failover between this server and one of its replicas.",
    ),
    Command(
        "FLUSHALL", -1, F.WRITE, spread=Spread.ALL, merge=Merge.ALL_OK, group="server",
        acl=("keyspace", "dangerous"), tips=("request_policy:all_shards", "response_policy:all_succeeded"),
        complexity="O(N) where N is the total number of keys in all databases",
        summary="Remove all keys from all databases",
    ),
    Command(
        "FLUSHDB", -1, F.WRITE, spread=Spread.ALL, merge=Merge.ALL_OK, group="server", acl=("keyspace", "dangerous"),
        tips=("request_policy:all_shards", "response_policy:all_succeeded"),
        complexity="O(N) where N is the number of keys in the selected database",
        summary="Remove all keys from the current database",
    ),
    Command(
        "INFO", -1, F.LOADING | F.STALE, at=At.ROUTER, group="server", acl=("dangerous",),
        tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
        summary="Get information and statistics about the server",
    ),
    Command(
        "LASTSAVE", 1, F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="server", acl=("admin", "dangerous"),
        tips=("nondeterministic_output",), summary="Get the UNIX time stamp of the last successful save to disk",
    ),
    Command(
        "LOLWUT", -1, F.READONLY | F.FAST, at=At.ROUTER, group="server", since="5.0.0", complexity="",
        summary="Display some computer art and the Redis version",
    ),
    Command(
        "MONITOR", 1, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", complexity="",
        summary="Listen for all requests received by the server in real time",
    ),
    Command(
        "PSYNC", -3, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING | F.NO_MULTI, at=At.ROUTER, group="server",
        since="2.8.0", complexity="", summary="Internal command used for replication",
    ),
    Command(
        "REPLCONF", -1, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE | F.ALLOW_BUSY, at=At.ROUTER, group="server",
        since="3.0.0", summary="An internal command for configuring the replication stream",
    ),
    Command(
        "REPLICAOF", 3, F.ADMIN | F.NOSCRIPT | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="server",
        since="5.0.0", summary="Make the server a replica of another instance, or promote it as master.",
    ),
    Command(
        "RESTORE-ASKING", -4, F.WRITE | F.DENYOOM | F.ASKING, FIRST, access="OW UPDATE", effect=Effect.REWRITTEN,
        group="server", since="3.0.0", acl=("keyspace", "dangerous"),
        complexity=(
            "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the"
            " number of Redis objects composing the value and M their average size. For small string values the "
            "time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values "
            "the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N))."
        ),
        summary="An internal command for migrating keys in a cluster",
    ),
    Command(
        "ROLE", 1, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="server", since="2.8.12",
        acl=("admin", "dangerous"), summary="Return the role of the instance in the context of replication",
    ),
    Command(
        "SAVE", 1, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING | F.NO_MULTI, at=At.ROUTER, group="server",
        complexity="O(N) where N is the total number of keys in all databases",
        summary="Synchronously save the dataset to disk",
    ),
    Command(
        "SHUTDOWN", -1, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE | F.NO_MULTI | F.ALLOW_BUSY, at=At.ROUTER,
        group="server",
        complexity=(
            "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise "
            "O(1)"
        ),
        summary="Synchronously save the dataset to disk and then shut down the server",
    ),
    Command(
        "SLAVEOF", 3, F.ADMIN | F.NOSCRIPT | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="server",
        deprecated="5.0.0", replaced_by="`REPLICAOF`",
        summary="Make the server a replica of another instance, or promote it as master.",
    ),
    Command(
        "SWAPDB", 3, F.WRITE | F.FAST, at=At.ROUTER, spread=Spread.ALL, group="server", since="4.0.0", acl=("keyspace", "dangerous"),
        complexity="O(N) where N is the count of clients watching or blocking on keys from both databases.",
        summary="Swaps two Redis databases",
    ),
    Command(
        "SYNC", 1, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING | F.NO_MULTI, at=At.ROUTER, group="server",
        complexity="", summary="Internal command used for replication",
    ),
    Command(
        "TIME", 1, F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="server", since="2.6.0",
        tips=("nondeterministic_output",), summary="Return the current server time",
    ),
]
