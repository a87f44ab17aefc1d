"""The router's connections to its shards, and who notices that a shard is gone.

Under a supervisor every shard process has an address of its own and the supervisor says what became of it.
Without one (a container for each process) an address stays and the process behind it changes: then a connection
that ended tells, and the link is opened anew, which greets whoever stands there now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cluster.config import Config
from cluster.curve import Links
from cluster.peer import Peer, ZmqPeer

if TYPE_CHECKING:
    import zmq

log = logging.getLogger("elixircache.router")
DISCONNECTED = 0x200  # libzmq's ZMQ_EVENT_DISCONNECTED, ZMQ_EVENT_HANDSHAKE_FAILED_*
REFUSALS = 0x800 | 0x2000 | 0x4000
REFUSAL_LOG_MS = 5000


class ShardLinks:
    """Connections by shard. `supervised`: somebody else tells of lost shards."""

    def __init__(self, config: Config, supervised: bool):
        self.supervised = supervised
        self._links = Links(config, "router")
        self._monitors: dict[int, zmq.Socket[Any]] = {}
        self._peers: dict[int, Peer] = {}
        self._refused_ms = 0

    def open(self, shard: int, endpoint: str) -> Peer:
        """A connection to a shard (by tcp it waits for one to come). LinkRefused."""
        peer = self._links.connect(endpoint)
        self._peers[shard] = peer
        if not self.supervised and isinstance(peer, ZmqPeer):
            self._monitors[shard] = peer.socket.get_monitor_socket(DISCONNECTED | REFUSALS)
        return peer

    def closing(self, shard: int) -> None:
        """The connection to a shard is about to be closed."""
        peer, monitor = self._peers.pop(shard, None), self._monitors.pop(shard, None)
        if monitor is not None and isinstance(peer, ZmqPeer):
            # Its last event is sent to the monitor and waits for ever if that one is closed first.
            peer.socket.disable_monitor()
            monitor.close(0)

    def watch(self, now_ms: int, lost: Callable[[int], None]) -> None:
        """Hear of connections that ended; never blocks."""
        if self.supervised:
            return
        for shard, peer in list(self._peers.items()):
            ended = peer.ended
            monitor = self._monitors.get(shard)
            while monitor is not None and monitor.poll(0):
                event = _event(monitor)
                ended = True
                if event & REFUSALS and now_ms > self._refused_ms + REFUSAL_LOG_MS:
                    self._refused_ms = now_ms
                    log.error("shard %d and this router do not know each other's keys (curve-keys)", shard)
            if ended:
                lost(shard)

    def close(self) -> None:
        """The connections must be closed already."""
        self._links.close()


def _event(monitor: zmq.Socket[Any]) -> int:
    """What happened to the monitored connection."""
    from zmq.utils.monitor import recv_monitor_message

    return int(recv_monitor_message(monitor)["event"])
