"""`python -m cli` is the `elixircache` command."""

from cli.main import app

app()
