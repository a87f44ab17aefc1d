"""Rows of what only the router says to its shards. A client that sends one gets "unknown command"."""

from cluster.command_table.model import Command, Effect, F, Keys, Range


def _row(name: str, summary: str, keys: Keys | None = None) -> Command:
    return Command(name, -1, F.INTERNAL, keys, effect=Effect.REWRITTEN, group="internal", summary=summary)


ROWS = [
    _row("SHARD.TXN", "Runs the parts of a transaction that belong to this shard"),
    _row("SHARD.HOLD", "Holds keys and lends their serialised values", Range(5, -1, 2)),
    _row("SHARD.BORROW", "Lends the serialised values of keys; large ones are held and go in pieces", Range(3, -1, 2)),
    _row("SHARD.PREPARE", "Holds the keys of a record that is to be committed"),
    _row("SHARD.RUN", "Runs a command on own and borrowed keys and stages its writes"),
    _row("SHARD.LEND", "Lends one more key to the operation that holds the shard"),
    _row("SHARD.PULL", "Gives the next piece of a large value that an operation moves"),
    _row("SHARD.PUSH", "Brings a piece of a large value that an operation moves"),
    _row("SHARD.SEEN", "Says when the consumers of a stream that comes in pieces were seen"),
    _row("SHARD.ADOPT", "Makes a value that came in pieces that of its key"),
    _row("SHARD.COMMIT", "Applies the writes of a held operation and releases the hold"),
    _row("SHARD.ABORT", "Releases a hold and forgets what was staged"),
    _row("SHARD.RECORD", "Says or hands over records of multi-shard writes"),
    _row("SHARD.SNAPSHOT", "Marks a point in the stream and writes its keys to a file"),
    _row("SHARD.PRELOAD", "Reads the keys of an RDB file, beside those that are served"),
    _row("SHARD.LOAD", "Replaces all keys by those of an RDB file"),
    _row("SHARD.PLACE", "Says how far in its master's stream a replica's shard is"),
    _row("SHARD.ROLE", "Says whether this shard is a master or a replica"),
    _row("SHARD.WATCH", "Watches keys for a client", Range(2, -1)),
    _row("SHARD.UNWATCH", "Forgets a client's watched keys"),
    _row("SHARD.BLOCK", "Enlists a client as a waiter for keys"),
    _row("SHARD.AWAIT", "Says when keys are ready to a router that serves the waiter itself", Range(2, -1)),
    _row("SHARD.RETRIED", "The router tried for its waiter and got nothing"),
    _row("SHARD.LASTIDS", "Returns the last ids of streams", Range(1, -1)),
    _row("SHARD.UNBLOCK", "Takes a waiter out of its queues"),
    _row("SHARD.TRACK", "Tells a shard which clients cache which keys"),
    _row("SHARD.NOTIFY", "Tells the keyspace events of commands that ran on another shard"),
    _row("SHARD.INFO", "Returns the shard's figures for INFO"),
    _row("SHARD.CONFIG", "Sets configuration values on the shard"),
    _row("SHARD.SCAN", "Walks the shard's keys from a cursor"),
    _row("SHARD.RANDOMKEY", "Returns a random key and the number of keys"),
    _row("SHARD.SWAPDB", "Swaps two databases"),
    _row("SHARD.SAVE", "Writes a snapshot"),
    _row("SHARD.REWRITE", "Rewrites the journal"),
    _row("SHARD.DEBUG", "Runs a DEBUG subcommand on the shard"),
    _row("SHARD.SCRIPTS", "Returns the texts of the cached scripts"),
    _row("SHARD.SLOWLOG", "Reads or empties the shard's slow log"),
]
