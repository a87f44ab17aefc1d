"""A shard: the single-threaded owner of a range of slots."""
