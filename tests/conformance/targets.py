"""What a sequence of commands is run on: a bare engine, or a server behind a socket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any

from cluster.errors import CommandError
from cluster.wire import encoded, parse_commands
from shard.engine import Engine
from shard.signals import Block
from tests.processes.waiting import until

from .resp import Incomplete, Mark, decode, encode_command

Args = list[bytes]


class EngineTarget:
    """One engine in this process; after a sequence its stream of effects can be replayed."""

    name = "engine"
    has_router = False

    def __init__(self) -> None:
        self.reset(2)

    def reset(self, resp: int) -> None:
        self.engine = Engine(seed=7)
        self.engine.resp = self.resp = resp
        self.db = 0

    def run(self, commands: list[Args]) -> list[Any]:
        return [self._one(args) for args in commands]

    def _one(self, args: Args) -> Any:
        self.engine.now = int(time.time() * 1000)
        if args[0].upper() == b"SELECT":
            self.db = int(args[1])
            return decode(b"+OK\r\n")[0]
        try:
            reply = self.engine.run(args, self.db)
        except Block as block:
            reply = block.nil
        return decode(encoded(reply, self.resp))[0]

    def replayed(self) -> EngineTarget:
        """A fresh engine to which this one's effects were applied."""
        copy = EngineTarget()
        copy.reset(self.resp)
        copy.engine.master = False
        copy.engine.now = int(time.time() * 1000)
        commands, _ = parse_commands(self.engine.take_stream())
        for args in commands:
            name = args[0].upper()
            if name == b"SELECT":
                copy.engine.select(int(args[1]))
            elif name not in (b"MULTI", b"EXEC", b"ECHO"):
                try:
                    copy.engine.apply(args)
                except CommandError as error:
                    raise AssertionError(f"effect {args} fails on a replica: {error}") from error
        return copy

    def close(self) -> None:
        pass


class SocketTarget:
    """A server that speaks RESP at a TCP port or a unix socket."""

    has_router = True

    def __init__(self, name: str, address: tuple[str, int] | str) -> None:
        self.name = name
        self.address = address
        self.socket: socket.socket | None = None
        self.data = b""
        self.pushes: list[Any] = []  # messages and invalidations that came

    def reset(self, resp: int) -> None:
        self.connect()
        setup: list[Args] = [
            [b"FLUSHALL"],
            [b"CONFIG", b"SET", b"notify-keyspace-events", b""],
            [b"FUNCTION", b"FLUSH"],
            [b"SCRIPT", b"FLUSH"],
        ]
        if resp == 3:
            setup.append([b"HELLO", b"3"])
        self.run(setup)

    def connect(self) -> None:
        """A new connection."""
        self.close()
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(20)
        self.socket.connect(self.address)
        self.data = b""
        self.pushes = []

    def run(self, commands: list[Args]) -> list[Any]:
        """Send all, then read one reply for each."""
        self.send(commands)
        return [self.reply() for _ in commands]

    def send(self, commands: list[Args]) -> None:
        """Send, without waiting for the replies."""
        assert self.socket is not None
        self.socket.sendall(b"".join(map(encode_command, commands)))

    def reply(self) -> Any:
        """The next reply; pushes that are none go to `pushes`."""
        assert self.socket is not None
        while True:
            try:
                reply, used = decode(self.data)
                self.data = self.data[used:]
                if isinstance(reply, Mark) and reply.kind == ">" and not reply.value[0].endswith(b"subscribe"):
                    self.pushes.append(reply.value)
                    continue
                return reply
            except (Incomplete, IndexError):
                more = self.socket.recv(1 << 16)
                if not more:
                    raise ConnectionError(f"{self.name} closed the connection") from None
                self.data += more

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class EavesdroppedTarget(SocketTarget):
    """With a second connection that hears of changed keys: Redis 7.0 puts what the first one would hear into its replies."""

    def reset(self, resp: int) -> None:
        super().reset(resp)
        self.ear = SocketTarget(f"{self.name}'s ear", self.address)
        self.ear.connect()
        self.ear.run([[b"HELLO", b"3"], [b"PSUBSCRIBE", b"__key*__:*"]])

    def close(self) -> None:
        super().close()
        if hasattr(self, "ear"):
            self.ear.close()

    def heard(self) -> list[Any]:
        """Invalidations and messages so far. A command that asks every shard has all come that were on their way."""
        self.run([[b"DBSIZE"]])
        self.ear.run([[b"PING"]])
        return self.pushes + self.ear.pushes


class RedisServer:
    """A real redis-server in a temporary directory; `with RedisServer() as target`."""

    def __enter__(self) -> EavesdroppedTarget:
        self.directory = tempfile.mkdtemp(prefix="oracle-")
        path = os.path.join(self.directory, "redis.sock")
        self.process = subprocess.Popen(
            [
                "redis-server",
                "--port",
                "0",
                "--unixsocket",
                path,
                "--save",
                "",
                "--dir",
                self.directory,
                "--enable-debug-command",
                "yes",
            ],
            stdout=subprocess.DEVNULL,
        )
        self.target = EavesdroppedTarget("redis", path)
        until(self._answers)
        self.target.close()
        return self.target

    def _answers(self) -> bool:
        self.target.connect()
        return bool(self.target.run([[b"PING"]]))

    def __exit__(self, *exc: object) -> None:
        self.target.close()
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)
