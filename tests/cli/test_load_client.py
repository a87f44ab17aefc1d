"""The client that makes load for `elixircache bench`."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest

from cli.load_client import run_load


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[bytes], list[bytes]]], int]]:
    """Start a server that answers what it reads with these pieces; its port."""
    servers = []

    def start(answer: Callable[[bytes], list[bytes]]) -> int:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                while data := self.request.recv(65536):
                    pieces = answer(data)
                    if not pieces:
                        return
                    for piece in pieces:
                        self.request.sendall(piece)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_each_step_waits_for_all_replies_of_the_one_before(serve):
    seen: list[bytes] = []

    def answer(data: bytes) -> list[bytes]:
        seen.append(data)
        return [b"+OK\r\n*2\r\n$1\r\n", b"a\r\n:5", b"\r\n"] if data == b"first" else [b"$-1\r\n"]

    seconds, latencies = run_load(serve(answer), [[[(b"first", 2), (b"second", 1)]]], 3)
    assert seen[:6] == [b"first", b"second"] * 3
    assert len(latencies) == 3
    assert seconds >= max(latencies) / 1e9 > 0


def test_every_connection_sends_its_own_requests_in_turn(serve):
    seen: list[bytes] = []

    def answer(data: bytes) -> list[bytes]:
        seen.append(data)
        return [b"+OK\r\n"]

    run_load(serve(answer), [[[(b"a1", 1)], [(b"a2", 1)]], [[(b"b", 1)]]], 400)
    assert [data for data in seen if data[:1] == b"a"][:4] == [b"a1", b"a2", b"a1", b"a2"]
    assert seen.count(b"b") >= 1


@pytest.mark.parametrize("reply", [b"-ERR no\r\n", b"*1\r\n-EXECABORT no\r\n"])
def test_an_error_reply_is_said(serve, reply):
    with pytest.raises(RuntimeError, match="no"):
        run_load(serve(lambda data: [reply]), [[[(b"x", 1)]]], 5)


def test_a_server_that_goes_is_said(serve):
    with pytest.raises(RuntimeError, match="closed"):
        run_load(serve(lambda data: []), [[[(b"x", 1)]]], 5)
