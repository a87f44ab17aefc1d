"""The `elixircache` command line, one file per command group."""
