"""ElixirCache as a library. Importing it needs none of the server's dependencies."""

from __future__ import annotations

__version__ = "0.1.0"
