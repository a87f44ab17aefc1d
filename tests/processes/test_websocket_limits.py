"""Who may come in over WebSocket, what they are told before they have said who they are, and what limits hold."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
import websockets

import elixircache
from tests.processes.waiting import until


def address(cluster: elixircache.LocalCluster, name: str = "master", query: str = "") -> str:
    return f"ws://127.0.0.1:{cluster.ws_port}/ws/{name}{query}"


async def asked(socket: Any, command: str) -> Any:
    await socket.send(json.dumps({"type": "COMMAND", "command": command, "id": command}))
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 60))
        if message.get("id") == command:
            return message


async def heard_until(socket: Any, is_last: Callable[[Any], bool]) -> list[Any]:
    """What comes up to a certain message."""
    found: list[Any] = []
    while not found or not is_last(found[-1]):
        found.append(json.loads(await asyncio.wait_for(socket.recv(), 60)))
    return found


async def heard(socket: Any) -> list[Any]:
    """What has been sent by now."""
    await socket.send(json.dumps({"type": "COMMAND", "command": "PING", "id": "the end"}))
    return (await heard_until(socket, lambda message: message.get("id") == "the end"))[:-1]


@pytest.fixture(scope="module")
def guarded():
    with elixircache.LocalCluster(shards=1, save="", requirepass="secret") as cluster:
        yield cluster


@pytest.mark.parametrize("name", ["master", "slave"])
async def test_a_password_comes_before_everything_on_both_endpoints(guarded, name):
    with guarded.client() as client:
        client.set("k", "v")
    async with websockets.connect(address(guarded, name), open_timeout=60) as socket:
        assert (await asked(socket, "GET k"))["error"]["code"] == "NOAUTH"
        await socket.send(json.dumps({"type": "reset_server"}))
        assert "NOAUTH" in json.dumps(json.loads(await asyncio.wait_for(socket.recv(), 20)))
        assert (await asked(socket, "AUTH wrong"))["error"]["code"] == "WRONGPASS"
        assert (await asked(socket, "GET k"))["error"]["code"] == "NOAUTH"
        assert (await asked(socket, "AUTH default secret"))["result"] == "OK"
        assert (await asked(socket, "GET k"))["result"] == "v"


async def test_events_are_told_only_to_who_has_given_the_password(guarded):
    async with websockets.connect(address(guarded)) as stranger, websockets.connect(address(guarded)) as known:
        assert (await asked(known, "AUTH secret"))["result"] == "OK"
        guarded.kill_shard(0)
        with guarded.client() as client:
            until(lambda: client.set("a", "b"))
        kinds = [one["event"]["kind"] for one in await heard(known) if one["type"] == "BROADCAST"]
        assert [kind for kind in kinds if kind.startswith("shard")] == ["shard_lost", "shard_up"]
        assert await heard(stranger) == []


async def test_reset_server_empties_the_data_and_is_told_to_everybody():
    with elixircache.LocalCluster(shards=2, save="") as cluster, cluster.client() as client:
        client.mset({"a": 1, "b": 2, "c": 3})
        async with websockets.connect(address(cluster)) as one, websockets.connect(address(cluster)) as other:
            await asked(other, "PING")
            await one.send(json.dumps({"type": "reset_server", "id": 5}))
            messages = await heard_until(one, lambda message: message.get("id") == 5)
            assert {"type": "COMMAND_RESULT", "connection": "master", "id": 5, "result": "OK"} in messages
            told = await heard_until(other, lambda message: message["type"] == "BROADCAST")
            told += [message for message in await heard(other) if message["type"] == "BROADCAST"]
            assert [(message["event"]["kind"], message["connection"]) for message in told] == [("reset", "master")]
        assert client.dbsize() == 0


async def test_reset_server_needs_the_right_to_flush():
    with elixircache.LocalCluster(shards=1, save="") as cluster, cluster.client() as client:
        client.set("a", 1)
        client.execute_command("CONFIG", "SET", "replica-read-only", "yes")
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        async with websockets.connect(address(cluster, "slave")) as socket:
            await socket.send(json.dumps({"type": "reset_server", "id": 1}))
            messages = await heard_until(socket, lambda message: message.get("id") == 1)
            assert messages[-1]["error"]["code"] == "READONLY"
            messages += await heard(socket)
            assert not [message for message in messages if message.get("event", {}).get("kind") == "reset"]
        client.execute_command("REPLICAOF", "NO", "ONE")
        assert client.get("a") == b"1"


@pytest.fixture(scope="module")
def limited_cluster():
    options = {
        "ws-max-message-size": 2048,
        "ws-max-clients": 2,
        "ws-token": "let-me-in",
        "ws-allowed-origins": "http://good.example",
    }
    options |= {"ws-start-replica": "no", "client-output-buffer-limit": "pubsub 1mb 0 0", "log-format": "json"}
    with elixircache.LocalCluster(
        shards=1, save="", **{name.replace("-", "_"): value for name, value in options.items()}
    ) as cluster:
        yield cluster


@pytest.fixture
def limited(limited_cluster):
    """A cluster that knows of no client; those of the tests before count for its limit until it has seen that they have gone."""
    with limited_cluster.client() as client:
        until(lambda: client.info("clients")["connected_clients"] == 1)
    return limited_cluster


TOKEN = "?token=let-me-in"


async def status_of(*words: Any, **options: Any) -> int:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(*words, **options)
    return int(refused.value.response.status_code)


async def test_a_token_is_asked_for_everywhere_but_health(limited):
    assert await status_of(address(limited)) == 401
    assert await status_of(address(limited, query="?token=other")) == 401
    async with websockets.connect(address(limited), additional_headers={"Authorization": "Bearer let-me-in"}) as socket:
        assert (await asked(socket, "PING"))["result"] == "PONG"
    base = f"http://127.0.0.1:{limited.ws_port}"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{base}/metrics")
    assert refused.value.code == 401
    assert b"redis_up 1.0" in urllib.request.urlopen(f"{base}/metrics{TOKEN}").read()
    assert urllib.request.urlopen(f"{base}/healthz").status == 200


async def test_pages_of_other_origins_are_refused_unless_they_are_listed(limited):
    assert await status_of(address(limited, query=TOKEN), origin="http://evil.example") == 403
    for origin in ("http://good.example", f"http://127.0.0.1:{limited.ws_port}"):
        async with websockets.connect(address(limited, query=TOKEN), origin=origin) as socket:
            assert (await asked(socket, "PING"))["result"] == "PONG"


async def test_a_message_over_the_limit_ends_that_connection_only(limited):
    async with (
        websockets.connect(address(limited, query=TOKEN)) as large,
        websockets.connect(address(limited, query=TOKEN)) as other,
    ):
        await large.send(json.dumps({"type": "COMMAND", "args": ["SET", "k", "x" * 5000]}))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(large.recv(), 20)
        assert closed.value.rcvd.code == 1009
        assert (await asked(other, "EXISTS k"))["result"] == 0


async def test_connections_over_the_limit_are_refused_until_one_ends(limited):
    async with (
        websockets.connect(address(limited, query=TOKEN)),
        websockets.connect(address(limited, query=TOKEN)) as second,
    ):
        assert await status_of(address(limited, query=TOKEN)) == 503
        await second.close()
        async with asyncio.timeout(20):  # or the place of a closed connection stays taken
            while True:
                try:
                    async with websockets.connect(address(limited, query=TOKEN)) as third:
                        assert (await asked(third, "PING"))["result"] == "PONG"
                        break
                except websockets.InvalidStatus:
                    await asyncio.sleep(0.02)


async def test_a_replica_is_not_started_when_that_is_switched_off(limited):
    async with websockets.connect(address(limited, "slave", TOKEN)) as socket:
        assert "no replica group runs" in json.loads(await asyncio.wait_for(socket.recv(), 20))["error"]
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 20)


async def test_a_reader_that_is_too_slow_is_closed_and_others_are_unharmed(limited):
    reader, writer = await asyncio.open_connection("127.0.0.1", limited.ws_port, limit=4096)
    writer.write(
        b"GET /ws/master?token=let-me-in HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    text = json.dumps({"type": "COMMAND", "command": "SUBSCRIBE news"}).encode()
    writer.write(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)  # masked with zeros
    assert b"subscribe" in await reader.read(4096)
    async with websockets.connect(address(limited, query=TOKEN)) as other:
        with limited.client() as client:  # the slow one reads nothing any more
            published = 0
            while client.publish("news", "x" * 100_000) == 1:
                published += 1
                assert published < 2000, "it is never closed"
        assert (await asked(other, "PING"))["result"] == "PONG"
    writer.close()


def test_logs_are_json_when_that_is_chosen(limited):
    limited.kill_shard(0)
    limited.wait_until_serving()
    lines = [json.loads(line) for line in limited.log_path.read_text().splitlines()]
    assert all({"time", "pid", "role", "level", "message"} <= line.keys() for line in lines)
    assert {"supervisor", "router"} <= {line["role"].split()[0] for line in lines}
    assert any("shard 0 is back" in line["message"] for line in lines)
