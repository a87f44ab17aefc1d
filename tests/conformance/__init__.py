"""The same generated commands on ElixirCache and on a real redis-server."""
