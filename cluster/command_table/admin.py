"""Rows of the commands that administer the server: ACL, CONFIG, LATENCY, MEMORY, MODULE, SLOWLOG, DEBUG."""

from cluster.command_table.model import SECOND, At, Command, F

ROWS = [
    Command(
        "ACL", -2, at=At.ROUTER, group="server", since="6.0.0", container=True, complexity="Depends on subcommand.",
        summary="A container for Access List Control commands ",
    ),
    Command(
        "ACL|CAT", -2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(1) since the categories and commands are a fixed set.",
        summary="List the ACL categories or the commands inside a category",
    ),
    Command(
        "ACL|DELUSER", -3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(1) amortized time considering the typical user.",
        summary="Remove the specified ACL users and the associated rules",
    ),
    Command(
        "ACL|DRYRUN", -4, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="7.0.0",
        complexity="O(1).",
        summary="Returns whether the user can execute the given command without executing the command.",
    ),
    Command(
        "ACL|GENPASS", -2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        summary="Generate a pseudorandom secure password to use for ACL users",
    ),
    Command(
        "ACL|GETUSER", 3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(N). Where N is the number of password, command and pattern rules that the user has.",
        summary="Get the rules for a specific ACL user",
    ),
    Command(
        "ACL|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "ACL|LIST", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(N). Where N is the number of configured users.",
        summary="List the current ACL rules in ACL config file format",
    ),
    Command(
        "ACL|LOAD", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(N). Where N is the number of configured users.",
        summary="Reload the ACLs from the configured ACL file",
    ),
    Command(
        "ACL|LOG", -2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(N) with N being the number of entries shown.",
        summary="List latest events denied because of ACLs in place",
    ),
    Command(
        "ACL|SAVE", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(N). Where N is the number of configured users.",
        summary="Save the current ACL rules in the configured ACL file",
    ),
    Command(
        "ACL|SETUSER", -3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(N). Where N is the number of rules provided.",
        summary="Modify or create the rules for a specific ACL user",
    ),
    Command(
        "ACL|USERS", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        complexity="O(N). Where N is the number of configured users.",
        summary="List the username of all the configured ACL rules",
    ),
    Command(
        "ACL|WHOAMI", 2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.0.0",
        summary="Return the name of the user associated to the current connection",
    ),
    Command(
        "CONFIG", -2, at=At.ROUTER, group="server", since="2.0.0", container=True,
        complexity="Depends on subcommand.", summary="A container for server configuration commands",
    ),
    Command(
        "CONFIG|GET", -3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.0.0",
        complexity="O(N) when N is the number of configuration parameters provided",
        summary="Get the values of configuration parameters",
    ),
    Command(
        "CONFIG|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="5.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "CONFIG|RESETSTAT", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server",
        since="2.0.0", summary="Reset the stats returned by INFO",
    ),
    Command(
        "CONFIG|REWRITE", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.8.0",
        summary="Rewrite the configuration file with the in memory configuration",
    ),
    Command(
        "CONFIG|SET", -4, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.0.0",
        tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
        complexity="O(N) when N is the number of configuration parameters provided",
        summary="Set configuration parameters to the given values",
    ),
    Command(
        "DEBUG", -2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server",
        complexity="Depends on subcommand.", summary="A container for debugging commands",
    ),
    Command(
        "LATENCY", -2, at=At.ROUTER, group="server", since="2.8.13", container=True,
        complexity="Depends on subcommand.", summary="A container for latency diagnostics commands",
    ),
    Command(
        "LATENCY|DOCTOR", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server",
        since="2.8.13", tips=("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        summary="Return a human readable latency analysis report.",
    ),
    Command(
        "LATENCY|GRAPH", 3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.8.13",
        tips=("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        summary="Return a latency graph for the event.",
    ),
    Command(
        "LATENCY|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.8.13",
        summary="Show helpful text about the different subcommands.",
    ),
    Command(
        "LATENCY|HISTOGRAM", -2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server",
        since="7.0.0", tips=("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        complexity="O(N) where N is the number of commands with latency information being retrieved.",
        summary="Return the cumulative distribution of latencies of a subset of commands or all.",
    ),
    Command(
        "LATENCY|HISTORY", 3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server",
        since="2.8.13", tips=("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        summary="Return timestamp-latency samples for the event.",
    ),
    Command(
        "LATENCY|LATEST", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server",
        since="2.8.13", tips=("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        summary="Return the latest latency samples for all events.",
    ),
    Command(
        "LATENCY|RESET", -2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="server",
        since="2.8.13", tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
        summary="Reset latency data for one or more events.",
    ),
    Command(
        "MEMORY", -2, at=At.ROUTER, group="server", since="4.0.0", container=True,
        complexity="Depends on subcommand.", summary="A container for memory diagnostics commands",
    ),
    Command(
        "MEMORY|DOCTOR", 2, at=At.ROUTER, group="server", since="4.0.0",
        tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
        summary="Outputs memory problems report",
    ),
    Command(
        "MEMORY|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="4.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "MEMORY|MALLOC-STATS", 2, at=At.ROUTER, group="server", since="4.0.0",
        tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
        complexity="Depends on how much memory is allocated, could be slow", summary="Show allocator internal stats",
    ),
    Command(
        "MEMORY|PURGE", 2, at=At.ROUTER, group="server", since="4.0.0",
        tips=("request_policy:all_shards", "response_policy:all_succeeded"),
        complexity="Depends on how much memory is allocated, could be slow",
        summary="Ask the allocator to release memory",
    ),
    Command(
        "MEMORY|STATS", 2, at=At.ROUTER, group="server", since="4.0.0",
        tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
        summary="Show memory usage details",
    ),
    Command(
        "MEMORY|USAGE", -3, F.READONLY, SECOND, access="RO", group="server", since="4.0.0",
        complexity="O(N) where N is the number of samples.", summary="Estimate the memory usage of a key",
    ),
    Command(
        "MODULE", -2, at=At.ROUTER, group="server", since="4.0.0", container=True,
        complexity="Depends on subcommand.", summary="A container for module commands",
    ),
    Command(
        "MODULE|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="5.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "MODULE|LIST", 2, F.ADMIN | F.NOSCRIPT, at=At.ROUTER, group="server", since="4.0.0",
        tips=("nondeterministic_output_order",), complexity="O(N) where N is the number of loaded modules.",
        summary="List all modules loaded by the server",
    ),
    Command(
        "MODULE|LOAD", -3, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING, at=At.ROUTER, group="server", since="4.0.0",
        summary="Load a module",
    ),
    Command(
        "MODULE|LOADEX", -3, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING, at=At.ROUTER, group="server", since="7.0.0",
        summary="Load a module with extended parameters",
    ),
    Command(
        "MODULE|UNLOAD", 3, F.ADMIN | F.NOSCRIPT | F.NO_ASYNC_LOADING, at=At.ROUTER, group="server", since="4.0.0",
        summary="Unload a module",
    ),
    Command(
        "SLOWLOG", -2, at=At.ROUTER, group="server", since="2.2.12", container=True,
        complexity="Depends on subcommand.", summary="A container for slow log commands",
    ),
    Command(
        "SLOWLOG|GET", -2, F.ADMIN | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.2.12",
        tips=("request_policy:all_nodes", "nondeterministic_output"),
        complexity="O(N) where N is the number of entries returned", summary="Get the slow log's entries",
    ),
    Command(
        "SLOWLOG|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="server", since="6.2.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "SLOWLOG|LEN", 2, F.ADMIN | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.2.12",
        tips=("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
        summary="Get the slow log's length",
    ),
    Command(
        "SLOWLOG|RESET", 2, F.ADMIN | F.LOADING | F.STALE, at=At.ROUTER, group="server", since="2.2.12",
        tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
        complexity="O(N) where N is the number of entries in the slowlog",
        summary="Clear all entries from the slow log",
    ),
]
