"""The WebSocket and HTTP shell: /ws/master, /ws/slave, /metrics, /healthz, /readyz, the console.

A WebSocket is a client session like any other, whose connection has no descriptor: its replies
are taken from the router's core and sent as JSON. The other role's endpoint is reached through a
RESP connection to that group's router; when there is no replica, one is started on demand.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import sys
import tempfile
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from cluster.frames import RESP3
from cluster.reply_parts import whole_replies
from cluster.wire import command
from router.connection import Conn
from router.metrics import exposition
from router.session import Session
from router.ws_protocol import INVALID_JSON, BadRequest, Conversation, Request, parse_request

if TYPE_CHECKING:
    from router.server import Server as RouterServer

log = logging.getLogger("elixircache.router")
ENDPOINTS = {"/ws/master": "master", "/ws/slave": "slave", "/ws/replica": "slave"}
CONSOLE = Path(__file__).parent / "console"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
QUEUE_MAX = 10_000
ANSWERS_BYTES_MAX = 1 << 20  # a client with more unread answers is not read from
STRANGER = "protected mode: without a password or ws-token only this machine is served\n"
START_REPLICA_S = 60.0


class WebSession(Session):
    """A session whose replies go into a queue of JSON messages."""

    peer: Peer

    @property
    def resp(self) -> int:
        """JSON is made of RESP3, whatever HELLO and RESET say."""
        return 3

    @resp.setter
    def resp(self, version: int) -> None:
        self.conn.flags |= RESP3

    def output_ready(self) -> None:
        """RESP has been collected: make JSON of it."""
        self.peer.deliver(self.conn.peek_output())


class Peer:
    """One WebSocket connection. `limit`: bytes that may wait for it, 0 is no limit.

    `may_hear()`: whether it has said who it is, so that it may be told what happens.
    """

    def __init__(self, socket: ServerConnection, name: str, limit: int):
        self.socket = socket
        self.conversation = Conversation(name)
        self.outbox: asyncio.Queue[str] = asyncio.Queue()
        self.limit = limit
        self.waiting_bytes = 0
        self.room = asyncio.Event()
        self.room.set()
        self.may_hear: Callable[[], bool] = lambda: False

    def deliver(self, data: bytes) -> None:
        """RESP3 from the server's side."""
        for message in self.conversation.receive(data):
            self.put(message)

    def put(self, message: str) -> None:
        """Queue a message; a reader that is too slow is closed, others are unharmed."""
        self.waiting_bytes += len(message)
        if self.outbox.qsize() >= QUEUE_MAX or (self.limit and self.waiting_bytes > self.limit):
            # It does not read, so it would not read a closing handshake either.
            log.warning("websocket %s closed: it reads too slowly", self.socket.remote_address)
            self.socket.transport.abort()
            return
        if self.waiting_bytes > ANSWERS_BYTES_MAX:
            self.room.clear()
        self.outbox.put_nowait(message)

    async def pump(self) -> None:
        """Send what is queued, in order."""
        while True:
            message = await self.outbox.get()
            await self.socket.send(message)
            self.waiting_bytes -= len(message)
            if self.waiting_bytes <= ANSWERS_BYTES_MAX:
                self.room.set()

    async def flushed(self) -> None:
        """Wait until what is queued has been sent, at most a second."""
        deadline = asyncio.get_running_loop().time() + 1
        while self.waiting_bytes and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)

    def answer(self, request: Request, raw: bytes) -> None:
        """Answer one request, when none is in flight."""
        self.conversation.sent(request)
        self.deliver(raw)


class WebServer:
    """Everything on ws-port."""

    def __init__(self, server: RouterServer):
        self.server = server
        self.router = server.router
        self.config = server.config
        self.peers: set[Peer] = set()
        self.replica_start: asyncio.Task[int] | None = None
        self.replica_process: asyncio.subprocess.Process | None = None
        self.replica_directory: tempfile.TemporaryDirectory[str] | None = None
        self.http: Server | None = None
        self.router.on_tell.append(self.broadcast)

    async def start(self) -> None:
        """Open the port. OSError."""
        port = int(self.config["ws-port"])
        if not port:
            return
        hosts = [host.removeprefix("-") for host in str(self.config["bind"]).split()]
        self.http = await serve(
            self.handle,
            [{"*": "0.0.0.0", "::*": "::"}.get(host, host) for host in hosts],
            port,
            process_request=self.http_request,
            max_size=int(self.config["ws-max-message-size"]),
            compression=None,
        )

    async def stop(self) -> None:
        """Close all connections, and the replica that was started on demand."""
        if self.http is not None:
            self.http.close()
        if self.replica_process is not None and self.replica_process.returncode is None:
            self.replica_process.terminate()
            await self.replica_process.wait()
        if self.replica_directory is not None:
            self.replica_directory.cleanup()

    # -- HTTP --------------------------------------------------------------------------------

    async def http_request(self, connection: ServerConnection, request: HttpRequest) -> Response | None:
        """Pages and metrics; None lets a WebSocket handshake go on."""
        path = urlsplit(request.path).path
        if path in ENDPOINTS:
            return self._refusal(connection, request)
        if path == "/healthz":
            return _response(200, "ok\n")
        if path == "/readyz":
            ready = self.router.serving and all(link.up for link in self.router.core.links)
            return _response(200, "ready\n") if ready else _response(503, "not ready\n")
        if path == "/metrics":
            if self._is_stranger(connection):
                return _response(403, STRANGER)
            if not self._has_token(request):
                return _response(401, "a token is needed\n")
            text, kind = await exposition(self.router)
            return _response(200, text, kind)
        file = CONSOLE / ("index.html" if path == "/" else path.lstrip("/"))
        if file.parent == CONSOLE and file.is_file():
            return _response(200, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))
        return _response(404, "not found\n")

    def _is_stranger(self, connection: ServerConnection) -> bool:
        """Whether protected mode keeps this client out."""
        config = self.config
        if not config["protected-mode"] or config["requirepass"] or config["ws-token"]:
            return False
        return not _loopback(connection.remote_address[0])

    def _has_token(self, request: HttpRequest) -> bool:
        """Whether the request brings `ws-token`, if there is one."""
        token = str(self.config["ws-token"])
        given = parse_qs(urlsplit(request.path).query).get("token", [""])[0]
        given = given or request.headers.get("Authorization", "").removeprefix("Bearer ")
        return not token or hmac.compare_digest(token.encode(), given.encode())

    def _refusal(self, connection: ServerConnection, request: HttpRequest) -> Response | None:
        """Why a WebSocket is not taken: a stranger in protected mode, origin, token, too many."""
        if self._is_stranger(connection):
            return _response(403, STRANGER)
        origin = request.headers.get("Origin")
        allowed = str(self.config["ws-allowed-origins"]).split()
        if origin and "*" not in allowed and origin not in allowed:
            if urlsplit(origin).netloc != request.headers.get("Host"):
                return _response(403, "this origin may not connect\n")
        if not self._has_token(request):
            return _response(401, "a token is needed\n")
        limit = int(self.config["ws-max-clients"])
        if limit and len(self.peers) >= limit:
            return _response(503, "too many connections\n")
        return None

    # -- WebSocket ---------------------------------------------------------------------------

    async def handle(self, socket: ServerConnection) -> None:
        """One connection from handshake to end."""
        assert socket.request is not None
        name = ENDPOINTS[urlsplit(socket.request.path).path]
        peer = Peer(socket, name, self.config.output_limits("pubsub")[0])
        self.peers.add(peer)
        pump = asyncio.ensure_future(peer.pump())
        try:
            local = (name == "slave") == (self.router.upstream is not None)
            await (self._local(peer) if local else self._remote(peer))
        except ConnectionClosed:
            pass
        except OSError as error:
            peer.put(json.dumps({"error": f"the {name} cannot be reached: {error}"}))
            await peer.flushed()
        finally:
            self.peers.discard(peer)
            pump.cancel()

    async def _local(self, peer: Peer) -> None:
        """A session of this group."""
        router = self.router
        conn = Conn(router.new_id())
        host, port = peer.socket.remote_address[:2]
        session = WebSession(router, conn, f"{host}:{port}", f"ws:{self.config['ws-port']}", _loopback(host))
        session.peer = peer
        conn.last_ms = router.now
        router.connect(session)
        session.resp = 3
        session.settle()
        peer.may_hear = lambda: session.authenticated
        try:
            async for text in peer.socket:
                request = self._request(peer, text)
                if request is not None:
                    peer.conversation.sent(request)
                    router.core.receive_data(conn, command(*request.args))
                    self.server.flush()
                if conn.closing:
                    await peer.flushed()
                    break
                await peer.room.wait()
        finally:
            conn.closed = True
            router.disconnected(conn, "websocket closed")

    async def _remote(self, peer: Peer) -> None:
        """A session of the other group, through its RESP port."""
        host, port = await self._other_group()
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await self._greet(peer, reader, writer)
            peer.may_hear = lambda: True
            back = asyncio.ensure_future(self._remote_replies(peer, reader))
            try:
                async for text in peer.socket:
                    request = self._request(peer, text)
                    if request is not None and request.args[0].upper() == b"RESET":
                        peer.put(json.dumps({"error": f"RESET: connect anew to the {peer.conversation.name}",
                                             "id": request.id}))  # fmt: skip
                    elif request is not None:
                        if [word.upper() for word in request.args[:2]] == [b"HELLO", b"2"]:
                            request.args[1] = b"3"  # JSON is made of RESP3
                        peer.conversation.sent(request)
                        writer.write(command(*request.args))
                        await writer.drain()
                    await peer.room.wait()
            finally:
                back.cancel()
        finally:
            writer.close()

    async def _greet(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Make it a RESP3 session. A password is the client's to give: nothing else goes over before."""
        while True:
            writer.write(command("HELLO", "3"))
            greeting = await _whole_reply(reader)
            if not greeting.startswith(b"-NOAUTH"):
                return
            request = self._request(peer, await peer.socket.recv())
            if request is None:
                continue
            if request.args[0].upper() == b"AUTH":
                writer.write(command(*request.args))
                peer.answer(request, await _whole_reply(reader))
            else:
                peer.answer(request, b"-NOAUTH Authentication required.\r\n")

    @staticmethod
    async def _remote_replies(peer: Peer, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            peer.deliver(data)
        await peer.socket.close(1011, "the other group closed the connection")

    def _request(self, peer: Peer, text: str | bytes) -> Request | None:
        """The command in a message; None when it was answered here."""
        try:
            message = json.loads(text)
        except ValueError:
            peer.put(INVALID_JSON)
            return None
        if not isinstance(message, dict):
            peer.put(json.dumps({"error": "a message is a JSON object"}))
            return None
        kind = message.get("type")
        if kind == "reset_server":
            return Request([b"FLUSHALL"], message.get("id"), done=self._was_reset)
        if kind != "COMMAND":
            peer.put(json.dumps({"error": f"unknown type {kind!r}", "id": message.get("id")}))
            return None
        try:
            return parse_request(message)
        except BadRequest as error:
            peer.put(json.dumps({"error": str(error), "id": message.get("id")}))
            return None

    def _was_reset(self) -> None:
        self.router.tell("The data was reset", kind="reset")

    def broadcast(self, text: str, event: dict[str, Any]) -> None:
        """Tell every connection."""
        connection = "slave" if self.router.replica_of is not None else "master"
        message = json.dumps({"type": "BROADCAST", "message": text, "connection": connection, "event": event})
        for peer in list(self.peers):
            if peer.may_hear():
                peer.put(message)

    # -- the other group ---------------------------------------------------------------------

    async def _other_group(self) -> tuple[str, int]:
        """Address of the master (of a replica), or of a replica, which may have to be started."""
        if self.router.upstream is not None:
            return self.router.upstream.host, self.router.upstream.port
        for replica in self.router.master.online:
            if replica.port:
                await self._loaded(replica.port)
                return replica.ip, replica.port
        if not self.config["ws-start-replica"]:
            raise OSError("no replica group runs")
        if self.replica_start is None or (self.replica_start.done() and self.replica_process is None):
            self.replica_start = asyncio.ensure_future(self._start_replica())
        return "127.0.0.1", await asyncio.shield(self.replica_start)

    async def _start_replica(self) -> int:
        """Start one replica group on this machine; its port once it has synchronised."""
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.replica_directory = tempfile.TemporaryDirectory(prefix="elixircache-replica-")
        words = [sys.executable, "-m", "cli", "replica", "--of", f"127.0.0.1:{self.server.port}", "--port", str(port)]
        words += ["--ws-port", "0", "--dir", self.replica_directory.name, "--shards", str(self.router.shard_count)]
        password = str(self.config["requirepass"])
        if password:
            words += ["--masterauth", password, "--requirepass", password]
        self.replica_process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
        try:
            await self._loaded(port)
        except OSError:
            self.replica_process = None
            raise
        return port

    async def _loaded(self, port: int) -> None:
        """Wait until the replica with this port has confirmed the stream: until then it serves what it had before."""
        deadline = asyncio.get_running_loop().time() + START_REPLICA_S
        while not any(replica.port == port and replica.acked >= 0 for replica in self.router.master.online):
            ended = self.replica_process is not None and self.replica_process.returncode is not None
            if ended or asyncio.get_running_loop().time() > deadline:
                raise OSError("the replica group did not start")
            await asyncio.sleep(0.05)


async def _whole_reply(reader: asyncio.StreamReader) -> bytes:
    """The one reply that is awaited. ConnectionError."""
    raw = b""
    while not whole_replies(raw)[0]:
        data = await reader.read(65536)
        if not data:
            raise ConnectionError("the other group closed the connection")
        raw += data
    return raw


def _loopback(host: str) -> bool:
    return host.startswith("127.") or host in ("::1", "::ffff:127.0.0.1")


def _response(status: int, body: str | bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    raw = body.encode() if isinstance(body, str) else body
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(raw)), "Connection": "close"})
    return Response(status, HTTPStatus(status).phrase, headers, raw)
