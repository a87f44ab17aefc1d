"""Rows of the commands on streams."""

from cluster.command_table.model import FIRST, SECOND, At, Command, Effect, F, Keyword

ROWS = [
    Command(
        "XACK", -4, F.WRITE | F.FAST, FIRST, access="RW UPDATE", group="stream", since="5.0.0",
        complexity="O(1) for each message ID processed.",
        summary=(
            "Marks a pending message as correctly processed, effectively removing it from the pending entries "
            "list of the consumer group. Return value of the command is the number of messages successfully "
            "acknowledged, that is, the IDs we were actually able to resolve in the PEL."
        ),

    ),
    Command(
        "XADD", -5, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN, group="stream",
        since="5.0.0", tips=("nondeterministic_output",),
        complexity="O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.",
        summary="Appends a new entry to a stream",
    ),
    Command(
        "XAUTOCLAIM", -6, F.WRITE | F.FAST, FIRST, access="RW DELETE", effect=Effect.REWRITTEN, group="stream",
        since="6.2.0", tips=("nondeterministic_output",), complexity="O(1) if COUNT is small.",
        summary=(
            "Changes (or acquires) ownership of messages in a consumer group, as if the messages were delivered "
            "to the specified consumer."
        ),

    ),
    Command(
        "XCLAIM", -6, F.WRITE | F.FAST, FIRST, access="RW UPDATE", effect=Effect.REWRITTEN, group="stream",
        since="5.0.0", tips=("nondeterministic_output",),
        complexity="O(log N) with N being the number of messages in the PEL of the consumer group.",
        summary=(
            "Changes (or acquires) ownership of a message in a consumer group, as if the message was delivered to"
            " the specified consumer."
        ),

    ),
    Command(
        "XDEL", -3, F.WRITE | F.FAST, FIRST, access="RW DELETE", group="stream", since="5.0.0",
        complexity="O(1) for each single item to delete in the stream, regardless of the stream size.",
        summary=(
            "Removes the specified entries from the stream. Returns the number of items actually deleted, that "
            "may be different from the number of IDs passed in case certain IDs do not exist."
        ),

    ),
    Command(
        "XGROUP", -2, group="stream", since="5.0.0", acl=(), container=True, complexity="Depends on subcommand.",
        summary="A container for consumer groups commands",
    ),
    Command(
        "XGROUP|CREATE", -5, F.WRITE | F.DENYOOM, SECOND, access="RW INSERT", group="stream", since="5.0.0",
        summary="Create a consumer group.",
    ),
    Command(
        "XGROUP|CREATECONSUMER", 5, F.WRITE | F.DENYOOM, SECOND, access="RW INSERT", group="stream", since="6.2.0",
        summary="Create a consumer in a consumer group.",
    ),
    Command(
        "XGROUP|DELCONSUMER", 5, F.WRITE, SECOND, access="RW DELETE", group="stream", since="5.0.0",
        summary="Delete a consumer from a consumer group.",
    ),
    Command(
        "XGROUP|DESTROY", 4, F.WRITE, SECOND, access="RW DELETE", group="stream", since="5.0.0",
        complexity="O(N) where N is the number of entries in the group's pending entries list (PEL).",
        summary="Destroy a consumer group.",
    ),
    Command(
        "XGROUP|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="stream", since="5.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "XGROUP|SETID", -5, F.WRITE, SECOND, access="RW UPDATE", group="stream", since="5.0.0",
        summary="Set a consumer group to an arbitrary last delivered ID value.",
    ),
    Command(
        "XINFO", -2, group="stream", since="5.0.0", acl=(), container=True, complexity="Depends on subcommand.",
        summary="A container for stream introspection commands",
    ),
    Command(
        "XINFO|CONSUMERS", 4, F.READONLY, SECOND, access="RO ACCESS", group="stream", since="5.0.0",
        tips=("nondeterministic_output",), summary="List the consumers in a consumer group",
    ),
    Command(
        "XINFO|GROUPS", 3, F.READONLY, SECOND, access="RO ACCESS", group="stream", since="5.0.0",
        summary="List the consumer groups of a stream",
    ),
    Command(
        "XINFO|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="stream", since="5.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "XINFO|STREAM", -3, F.READONLY, SECOND, access="RO ACCESS", group="stream", since="5.0.0",
        summary="Get information about a stream",
    ),
    Command(
        "XLEN", 2, F.READONLY | F.FAST, FIRST, access="RO", group="stream", since="5.0.0",
        summary="Return the number of entries in a stream",
    ),
    Command(
        "XPENDING", -3, F.READONLY, FIRST, access="RO ACCESS", group="stream", since="5.0.0",
        tips=("nondeterministic_output",),
        complexity=(
            "O(N) with N being the number of elements returned, so asking for a small fixed number of entries per"
            " call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. "
            "When the command returns just the summary and the list of consumers is small, it runs in O(1) time; "
            "otherwise, an additional O(N) time for iterating every consumer."
        ),
        summary=(
            "Return information and entries from a stream consumer group pending entries list, that are messages "
            "fetched but never acknowledged."
        ),

    ),
    Command(
        "XRANGE", -4, F.READONLY, FIRST, access="RO ACCESS", group="stream", since="5.0.0",
        complexity=(
            "O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for "
            "the first 10 elements with COUNT), you can consider it O(1)."
        ),
        summary="Return a range of elements in a stream, with IDs matching the specified IDs interval",
    ),
    Command(
        "XREAD", -4, F.READONLY | F.BLOCKING | F.MOVABLEKEYS, Keyword(b"STREAMS", 1), access="RO ACCESS",
        group="stream", since="5.0.0",
        complexity=(
            "For each stream mentioned: O(N) with N being the number of elements being returned, it means that "
            "XREAD-ing with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will pay O(M) "
            "time in order to serve the M clients blocked on the stream getting new data."
        ),
        summary=(
            "Return never seen elements in multiple streams, with IDs greater than the ones reported by the "
            "caller for each stream. Can block."
        ),

    ),
    Command(
        "XREADGROUP", -7, F.WRITE | F.BLOCKING | F.MOVABLEKEYS, Keyword(b"STREAMS", 4), access="RO ACCESS",
        effect=Effect.REWRITTEN, group="stream", since="5.0.0",
        complexity=(
            "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g."
            " always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side "
            "when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the "
            "stream getting new data."
        ),
        summary=(
            "Return new entries from a stream using a consumer group, or access the history of the pending "
            "entries for a given consumer. Can block."
        ),

    ),
    Command(
        "XREVRANGE", -4, F.READONLY, FIRST, access="RO ACCESS", group="stream", since="5.0.0",
        complexity=(
            "O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the "
            "first 10 elements with COUNT), you can consider it O(1)."
        ),
        summary=(
            "Return a range of elements in a stream, with IDs matching the specified IDs interval, in reverse "
            "order (from greater to smaller IDs) compared to XRANGE"
        ),

    ),
    Command(
        "XSETID", -3, F.WRITE | F.DENYOOM | F.FAST, FIRST, access="RW UPDATE", group="stream", since="5.0.0",
        summary="An internal command for replicating stream values",
    ),
    Command(
        "XTRIM", -4, F.WRITE, FIRST, access="RW DELETE", effect=Effect.REWRITTEN, group="stream", since="5.0.0",
        tips=("nondeterministic_output",),
        complexity=(
            "O(N), with N being the number of evicted entries. Constant times are very small however, since "
            "entries are organized in macro nodes containing multiple entries that can be released with a single "
            "deallocation."
        ),
        summary="Trims the stream to (approximately if '~' is passed) a certain size",
    ),
]
