"""Rows of the commands that run scripts and functions."""

from cluster.command_table.model import At, Command, Effect, F, Merge, NumKeys, Spread

ROWS = [
    Command(
        "EVAL", -3, F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS, NumKeys(2),
        access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="scripting", since="2.6.0",
        complexity="Depends on the script that is executed.", summary="Execute a Lua script server side",
    ),
    Command(
        "EVALSHA", -3, F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS, NumKeys(2),
        access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="scripting", since="2.6.0",
        complexity="Depends on the script that is executed.", summary="Execute a Lua script server side",
    ),
    Command(
        "EVALSHA_RO", -3, F.READONLY | F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS,
        NumKeys(2), access="RO ACCESS", group="scripting", since="7.0.0",
        complexity="Depends on the script that is executed.", summary="Execute a read-only Lua script server side",
    ),
    Command(
        "EVAL_RO", -3, F.READONLY | F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS,
        NumKeys(2), access="RO ACCESS", group="scripting", since="7.0.0",
        complexity="Depends on the script that is executed.", summary="Execute a read-only Lua script server side",
    ),
    Command(
        "FCALL", -3, F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS, NumKeys(2),
        access="RW ACCESS UPDATE", effect=Effect.REWRITTEN, group="scripting", since="7.0.0",
        complexity="Depends on the function that is executed.", summary="Invoke a function",
    ),
    Command(
        "FCALL_RO", -3, F.READONLY | F.NOSCRIPT | F.STALE | F.SKIP_MONITOR | F.NO_MANDATORY_KEYS | F.MOVABLEKEYS,
        NumKeys(2), access="RO ACCESS", group="scripting", since="7.0.0",
        complexity="Depends on the function that is executed.", summary="Invoke a read-only function",
    ),
    Command(
        "FUNCTION", -2, at=At.ROUTER, group="scripting", since="7.0.0", acl=(), container=True,
        complexity="Depends on subcommand.", summary="A container for function commands",
    ),
    Command(
        "FUNCTION|DELETE", 3, F.WRITE | F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="7.0.0",
        tips=("request_policy:all_shards", "response_policy:all_succeeded"), summary="Delete a function by name",
    ),
    Command(
        "FUNCTION|DUMP", 2, F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="7.0.0",
        complexity="O(N) where N is the number of functions",
        summary="Dump all functions into a serialized binary payload",
    ),
    Command(
        "FUNCTION|FLUSH", -2, F.WRITE | F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="7.0.0",
        tips=("request_policy:all_shards", "response_policy:all_succeeded"),
        complexity="O(N) where N is the number of functions deleted", summary="Deleting all functions",
    ),
    Command(
        "FUNCTION|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="scripting", since="7.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "FUNCTION|KILL", 2, F.NOSCRIPT | F.ALLOW_BUSY, at=At.ROUTER, group="scripting", since="7.0.0",
        tips=("request_policy:all_shards", "response_policy:one_succeeded"),
        summary="Kill the function currently in execution.",
    ),
    Command(
        "FUNCTION|LIST", -2, F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="7.0.0",
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the number of functions",
        summary="List information about all the functions",
    ),
    Command(
        "FUNCTION|LOAD", -3, F.WRITE | F.DENYOOM | F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="7.0.0",
        tips=("request_policy:all_shards", "response_policy:all_succeeded"),
        complexity="O(1) (considering compilation time is redundant)",
        summary="Create a function with the given arguments (name, code, description)",
    ),
    Command(
        "FUNCTION|RESTORE", -3, F.WRITE | F.DENYOOM | F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="7.0.0",
        tips=("request_policy:all_shards", "response_policy:all_succeeded"),
        complexity="O(N) where N is the number of functions on the payload",
        summary="Restore all the functions on the given payload",
    ),
    Command(
        "FUNCTION|STATS", 2, F.NOSCRIPT | F.ALLOW_BUSY, at=At.ROUTER, group="scripting", since="7.0.0",
        tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
        summary="Return information about the function currently running (name, description, duration)",
    ),
    Command(
        "SCRIPT", -2, at=At.ROUTER, group="scripting", since="2.6.0", acl=(), container=True,
        complexity="Depends on subcommand.", summary="A container for Lua scripts management commands",
    ),
    Command(
        "SCRIPT|DEBUG", 3, F.NOSCRIPT, at=At.ROUTER, group="scripting", since="3.2.0",
        summary="Set the debug mode for executed scripts.",
    ),
    Command(
        "SCRIPT|EXISTS", -3, F.NOSCRIPT, spread=Spread.ALL, merge=Merge.CUSTOM, group="scripting", since="2.6.0",
        tips=("request_policy:all_shards", "response_policy:agg_logical_and"),
        complexity=(
            "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation)."
        ),
        summary="Check existence of scripts in the script cache.",
    ),
    Command(
        "SCRIPT|FLUSH", -2, F.NOSCRIPT, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="2.6.0",
        tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
        complexity="O(N) with N being the number of scripts in cache",
        summary="Remove all the scripts from the script cache.",
    ),
    Command(
        "SCRIPT|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="scripting", since="5.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "SCRIPT|KILL", 2, F.NOSCRIPT | F.ALLOW_BUSY, at=At.ROUTER, group="scripting", since="2.6.0",
        tips=("request_policy:all_shards", "response_policy:one_succeeded"),
        summary="Kill the script currently in execution.",
    ),
    Command(
        "SCRIPT|LOAD", 3, F.NOSCRIPT | F.STALE, spread=Spread.ALL, merge=Merge.ALL_OK, group="scripting", since="2.6.0",
        tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
        complexity="O(N) with N being the length in bytes of the script body.",
        summary="Load the specified Lua script into the script cache.",
    ),
]
