"""What the shards are told about their group's role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.command_table import TABLE
from cluster.wire import command as encode

if TYPE_CHECKING:
    from router.router import Router


def set_role(router: Router, role: bytes, shard: int = -1, feeding: bool | None = None) -> None:
    """SHARD.ROLE to one shard or to all that are up. A replica's shards do not feed their router:
    the master's stream is its stream."""
    if feeding is None:
        feeding = role == b"master" and router.master.feed.active
    raw = encode(b"SHARD.ROLE", role, b"%d" % feeding, router.gates.refusal, b"%d" % router.gates.stale)
    for link in router.core.links:
        if link.up and shard in (-1, link.index):
            router.core.submit(link.index, TABLE["SHARD.ROLE"].id, 0, 0, 0, raw, lambda raw: None)
    router.kick()
