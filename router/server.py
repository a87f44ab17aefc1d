"""The router process: sockets, clock and event loop around `Router` and `Core`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import uvloop

from cluster.config import Config
from cluster.crc64 import crc64
from cluster.errors import CommandError
from cluster.listeners import AddressTaken, exchanged
from cluster.peer import Peer
from cluster.process import Control, life
from router.connection import Conn
from router.frontdoor import FrontDoor
from router.links import ShardLinks
from router.replication.link import SocketLink
from router.replication.master import PIECE_MS
from router.replication.progress import SAY_EVERY_MS, Progress
from router.replication.upstream import Upstream
from router.router import Router
from router.session import Session
from router.websocket import WebServer

log = logging.getLogger("elixircache.router")
TICK_S = 0.1
HEARTBEAT_S = 1.0
# The congestion control of clients on this machine: there is no network to be fair to, and the system's own may pace
# each write by a timer (bbr: a tenth of the router's time without pipelining).
CONGESTION = getattr(socket, "TCP_CONGESTION", None)
STREAM_FILE = "replication-stream"  # below the data directory; see router/replication/ring.py
PROTECTED = (
    b"-DENIED ElixirCache is running in protected mode because no password is set. In this mode connections are only "
    b"accepted from the loopback interface. Set a password with requirepass, or set protected-mode to no.\r\n"
)


def now_ms() -> int:
    """Unix time in ms."""
    return time.time_ns() // 1_000_000


class Server:
    """One router process. `endpoints`: for each shard the address of its link."""

    def __init__(self, endpoints: list[str], config: Config, control: Control):
        self.config = config
        self.endpoints = endpoints
        self.control = control
        self.router = Router(len(endpoints), config, now_ms(), random.SystemRandom().randrange(1 << 29))
        self.front = FrontDoor(self.router.core, now_ms)
        self.router.core.gives_way = True
        self.front.on_accept = self.accept
        self.front.on_closed = self.router.disconnected
        self.front.on_link_ended = lambda shard, peer: self.loop.call_soon(self.link_broken, shard, peer)
        self.front.on_link_message = self.router.link_message
        self.front.on_slow_reader = self.slow_reader
        self.router.kick = self.kick
        self.router.wake_at = self.wake_at
        self.router.clock_us = lambda: time.monotonic_ns() // 1000
        self.router.close = self.front.close
        self.router.listen_elsewhere = self.listen_elsewhere
        self.router.send_alone = self.send_alone
        self.router.report = self.report
        self.router.server = self
        self.router.make_upstream = lambda host, port: Upstream(self.router, host, port, self.connect)
        self.router.listening_port = lambda: self.port
        self.router.run_directory = str(config["dir"])
        self.router.master.recover(os.path.join(str(config["dir"]), STREAM_FILE), life())
        self.router.master.send_file = self.send_file
        self.router.master.send_soon = lambda due: self.loop.call_later(PIECE_MS / 1000, due)
        self.links = ShardLinks(config, control.fileno() >= 0)
        self.loop = asyncio.get_running_loop()
        self.kicked = False
        self.listening: list[socket.socket] = []
        self.stopped = asyncio.Event()
        self.exit_code = 0

    # -- what the router asks for ----------------------------------------------------------

    def kick(self) -> None:
        """Flush batches and replies at the end of this turn of the loop."""
        if not self.kicked:
            self.kicked = True
            self.loop.call_soon(self.flush)

    def wake_at(self, at_ms: int) -> None:
        """End the waits of blocked clients that are over then: a tick may come 100 ms later."""
        self.loop.call_later(max(0.0, (at_ms + 1 - now_ms()) / 1000), self.end_waits)

    def end_waits(self) -> None:
        """Answer blocked clients whose time is over."""
        self.router.blocking.tick(now_ms())
        self.flush()

    def flush(self) -> None:
        """Send what has been collected."""
        self.kicked = False
        self.front.flush()

    def send_alone(self, shard: int, message: bytes) -> None:
        """Send a shard a message that is no batch: a greeting, an answer to a script that waits."""
        self.front.send(self.router.core.links[shard], message)
        self.kick()

    def report(self, event: dict[str, Any]) -> None:
        """Tell the supervisor."""
        if event.get("ready"):
            event = {"ready": True, "port": self.port, "ws_port": self.config["ws-port"], "pid": os.getpid()}
        self.control.send(**event)

    @property
    def port(self) -> int:
        """The TCP port that is served."""
        for sock in self.listening:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                return int(sock.getsockname()[1])
        return 0

    # -- links -----------------------------------------------------------------------------

    async def connect(self, host: str, port: int) -> SocketLink:
        """A connection to a master. OSError."""
        return await SocketLink.open(host, port, self.front)

    def open_link(self, shard: int) -> None:
        """Connect to a shard; it serves once it has answered the greeting."""
        link = self.router.core.links[shard]
        self.close_link(shard)
        self.front.add_link(link, self.links.open(shard, self.endpoints[shard]))
        self.router.link_opened(shard)

    def close_link(self, shard: int) -> None:
        """Close a shard's socket."""
        self.links.closing(shard)
        self.front.remove_link(self.router.core.links[shard])

    def lose_link(self, shard: int) -> None:
        """A shard is gone."""
        self.close_link(shard)
        self.router.link_lost(shard)

    def link_ended(self, shard: int) -> None:
        """A connection ended: greet whoever answers there next."""
        if self.router.core.links[shard].up:
            self.lose_link(shard)
        self.open_link(shard)

    def link_broken(self, shard: int, peer: Peer) -> None:
        """The other end has gone: commands wait from now on, and need not be lost until the supervisor has said so."""
        if self.router.core.links[shard].peer is peer:
            self.link_ended(shard)

    def heartbeat(self) -> None:
        """An empty batch to each shard, once a second; a shard that is silent is reported. The supervisor hears
        that the router is well."""
        timeout = int(self.config["shard-heartbeat-timeout"])
        for link in self.router.core.links:
            if not link.up or link.peer is None:
                continue
            if link.heard_ms and self.router.now - max(link.heard_ms, self.router.excused_ms) > timeout:
                log.error("shard %d has not answered for %d ms", link.index, self.router.now - link.heard_ms)
                link.heard_ms = self.router.now
                if not self.links.supervised:
                    self.link_ended(link.index)
                    continue
                self.control.send(wedged=link.index)
            self.front.send(link, self.router.core.take_batch(link.index, True))
        self.kick()
        if self.router.upstream is not None:
            self.router.upstream.beat()
        self.control.beat()
        self.loop.call_later(HEARTBEAT_S, self.heartbeat)

    # -- clients ---------------------------------------------------------------------------

    def listen(self) -> None:
        """Open the doors: TCP on every bind address, and the unix socket."""
        if self.listening:
            return
        for sock in self.control.listeners(self.config):
            self.listening.append(sock)
            self.front.add_listener(sock)

    def listen_elsewhere(self, config: dict[str, Any]) -> None:
        """Take TCP clients at another `port` or `bind`; those who are there stay. CommandError, and all is as before."""
        old = [sock for sock in self.listening if sock.family != socket.AF_UNIX]
        try:
            opened = exchanged(old, config, int(self.config["tcp-backlog"]))
        except AddressTaken as error:
            log.warning("%s", error)
            raise CommandError(f"ERR CONFIG SET failed (possibly related to argument 'port') - {error}") from None
        for sock in old:
            self.front.remove_listener(sock)
            sock.close()
        for sock in opened:
            self.front.add_listener(sock)
        self.listening = opened + [sock for sock in self.listening if sock not in old]
        self.control.hand_over(opened)

    def accept(self, listener: socket.socket) -> None:
        """Take all clients that are waiting."""
        for _ in range(64):
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.warning("accept: %s", error)
                return
            self.welcome(sock, address)

    def welcome(self, sock: socket.socket, address: Any) -> None:
        """Serve one new client, or say why not."""
        sock.setblocking(False)
        unix = sock.family == socket.AF_UNIX
        local = unix or address[0].startswith("127.") or address[0] in ("::1", "::ffff:127.0.0.1")
        if not local and self.config["protected-mode"] and not self.config["requirepass"]:
            self.refuse(sock, PROTECTED)
            return
        if len(self.router.clients) >= int(self.config["maxclients"]):
            self.router.stats.rejected_connections += 1
            self.refuse(sock, b"-ERR max number of clients reached\r\n")
            return
        if not unix:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if local and CONGESTION is not None:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_TCP, CONGESTION, b"reno")
            keepalive = int(self.config["tcp-keepalive"])
            if keepalive:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, keepalive)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, keepalive // 3))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        conn = Conn(self.router.new_id())
        name = f"{self.config['unixsocket']}:0" if unix else _host_port(address)
        here = name if unix else _host_port(sock.getsockname())
        session = Session(self.router, conn, name, here, local)
        conn.last_ms = self.router.now
        self.front.add_conn(conn, sock)
        self.router.connect(session)

    def refuse(self, sock: socket.socket, text: bytes) -> None:
        """Tell a client why it is not served, and close."""
        try:
            sock.send(text)
        except OSError:
            pass
        sock.close()

    def slow_reader(self, conn: Any) -> None:
        """A client has much unsent output: its class's limit may say that it must go."""
        limit_class = self.router.output_class(conn.session)
        hard, soft, soft_seconds = self.config.output_limits(limit_class)
        size = conn.out_size
        if hard and size > hard:
            log.warning("client %d closed: output buffer over its hard limit (%d bytes)", conn.id, size)
            self.front.close(conn, "output buffer limit")
        elif soft and size > soft:
            now = self.router.now / 1000
            if not conn.over_since:
                conn.over_since = now
            elif now - conn.over_since > soft_seconds:
                self.front.close(conn, "output buffer soft limit")
        else:
            conn.over_since = 0.0

    def send_file(self, session: Session, paths: list[str], done: Callable[[bool], None]) -> None:
        """Send a replica its snapshot: the shards' parts, one after the other, as one RDB file."""
        asyncio.ensure_future(self._send_file(session, paths, done))

    async def _send_file(self, session: Session, paths: list[str], done: Callable[[bool], None]) -> None:
        end, crc, wanted = b"\xff", 0, self.config["rdbchecksum"]  # the opcode of the end
        try:
            size = sum(os.path.getsize(path) for path in paths) + len(end) + 8
            session.push_raw(b"$%d\r\n" % size)
            progress, sent = Progress(self.router.tell, "Snapshot sent", size, peer=session.addr), 0
            log.info("replica %s: its snapshot goes out: %s bytes", session.replica.name, f"{size:,}")
            next_said_ms = self.router.now + SAY_EVERY_MS
            for path in paths:
                with open(path, "rb") as file:
                    while data := file.read(1 << 18):
                        while session.conn.out_size > 1 << 20 and not session.conn.closed:
                            await asyncio.sleep(0.002)
                        if session.conn.closed:
                            raise ConnectionError("the replica has gone")
                        session.push_raw(data)
                        crc = crc64(data, crc) if wanted else 0
                        sent += len(data)
                        progress.at(sent)
                        if self.router.now >= next_said_ms:
                            next_said_ms = self.router.now + SAY_EVERY_MS
                            log.info("replica %s: %s bytes have gone out (%d %%)", session.replica.name, f"{sent:,}", 100 * sent // size)
            session.push_raw(end + (crc64(end, crc) if wanted else 0).to_bytes(8, "little"))
            progress.at(size)
        except OSError as error:
            log.warning("snapshot for %s: %s", session.addr, error)
            self.front.close(session.conn, "snapshot failed")
            done(False)
            return
        done(True)

    # -- life ------------------------------------------------------------------------------

    def tick(self) -> None:
        """Ten times a second: deadlines, idle clients."""
        self.router.tick(now_ms())
        self.links.watch(self.router.now, self.link_ended)
        self.idle_clients()
        self.flush()
        self.loop.call_later(TICK_S, self.tick)

    def idle_clients(self) -> None:
        """Close clients that said nothing for `timeout` seconds."""
        timeout = int(self.config["timeout"]) * 1000
        if not timeout:
            return
        for session in list(self.router.clients.values()):
            quiet = self.router.now - session.last_ms
            if quiet > timeout and not session.subscribed and session.blocked is None and session.replica is None:
                self.front.close(session.conn, "idle")

    def on_control(self, event: dict[str, Any]) -> None:
        """The supervisor says that a shard went down or came up."""
        shard = event["shard"]
        if "loading" in event:
            self.router.loading.heard(shard, event["loading"])
        elif event["state"] == "down":
            if self.router.core.links[shard].up or not self.router.serving:
                self.lose_link(shard)
            else:  # its connection has told already
                self.close_link(shard)
        else:
            self.endpoints[shard] = event["endpoint"]
            self.open_link(shard)

    async def run(self) -> int:
        """Serve until told to stop."""
        for name in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(name, self.stopped.set)
        self.loop.add_reader(self.front.epfd, self.front.turn)
        self.listen()  # clients hear -LOADING until all shards are there
        for shard, endpoint in enumerate(self.endpoints):
            if endpoint:
                self.open_link(shard)
        if self.control.fileno() >= 0:
            self.loop.add_reader(self.control.fileno(), self.read_control)
        self.tick()
        self.heartbeat()
        web = WebServer(self)
        await web.start()
        await self.stopped.wait()
        await web.stop()
        for session in list(self.router.clients.values()):
            self.front.close(session.conn, "shutdown")
        for shard in range(len(self.endpoints)):
            self.close_link(shard)
        self.links.close()
        return self.exit_code

    def read_control(self) -> None:
        """Take the supervisor's messages; without a supervisor there is no group."""
        for event in self.control.receive():
            self.on_control(event)
        if self.control.closed:
            log.error("the supervisor is gone; stopping")
            self.loop.remove_reader(self.control.fileno())
            self.stopped.set()


def _host_port(address: Any) -> str:
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def run(endpoints: list[str], config: Config, control: Control) -> int:
    """The whole life of a router process. Returns its exit code."""

    async def main() -> int:
        return await Server(endpoints, config, control).run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


