"""Rows of the commands of publish and subscribe."""

from cluster.command_table.model import EACH, FIRST, At, Command, F

ROWS = [
    Command(
        "PSUBSCRIBE", -2, F.PUBSUB | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="2.0.0",
        complexity="O(N) where N is the number of patterns the client is already subscribed to.",
        summary="Listen for messages published to channels matching the given patterns",
    ),
    Command(
        "PUBLISH", 3, F.PUBSUB | F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="pubsub", since="2.0.0",
        complexity=(
            "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total "
            "number of subscribed patterns (by any client)."
        ),
        summary="Post a message to a channel",
    ),
    Command(
        "PUBSUB", -2, at=At.ROUTER, group="pubsub", since="2.8.0", acl=(), container=True,
        complexity="Depends on subcommand.", summary="A container for Pub/Sub commands",
    ),
    Command(
        "PUBSUB|CHANNELS", -2, F.PUBSUB | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="2.8.0",
        complexity=(
            "O(N) where N is the number of active channels, and assuming constant time pattern matching "
            "(relatively short channels and patterns)"
        ),
        summary="List active channels",
    ),
    Command(
        "PUBSUB|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="6.2.0", acl=(),
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "PUBSUB|NUMPAT", 2, F.PUBSUB | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="2.8.0",
        summary="Get the count of unique patterns pattern subscriptions",
    ),
    Command(
        "PUBSUB|NUMSUB", -2, F.PUBSUB | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="2.8.0",
        complexity="O(N) for the NUMSUB subcommand, where N is the number of requested channels",
        summary="Get the count of subscribers for channels",
    ),
    Command(
        "PUBSUB|SHARDCHANNELS", -2, F.PUBSUB | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="7.0.0",
        complexity=(
            "O(N) where N is the number of active shard channels, and assuming constant time pattern matching "
            "(relatively short shard channels)."
        ),
        summary="List active shard channels",
    ),
    Command(
        "PUBSUB|SHARDNUMSUB", -2, F.PUBSUB | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="7.0.0",
        complexity="O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
        summary="Get the count of subscribers for shard channels",
    ),
    Command(
        "PUNSUBSCRIBE", -1, F.PUBSUB | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="2.0.0",
        complexity=(
            "O(N+M) where N is the number of patterns the client is already subscribed and M is the number of "
            "total patterns subscribed in the system (by any client)."
        ),
        summary="Stop listening for messages posted to channels matching the given patterns",
    ),
    Command(
        "SPUBLISH", 3, F.PUBSUB | F.LOADING | F.STALE | F.FAST, FIRST, access="NOT_KEY", at=At.ROUTER,
        group="pubsub", since="7.0.0",
        complexity="O(N) where N is the number of clients subscribed to the receiving shard channel.",
        summary="Post a message to a shard channel",
    ),
    Command(
        "SSUBSCRIBE", -2, F.PUBSUB | F.NOSCRIPT | F.LOADING | F.STALE, EACH, access="NOT_KEY", at=At.ROUTER,
        group="pubsub", since="7.0.0", complexity="O(N) where N is the number of shard channels to subscribe to.",
        summary="Listen for messages published to the given shard channels",
    ),
    Command(
        "SUBSCRIBE", -2, F.PUBSUB | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="2.0.0",
        complexity="O(N) where N is the number of channels to subscribe to.",
        summary="Listen for messages published to the given channels",
    ),
    Command(
        "SUNSUBSCRIBE", -1, F.PUBSUB | F.NOSCRIPT | F.LOADING | F.STALE, EACH, access="NOT_KEY", at=At.ROUTER,
        group="pubsub", since="7.0.0",
        complexity="O(N) where N is the number of clients already subscribed to a shard channel.",
        summary="Stop listening for messages posted to the given shard channels",
    ),
    Command(
        "UNSUBSCRIBE", -1, F.PUBSUB | F.NOSCRIPT | F.LOADING | F.STALE, at=At.ROUTER, group="pubsub", since="2.0.0",
        complexity="O(N) where N is the number of clients already subscribed to a channel.",
        summary="Stop listening for messages posted to the given channels",
    ),
]
