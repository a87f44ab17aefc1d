"""The router's ZeroMQ sockets to its shards, and who notices that a shard is gone.

Under a supervisor every shard process has an address of its own and the supervisor says what became of it.
Without one (a container for each process) an address stays and the process behind it changes: then the sockets'
own events tell that a connection ended, and the link is opened anew, which greets whoever stands there now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from cluster.config import Config
from cluster.curve import Links

log = logging.getLogger("elixircache.router")
REFUSALS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
REFUSAL_LOG_MS = 5000


class ShardLinks:
    """Sockets by shard. `supervised`: somebody else tells of lost shards."""

    def __init__(self, config: Config, supervised: bool):
        self.supervised = supervised
        self._context = zmq.Context(io_threads=1)
        self._links = Links(self._context, config, "router")
        self._monitors: dict[int, zmq.Socket[Any]] = {}
        self._sockets: dict[int, zmq.Socket[Any]] = {}
        self._refused_ms = 0

    def open(self, shard: int, endpoint: str) -> zmq.Socket[Any]:
        """A socket that connects to a shard; it waits for one that is not there yet. LinkRefused."""
        sock = self._context.socket(zmq.DEALER)
        sock.setsockopt(zmq.LINGER, 0)
        sock.setsockopt(zmq.SNDHWM, 0)
        sock.setsockopt(zmq.RCVHWM, 0)
        if not self.supervised:
            self._monitors[shard] = sock.get_monitor_socket(zmq.EVENT_DISCONNECTED | REFUSALS)
        self._sockets[shard] = sock
        self._links.connect(sock, endpoint)
        return sock

    def closing(self, shard: int) -> None:
        """The socket of a shard is about to be closed."""
        sock = self._sockets.pop(shard, None)
        if sock is not None and self._monitors.pop(shard, None) is not None:
            sock.disable_monitor()

    def watch(self, now_ms: int, lost: Callable[[int], None]) -> None:
        """Hear of connections that ended; never blocks."""
        for shard, monitor in list(self._monitors.items()):
            ended = False
            while monitor.poll(0):
                event = recv_monitor_message(monitor)
                ended = True
                if event["event"] & REFUSALS and now_ms > self._refused_ms + REFUSAL_LOG_MS:
                    self._refused_ms = now_ms
                    log.error("shard %d and this router do not know each other's keys (curve-keys)", shard)
            if ended:
                lost(shard)

    def close(self) -> None:
        """The sockets must be closed already."""
        self._links.close()
        self._context.term()
