"""Client-side caching and keyspace notifications, with real connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hiredis
import pytest

import elixircache
from cluster.slots import slot_map, slot_of
from cluster.wire import command


class Wire:
    """A bare RESP3 connection: what arrives is seen in order, pushes among the replies."""

    def __init__(self, port: int, hello: int = 3):
        import socket

        self.socket = socket.create_connection(("127.0.0.1", port), 20)
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


def test_prefixes_that_overlap_are_refused_in_the_words_of_redis(port: int) -> None:
    client = Wire(port)

    def refused(*prefixes: str) -> str:
        words = [word for prefix in prefixes for word in ("PREFIX", prefix)]
        return str(client.ask("CLIENT", "TRACKING", "ON", "BCAST", *words)).partition(". ")[0]

    assert refused("sx", "s") == "ERR Prefix 'sx' overlaps with another provided prefix 's'"
    assert refused("s", "") == "ERR Prefix 's' overlaps with another provided prefix ''"
    assert client.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "foo") == b"OK"
    assert refused("fo") == "ERR Prefix 'fo' overlaps with an existing prefix 'foo'"
    assert refused("foo") == "ERR Prefix 'foo' overlaps with an existing prefix 'foo'"


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


def test_what_was_written_before_the_mode_changed_is_told_as_that_mode_says(port: int) -> None:
    client = Wire(port)
    lines = ("CLIENT TRACKING ON NOLOOP", "GET mine", "SET mine 1", "CLIENT TRACKING ON", "GET mine", "SET mine 2", "ECHO end")
    client.socket.sendall(b"".join(command(*line.split()) for line in lines))  # in one breath
    heard = [client.read() for _ in lines]
    heard += [client.read()]  # with one push among the replies
    assert heard.count([b"invalidate", [b"mine"]]) == 1
    assert told(client, Wire(port)) == []


def test_noloop_does_not_hide_that_ones_own_key_has_expired(port: int) -> None:
    client = Wire(port)
    client.ask("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP")
    client.ask("SET", "passing", 1, "PX", 1)
    assert client.read() == [b"invalidate", [b"passing"]]


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
    assert told(reader, writer) == []  # once, though every shard was emptied


def test_expiry_and_eviction_are_heard_of_from_the_moment_that_one_asks(port: int) -> None:
    cache, listener, writer = Wire(port), Wire(port), Wire(port)
    cache.ask("CLIENT", "TRACKING", "ON")
    assert listener.ask("PSUBSCRIBE", "__keyevent@0__:e*") == [b"psubscribe", b"__keyevent@0__:e*", 1]
    writer.ask("CONFIG", "SET", "notify-keyspace-events", "Exe", "maxmemory-policy", "allkeys-lru")
    try:
        lines = ("SET short 1 PX 1000", "SET long 1", "MGET short long")  # in one breath: it is read before it expires
        cache.socket.sendall(b"".join(command(*line.split()) for line in lines))
        assert [cache.read() for _ in lines] == [b"OK", b"OK", [b"1", b"1"]]
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


@pytest.fixture(scope="module")
def apart(port: int) -> list[str]:
    """Two keys of shard 0 and two of shard 1."""
    owners = slot_map(2)
    of = {shard: [key for key in map("apart:{}".format, range(99)) if owners[slot_of(key.encode())] == shard] for shard in (0, 1)}
    return [*of[0][:2], *of[1][:2]]


def told(listener: Wire, asker: Wire) -> list[Any]:
    """What has been pushed to a listener: an answer of all shards to another client comes behind it."""
    asker.ask("DBSIZE")
    listener.send("ECHO", "end")
    found = []
    while (value := listener.read()) != b"end":
        found.append(value)
    return found


@pytest.mark.parametrize(
    ("setup", "operation", "events"),
    [
        ("SET a x", "RENAME a c", [("a", "rename_from"), ("c", "rename_to")]),
        ("SET a x", "COPY a c", [("c", "copy_to")]),
        ("SADD a x y", "SUNIONSTORE c a b", [("c", "sunionstore")]),
        ("SADD a x y", "SMOVE a c x", [("a", "srem"), ("c", "sadd")]),
        ("RPUSH a x", "LMOVE a c LEFT RIGHT", [("a", "lpop"), ("a", "del"), ("c", "rpush")]),
        ("RPUSH a x y z", "LMPOP 2 c a LEFT", [("a", "lpop")]),
        ("RPUSH a x", "LMPOP 2 c a LEFT", [("a", "lpop"), ("a", "del")]),
        ("ZADD a 1 x 2 y", "ZMPOP 2 c a MAX COUNT 2", [("a", "zpopmax"), ("a", "del")]),
    ],
)
def test_an_operation_over_shards_tells_the_events_that_redis_tells(
    port: int, apart: list[str], setup: str, operation: str, events: list[tuple[str, str]]
) -> None:
    keys = dict(zip("abcd", apart, strict=True))
    client, listener = Wire(port), Wire(port)
    client.ask("FLUSHALL")
    client.ask(*(keys.get(word, word) for word in setup.split()))
    client.ask("CONFIG", "SET", "notify-keyspace-events", "KA")
    listener.ask("PSUBSCRIBE", "__keyspace@0__:*")
    client.ask(*(keys.get(word, word) for word in operation.split()))
    heard = [(push[2].rpartition(b"__:")[2].decode(), push[3].decode()) for push in told(listener, client)]
    client.ask("CONFIG", "SET", "notify-keyspace-events", "")
    wanted = [(keys[key], event) for key, event in events]
    assert {key: [e for k, e in heard if k == key] for key, _ in heard} == {
        key: [e for k, e in wanted if k == key] for key, _ in wanted
    }


def test_copy_looks_its_target_up_to_write_it(port: int) -> None:
    client, listener = Wire(port), Wire(port)
    client.ask("CONFIG", "SET", "notify-keyspace-events", "Em")
    listener.ask("PSUBSCRIBE", "__keyevent@0__:*")
    client.ask("SET", "{copy}1", 1)
    client.ask("COPY", "{copy}1", "{copy}2")
    client.ask("COPY", "{copy}3", "{copy}4")
    assert [push[3] for push in told(listener, client)] == [b"{copy}3"]
    client.ask("CONFIG", "SET", "notify-keyspace-events", "")


def test_a_key_that_a_transaction_makes_and_moves_away_was_touched(port: int, apart: list[str]) -> None:
    """For Redis it does not matter that it is as it was before."""
    a, _, c, _ = apart
    for key, other in ((a, c), (c, a)):
        cache, watcher, writer = Wire(port), Wire(port), Wire(port)
        writer.ask("FLUSHALL")
        cache.ask("CLIENT", "TRACKING", "ON")
        cache.ask("GET", key)
        watcher.ask("WATCH", key)
        for words in (["MULTI"], ["HSET", key, "f", "v"], ["RENAMENX", key, other], ["EXEC"]):
            writer.ask(*words)
        assert told(cache, writer) == [[b"invalidate", [key.encode()]]]
        watcher.ask("MULTI")
        assert watcher.ask("EXEC") is None


def test_a_miss_is_an_event_and_counted_for_writes_that_read_too(port: int) -> None:
    client, listener = Wire(port), Wire(port)
    client.ask("FLUSHALL")
    client.ask("CONFIG", "SET", "notify-keyspace-events", "Em")
    listener.ask("PSUBSCRIBE", "__keyevent@0__:*")
    client.ask("GET", "{m}1")
    client.ask("SUNIONSTORE", "{m}2", "{m}3")
    client.ask("SET", "{m}4", "x")
    assert [push[3] for push in told(listener, client)] == [b"{m}1", b"{m}3"]
    client.ask("CONFIG", "SET", "notify-keyspace-events", "")


def test_what_a_transaction_reads_is_tracked(port: int, apart: list[str]) -> None:
    a, _, c, _ = apart
    client, writer = Wire(port), Wire(port)
    client.ask("CLIENT", "TRACKING", "ON")
    for words in (["MULTI"], ["GET", a], ["GET", c], ["EXEC"]):
        client.ask(*words)
    writer.ask("MSET", a, 1, c, 2)
    assert sorted(push[1] for push in told(client, writer)) == sorted([[a.encode()], [c.encode()]])


def test_what_an_operation_over_shards_reads_is_tracked(port: int, apart: list[str]) -> None:
    a, _, c, _ = apart
    client, writer = Wire(port), Wire(port)
    client.ask("CLIENT", "TRACKING", "ON")
    writer.ask("DEL", a, c)
    client.ask("SINTER", a, c)
    writer.ask("SADD", c, "x")
    assert [push[1] for push in told(client, writer)] == [[c.encode()]]


def test_noloop_is_told_nothing_of_its_own_operation_over_shards(port: int, apart: list[str]) -> None:
    a, _, c, _ = apart
    client, writer = Wire(port), Wire(port)
    client.ask("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP", "PREFIX", "apart:")
    client.ask("SET", a, "x")
    client.ask("RENAME", a, c)
    assert told(client, writer) == []
    writer.ask("RENAME", c, a)
    assert sorted(push[1] for push in told(client, writer)) == sorted([[a.encode()], [c.encode()]])


def test_what_was_changed_before_tracking_ends_is_still_told(port: int) -> None:
    client = Wire(port)
    client.ask("CLIENT", "TRACKING", "ON")
    client.ask("GET", "late")
    client.send("SET", "late", 1)
    client.send("CLIENT", "TRACKING", "OFF")
    client.send("ECHO", "end")
    heard = []
    while (value := client.read()) != b"end":
        heard.append(value)
    assert [b"invalidate", [b"late"]] in heard
