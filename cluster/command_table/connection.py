"""Rows of the commands on connections."""

from cluster.command_table.model import At, Command, F

ROWS = [
    Command(
        "AUTH", -2, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.NO_AUTH | F.ALLOW_BUSY, at=At.ROUTER,
        group="connection", complexity="O(N) where N is the number of passwords defined for the user",
        summary="Authenticate to the server",
    ),
    Command(
        "CLIENT", -2, at=At.ROUTER, group="connection", since="2.4.0", acl=(), container=True,
        complexity="Depends on subcommand.", summary="A container for client connection commands",
    ),
    Command(
        "CLIENT|CACHING", 3, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="6.0.0",
        summary="Instruct the server about tracking or not keys in the next request",
    ),
    Command(
        "CLIENT|GETNAME", 2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="2.6.9",
        summary="Get the current connection name",
    ),
    Command(
        "CLIENT|GETREDIR", 2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="6.0.0",
        summary="Get tracking notifications redirection client ID if any",
    ),
    Command(
        "CLIENT|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="5.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "CLIENT|ID", 2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="5.0.0",
        summary="Returns the client ID for the current connection",
    ),
    Command(
        "CLIENT|INFO", 2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="6.2.0",
        tips=("nondeterministic_output",), summary="Returns information about the current client connection.",
    ),
    Command(
        "CLIENT|KILL", -3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection",
        since="2.4.0", complexity="O(N) where N is the number of client connections",
        summary="Kill the connection of a client",
    ),
    Command(
        "CLIENT|LIST", -2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection",
        since="2.4.0", tips=("nondeterministic_output",),
        complexity="O(N) where N is the number of client connections", summary="Get the list of client connections",
    ),
    Command(
        "CLIENT|NO-EVICT", 3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection",
        since="7.0.0", summary="Set client eviction mode for the current connection",
    ),
    Command(
        "CLIENT|NO-TOUCH", 3, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="7.2.0",
        summary="Controls whether commands sent by the client affect the LRU/LFU of accessed keys",
    ),
    Command(
        "CLIENT|PAUSE", -3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection",
        since="2.9.50", summary="Stop processing commands from clients for some time",
    ),
    Command(
        "CLIENT|REPLY", 3, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="3.2.0",
        summary="Instruct the server whether to reply to commands",
    ),
    Command(
        "CLIENT|SETINFO", 4, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="7.2.0",
        summary="Sets information specific to the client or connection",
    ),
    Command(
        "CLIENT|SETNAME", 3, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="2.6.9",
        summary="Set the current connection name",
    ),
    Command(
        "CLIENT|TRACKING", -3, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="6.0.0",
        complexity="O(1). Some options may introduce additional complexity.",
        summary="Enable or disable server assisted client side caching support",
    ),
    Command(
        "CLIENT|TRACKINGINFO", 2, F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection", since="6.2.0",
        summary="Return information about server assisted client side caching for the current connection",
    ),
    Command(
        "CLIENT|UNBLOCK", -3, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection",
        since="5.0.0", complexity="O(log N) where N is the number of client connections",
        summary="Unblock a client blocked in a blocking command from a different connection",
    ),
    Command(
        "CLIENT|UNPAUSE", 2, F.ADMIN | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="connection",
        since="6.2.0", complexity="O(N) Where N is the number of paused clients",
        summary="Resume processing of clients that were paused",
    ),
    Command(
        "ECHO", 2, F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="connection", summary="Echo the given string",
    ),
    Command(
        "HELLO", -1, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.NO_AUTH | F.ALLOW_BUSY, at=At.ROUTER,
        group="connection", since="6.0.0", summary="Handshake with Redis",
    ),
    Command(
        "PING", -1, F.FAST, at=At.ROUTER, group="connection",
        tips=("request_policy:all_shards", "response_policy:all_succeeded"), summary="Ping the server",
    ),
    Command(
        "QUIT", -1, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.NO_AUTH | F.ALLOW_BUSY, at=At.ROUTER,
        group="connection", summary="Close the connection",
    ),
    Command(
        "RESET", 1, F.NOSCRIPT | F.LOADING | F.STALE | F.FAST | F.NO_AUTH | F.ALLOW_BUSY, at=At.ROUTER,
        group="connection", since="6.2.0", summary="Reset the connection",
    ),
    Command(
        "SELECT", 2, F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="connection",
        summary="Change the selected database for the current connection",
    ),
]
