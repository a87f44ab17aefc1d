"""Client-side caching and keyspace notifications, with real connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hiredis
import pytest

import elixircache
from cluster.wire import command


class Wire:
    """A bare RESP3 connection: what arrives is seen in order, pushes among the replies."""

    def __init__(self, port: int, hello: int = 3):
        import socket

        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.reader = hiredis.Reader()
        self.ask("HELLO", hello)

    def send(self, *args: Any) -> None:
        self.socket.sendall(command(*args))

    def read(self) -> Any:
        while (value := self.reader.gets()) is False:
            data = self.socket.recv(65536)
            assert data, "closed"
            self.reader.feed(data)
        return value

    def ask(self, *args: Any) -> Any:
        self.send(*args)
        return self.read()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with elixircache.LocalCluster(shards=2, save="") as cluster:
        yield cluster.port


def test_a_key_that_was_read_is_invalidated_once(port: int) -> None:
    reader, writer = Wire(port), Wire(port)
    assert reader.ask("CLIENT", "TRACKING", "ON") == b"OK"
    reader.ask("GET", "tracked")
    writer.ask("SET", "tracked", 1)
    assert reader.read() == [b"invalidate", [b"tracked"]]
    writer.ask("SET", "tracked", 2)
    assert reader.ask("PING") == b"PONG"


def test_bcast_tells_of_every_key_with_the_prefix(port: int) -> None:
    reader, writer = Wire(port), Wire(port)
    assert reader.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:") == b"OK"
    writer.ask("SET", "other", 1)
    writer.ask("SET", "user:1", 1)
    assert reader.read() == [b"invalidate", [b"user:1"]]


def test_optin_remembers_only_what_it_was_asked_to(port: int) -> None:
    reader, writer = Wire(port), Wire(port)
    reader.ask("CLIENT", "TRACKING", "ON", "OPTIN")
    reader.ask("GET", "one")
    assert reader.ask("CLIENT", "CACHING", "YES") == b"OK"
    reader.ask("GET", "two")
    writer.ask("SET", "one", 1)
    writer.ask("SET", "two", 1)
    assert reader.read() == [b"invalidate", [b"two"]]


def test_noloop_hides_ones_own_writes(port: int) -> None:
    client = Wire(port)
    client.ask("CLIENT", "TRACKING", "ON", "NOLOOP")
    client.ask("GET", "mine")
    client.ask("SET", "mine", 1)
    assert client.ask("PING") == b"PONG"


def test_a_redirected_client_of_resp2_hears_it_on_its_channel(port: int) -> None:
    listener, reader, writer = Wire(port, 2), Wire(port, 2), Wire(port)
    target = listener.ask("CLIENT", "ID")
    listener.ask("SUBSCRIBE", "__redis__:invalidate")
    assert reader.ask("CLIENT", "TRACKING", "ON", "REDIRECT", target) == b"OK"
    assert reader.ask("CLIENT", "GETREDIR") == target
    reader.ask("GET", "far")
    writer.ask("SET", "far", 1)
    assert listener.read() == [b"message", b"__redis__:invalidate", [b"far"]]


def test_flushall_invalidates_everything(port: int) -> None:
    reader, writer = Wire(port), Wire(port)
    reader.ask("CLIENT", "TRACKING", "ON")
    reader.ask("GET", "any")
    writer.ask("FLUSHALL")
    assert reader.read() == [b"invalidate", None]


def test_expiry_and_eviction_are_heard_of_from_the_moment_that_one_asks(port: int) -> None:
    cache, listener, writer = Wire(port), Wire(port), Wire(port)
    cache.ask("CLIENT", "TRACKING", "ON")
    assert listener.ask("PSUBSCRIBE", "__keyevent@0__:e*") == [b"psubscribe", b"__keyevent@0__:e*", 1]
    writer.ask("CONFIG", "SET", "notify-keyspace-events", "Exe", "maxmemory-policy", "allkeys-lru")
    try:
        writer.ask("SET", "short", 1, "PX", 50)
        writer.ask("SET", "long", 1)
        assert cache.ask("MGET", "short", "long") == [b"1", b"1"]
        assert cache.read() == [b"invalidate", [b"short"]]
        assert listener.read() == [b"pmessage", b"__keyevent@0__:e*", b"__keyevent@0__:expired", b"short"]
        writer.ask("CONFIG", "SET", "maxmemory", 1)
        assert cache.read() == [b"invalidate", [b"long"]]
        while (event := listener.read())[3] != b"long":  # keys of other tests go as well
            assert event[2] == b"__keyevent@0__:evicted"
        writer.ask("CONFIG", "SET", "notify-keyspace-events", "", "maxmemory", 0)
        writer.ask("SET", "unheard", 1, "PX", 20)
        while writer.ask("EXISTS", "unheard"):
            pass
        assert listener.ask("PING") == b"PONG"
    finally:
        writer.ask("CONFIG", "SET", "notify-keyspace-events", "", "maxmemory", 0, "maxmemory-policy", "noeviction")
