"""A replica's connection to its master: lines and bytes while they greet each other, then the stream."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Protocol

from router.replication.inflow import Inflow

READ_SIZE = 1 << 18
LINE_MAX = 1 << 16

Take = Callable[[bytes], None]


class MasterLink(Protocol):
    """What a follower asks of it. OSError, EOFError: it has ended."""

    async def readline(self) -> bytes:
        """Up to the next line feed, and that."""

    async def read(self, most: int) -> bytes:
        """What has come, at least a byte and at most so many; b"" at the end."""

    async def stream(self, core: Any, conn: Any, take: Take) -> None:
        """`take` what comes for `conn`, as fast as it can be executed; until the end, or `close`."""

    def write(self, data: bytes) -> None:
        """Send something short."""

    def close(self) -> None:
        """End it; who waits for it hears so."""


class SocketLink:
    """By TCP, on the running loop; `front` (router.frontdoor.FrontDoor) reads the stream."""

    def __init__(self, sock: socket.socket, front: Any):
        self.sock = sock
        self.front = front
        self.loop = asyncio.get_running_loop()
        self.came = b""  # read and not asked for yet
        self.unsent = b""
        self.closed = False
        self.waiting = False  # somebody reads, and closes the socket when told
        self.over: asyncio.Future[None] | None = None
        self.inflow: Any = None

    @classmethod
    async def open(cls, host: str, port: int, front: Any) -> SocketLink:
        """OSError."""
        loop = asyncio.get_running_loop()
        failed: OSError = ConnectionRefusedError("no address")
        for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                await loop.sock_connect(sock, address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return cls(sock, front)
            except OSError as error:
                sock.close()
                failed = error
            except BaseException:
                sock.close()
                raise
        raise failed

    async def readline(self) -> bytes:
        """Up to the next line feed, and that. EOFError, OSError; ValueError if it has no end."""
        while (end := self.came.find(b"\n")) < 0:
            if len(self.came) > LINE_MAX:
                raise ValueError("a line without an end")
            data = await self._receive(READ_SIZE)
            if not data:
                raise EOFError("the master closed the link")
            self.came += data
        line, self.came = self.came[: end + 1], self.came[end + 1 :]
        return line

    async def read(self, most: int) -> bytes:
        """At least a byte and at most so many; b"" at the end. OSError."""
        if not self.came:
            return await self._receive(most)
        data, self.came = self.came[:most], self.came[most:]
        return data

    async def _receive(self, most: int) -> bytes:
        if self.closed:
            return b""
        self.waiting = True
        try:
            return await self.loop.sock_recv(self.sock, most)
        finally:
            self.waiting = False
            if self.closed:
                self.sock.close()

    async def stream(self, core: Any, conn: Any, take: Take) -> None:
        """Until the end, or `close`. What `take` raises ends it as well."""
        if self.came:
            data, self.came = self.came, b""
            take(data)
            self.front.flush()
        if self.closed:
            return
        self.over = self.loop.create_future()
        self.inflow = Inflow(self.sock.fileno(), core, conn, take, self._ended)
        self.front.add_inflow(self.inflow)
        try:
            await self.over
        finally:
            self.over = None
            self.front.remove_inflow(self.inflow)
            self.closed = True
            self.sock.close()

    def _ended(self, error: Exception | None) -> None:
        if self.over is not None and not self.over.done():
            self.inflow.over = True
            if error is None:
                self.over.set_result(None)
            else:
                self.over.set_exception(error)

    def write(self, data: bytes) -> None:
        """Send something short; what there is no room for goes with the next."""
        if self.closed:
            return
        self.unsent += data
        try:
            self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.close()

    def close(self) -> None:
        """Whoever reads hears the end, and closes the socket."""
        if self.closed:
            return
        self.closed = True
        if self.over is not None:
            self._ended(None)
        elif self.waiting:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        else:
            self.sock.close()
