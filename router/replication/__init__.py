"""Replication at the router: one stream out of the shards' streams, and following a master."""
