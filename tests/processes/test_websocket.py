"""JSON over WebSocket, and the pages beside it, as a browser or a script meets them."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import websockets

import elixircache
from tests.processes.addresses import outside_address
from tests.processes.waiting import stopped, until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=2, save="", bind="0.0.0.0") as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def empty(cluster):
    with cluster.client() as client:
        client.flushall()


def connected(cluster: elixircache.LocalCluster, name: str = "master", **options: Any) -> Any:
    return websockets.connect(f"ws://127.0.0.1:{cluster.ws_port}/ws/{name}", **options)


async def received(socket: Any, kind: str | None = None) -> Any:
    """The next message (of a type); broadcasts to everybody stand between."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 60))
        if kind is None and message.get("type") != "BROADCAST" or kind is not None and message.get("type") == kind:
            return message


async def asked(socket: Any, command: str | None = None, **message: Any) -> Any:
    if command is not None:
        message["command"] = command
    await socket.send(json.dumps({"type": "COMMAND", **message}))
    return await received(socket)


def page(cluster: elixircache.LocalCluster, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{cluster.ws_port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(cluster: elixircache.LocalCluster) -> dict[str, float]:
    status, text = page(cluster, "/metrics")
    assert status == 200
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    return {name: float(value) for name, value in samples}


async def test_a_command_line_may_quote_words(cluster):
    async with connected(cluster) as socket:
        reply = await asked(socket, 'SET greeting "hello there"')
        assert reply == {"type": "COMMAND_RESULT", "connection": "master", "result": "OK"}
        assert (await asked(socket, "GET greeting"))["result"] == "hello there"
    with cluster.client() as client:
        assert client.get("greeting") == b"hello there"


async def test_args_are_taken_as_they_are_and_an_id_comes_back(cluster):
    async with connected(cluster) as socket:
        assert (await asked(socket, args=["SET", "a key", 'with "quotes"']))["result"] == "OK"
        assert await asked(socket, args=["GET", "a key"], id=7) == {
            "type": "COMMAND_RESULT",
            "connection": "master",
            "id": 7,
            "result": 'with "quotes"',
        }


async def test_bytes_that_are_no_text_travel_as_base64_both_ways(cluster):
    async with connected(cluster) as socket:
        assert (await asked(socket, args=["SET", "raw", {"base64": "/wCA"}]))["result"] == "OK"
        assert (await asked(socket, "GET raw"))["result"] == {"base64": "/wCA"}
    with cluster.client() as client:
        assert client.get("raw") == b"\xff\x00\x80"


async def test_format_resp_gives_what_redis_would_send(cluster):
    async with connected(cluster) as socket:
        assert (await asked(socket, "SET n 1", format="resp"))["result"] == "+OK\r\n"
        assert (await asked(socket, "INCR n", format="resp"))["result"] == ":2\r\n"
        assert (await asked(socket, "GET n", format="resp"))["result"] == "$1\r\n2\r\n"
        assert (await asked(socket, "GET missing", format="resp"))["result"] == "$-1\r\n"


async def test_replies_of_every_shape_become_json(cluster):
    async with connected(cluster) as socket:
        await asked(socket, "RPUSH list a b c")
        assert (await asked(socket, "LRANGE list 0 -1"))["result"] == ["a", "b", "c"]
        await asked(socket, "HSET hash f 1 g 2")
        assert (await asked(socket, "HGETALL hash"))["result"] == {"f": "1", "g": "2"}
        assert (await asked(socket, "GET missing"))["result"] is None
        assert (await asked(socket, "MGET list missing"))["result"] == [None, None]


async def test_an_error_of_a_command_has_code_and_message(cluster):
    async with connected(cluster) as socket:
        await asked(socket, "SET word abc")
        assert (await asked(socket, "INCR word"))["error"] == {
            "code": "ERR",
            "message": "value is not an integer or out of range",
        }
        assert (await asked(socket, "LPUSH word x"))["error"]["code"] == "WRONGTYPE"
        assert (await asked(socket, "NOSUCHCOMMAND"))["error"]["message"].startswith("unknown command")


@pytest.mark.parametrize("text", ["{bad", "", '{"type": "COMMAND"', "\u0000"])
async def test_bad_json_is_said_and_the_connection_goes_on(cluster, text):
    async with connected(cluster) as socket:
        await socket.send(text)
        assert await received(socket) == {"error": "Invalid JSON"}
        assert (await asked(socket, "PING"))["result"] == "PONG"


@pytest.mark.parametrize(
    "message",
    [[], "PING", 5, {"type": "NOTHING"}, {"type": "COMMAND"}, {"type": "COMMAND", "args": []},
     {"type": "COMMAND", "args": "GET a"}, {"type": "COMMAND", "args": ["SET", "a", {"base64": "?"}]},
     {"type": "COMMAND", "command": 'GET "a'}],
)  # fmt: skip
async def test_json_that_is_no_command_is_an_error_and_the_connection_goes_on(cluster, message):
    async with connected(cluster) as socket:
        await socket.send(json.dumps(message))
        assert "error" in await received(socket)
        assert (await asked(socket, "PING"))["result"] == "PONG"


async def test_many_commands_in_a_row_are_answered_in_order(cluster):
    async with connected(cluster) as socket:
        for number in range(300):
            await socket.send(
                json.dumps({"type": "COMMAND", "args": ["SET", f"k{number}", str(number)], "id": 2 * number})
            )
            await socket.send(json.dumps({"type": "COMMAND", "args": ["GET", f"k{number}"], "id": 2 * number + 1}))
        for number in range(300):
            assert (await received(socket))["id"] == 2 * number
            got = await received(socket)
            assert (got["id"], got["result"]) == (2 * number + 1, str(number))


async def test_a_transaction_over_both_shards(cluster):
    async with connected(cluster) as socket:
        assert (await asked(socket, "MULTI"))["result"] == "OK"
        for key in "abcd":
            assert (await asked(socket, f"INCR {key}"))["result"] == "QUEUED"
        with cluster.client() as client:
            assert client.mget(*"abcd") == [None] * 4
        assert (await asked(socket, "EXEC"))["result"] == [1, 1, 1, 1]


async def test_a_blocked_command_is_answered_when_there_is_something(cluster):
    async with connected(cluster) as socket:
        await socket.send(json.dumps({"type": "COMMAND", "command": "BLPOP queue 20", "id": "pop"}))
        with cluster.client() as client:
            until(lambda: client.info("clients")["blocked_clients"])
            client.rpush("queue", "job")
        reply = await received(socket)
        assert (reply["id"], reply["result"]) == ("pop", ["queue", "job"])


async def test_subscriptions_push_messages(cluster):
    async with connected(cluster) as socket:
        assert (await asked(socket, "SUBSCRIBE news"))["result"] == ["subscribe", "news", 1]
        assert (await asked(socket, "PSUBSCRIBE n*"))["result"] == ["psubscribe", "n*", 2]
        with cluster.client() as client:
            assert client.publish("news", "hello") == 2
        assert await received(socket, "MESSAGE") == {
            "type": "MESSAGE",
            "kind": "message",
            "connection": "master",
            "channel": "news",
            "message": "hello",
        }
        matched = await received(socket, "MESSAGE")
        assert (matched["kind"], matched["channel"], matched["message"]) == ("pmessage", "news", "hello")
        assert (await asked(socket, "PING"))["result"] == "PONG"  # commands go on, as in RESP3


async def test_monitor_pushes_what_others_do_until_reset(cluster):
    async with connected(cluster) as socket:
        assert (await asked(socket, "MONITOR"))["result"] == "OK"
        with cluster.client() as client:
            client.set("watched", "x")
            shown = await received(socket, "MESSAGE")
            while '"SET" "watched" "x"' not in shown["message"]:  # what a new client says of itself comes first
                shown = await received(socket, "MESSAGE")
            assert shown["kind"] == "monitor"
            await socket.send(json.dumps({"type": "COMMAND", "command": "RESET"}))
            assert (await received(socket, "COMMAND_RESULT"))["result"] == "RESET"
            client.set("watched", "y")
        assert (await asked(socket, "GET watched"))["result"] == "y"


async def test_whatever_protocol_a_client_names_its_answers_are_told_from_pushes(cluster):
    async with connected(cluster) as socket:
        for command in ("HELLO 2", "RESET"):
            assert "error" not in await asked(socket, command)
            assert (await asked(socket, "SUBSCRIBE news"))["result"][0] == "subscribe"
            with cluster.client() as client:
                client.publish("news", "hello")
            assert (await received(socket, "MESSAGE"))["message"] == "hello"
            assert (await asked(socket, "PING"))["result"] == "PONG"
        assert "every request is answered" in (await asked(socket, "CLIENT REPLY OFF"))["error"]
        assert (await asked(socket, "PING"))["result"] == "PONG"


async def test_slave_connections_start_exactly_one_replica_and_cannot_write(cluster):
    with cluster.client() as client:
        client.mset({f"k{number}": number for number in range(50)})
        assert client.execute_command("ROLE")[2] == []
    sockets = await asyncio.gather(*(connected(cluster, "slave", open_timeout=60) for _ in range(3)))
    try:
        replies = await asyncio.gather(*(asked(socket, "GET k49") for socket in sockets))
        assert [(reply["connection"], reply["result"]) for reply in replies] == [("slave", "49")] * 3
        refused = await asked(sockets[0], "SET k49 changed")
        assert refused["error"] == {"code": "READONLY", "message": "You can't write against a read only replica."}
        with cluster.client() as client:
            assert len(client.execute_command("ROLE")[2]) == 1
            assert client.get("k49") == b"49"
            client.set("later", "seen")
            assert client.wait(1, 10_000) == 1
        assert (await asked(sockets[1], "GET later"))["result"] == "seen"
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))


async def test_a_wrong_endpoint_or_foreign_page_is_refused(cluster):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connected(cluster, "nothing")
    assert refused.value.response.status_code == 404
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connected(cluster, origin="http://evil.example")
    assert refused.value.response.status_code == 403


async def test_protected_mode_keeps_other_machines_out_until_it_is_switched_off(cluster):
    host = outside_address()
    address = f"ws://{host}:{cluster.ws_port}/ws/master"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(address)
    assert refused.value.response.status_code == 403 and b"protected mode" in refused.value.response.body
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://{host}:{cluster.ws_port}/metrics")
    with cluster.client() as client:
        client.config_set("protected-mode", "no")
        try:
            async with websockets.connect(address) as socket:
                assert (await asked(socket, "PING"))["result"] == "PONG"
        finally:
            client.config_set("protected-mode", "yes")


async def test_an_abrupt_end_leaves_nothing_behind(cluster):
    with cluster.client() as client:
        client.ping()

        def clients() -> float:
            return metrics(cluster)["redis_connected_clients"]

        until(lambda: clients() == 1)  # those of the tests before have gone
        before = 1
        async with connected(cluster) as socket:
            await asked(socket, "PING")
            await socket.send(json.dumps({"type": "COMMAND", "command": "BLPOP nothing 0"}))
            assert until(lambda: clients() == before + 1)
            socket.transport.abort()
        assert until(lambda: clients() == before)
        client.rpush("nothing", "still there")
        assert client.lrange("nothing", 0, -1) == [b"still there"]


def test_the_pages_for_people_and_monitoring(cluster):
    assert page(cluster, "/healthz") == (200, "ok\n")
    assert page(cluster, "/readyz") == (200, "ready\n")
    assert page(cluster, "/../server.py")[0] == 404
    until(lambda: metrics(cluster)["redis_connected_clients"] == 0)  # those of the tests before have gone
    before = metrics(cluster)
    with cluster.client() as client:
        client.mset({"a": 1, "b": 2, "c": 3})
        client.incr("a")
        after = metrics(cluster)
    assert after["redis_up"] == 1
    assert after["redis_connected_clients"] == before["redis_connected_clients"] + 1
    assert after["redis_commands_processed_total"] >= before["redis_commands_processed_total"] + 2
    assert (after['elixircache_shard_up{shard="0"}'], after['elixircache_shard_up{shard="1"}']) == (1, 1)


def test_metrics_have_the_names_of_redis_exporter_and_tell_of_each_shard(cluster):
    with cluster.client() as client:
        # Much more than what a process may still load of its own code meanwhile, which counts, too.
        for number in range(20):
            client.set(f"k{number}", "x" * 1_000_000)
        client.expire("k1", 1000)
        client.get("k1")
        found = metrics(cluster)
        info = client.info()
    assert found['redis_db_keys{db="db0"}'] == 20 and found['redis_db_keys_expiring{db="db0"}'] == 1
    assert found["redis_memory_used_bytes"] == pytest.approx(info["used_memory"], rel=0.2)
    assert found['redis_commands_total{cmd="get"}'] >= 1
    assert found["redis_net_input_bytes_total"] > 0 and found["redis_expired_keys_total"] >= 0
    assert any(name.startswith("redis_instance_info{") and 'role="master"' in name for name in found)
    by_shard = [found[f'elixircache_shard_keys{{shard="{shard}"}}'] for shard in (0, 1)]
    assert sum(by_shard) == 20 and min(by_shard) > 0
    assert found['elixircache_link_commands_total{shard="0"}'] >= found['elixircache_link_batches_total{shard="0"}'] > 0
    assert found['elixircache_process_cpu_seconds_total{process="shard-1"}'] > 0


def dashboard_expressions() -> list[str]:
    dashboard = json.loads((ROOT / "compose/grafana/dashboards/elixircache.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


def test_the_dashboard_asks_for_metrics_that_there_are(cluster):
    text = page(cluster, "/metrics")[1]
    types = dict(line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE "))
    wanted = {name for text in dashboard_expressions() for name in re.findall(r"\b(?:redis|elixircache)_\w+", text)}
    assert len(wanted) > 10
    assert wanted <= {name for name, kind in types.items()}
    assert all(name.endswith("_total") == (types[name] == "counter") for name in wanted)


def test_promtool_finds_no_fault_with_metrics_configuration_and_dashboard(cluster, tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not installed")

    def check(*words: Any, given: str = "") -> str:
        """What it finds fault with."""
        done = subprocess.run([promtool, "check", *words], input=given, capture_output=True, text=True, timeout=30)
        assert done.returncode in (0, 3), done.stdout + done.stderr  # 3: a matter of style
        return done.stderr if done.returncode else ""

    assert check("config", ROOT / "compose/prometheus.yml") == ""
    faults = check("metrics", given=page(cluster, "/metrics")[1]).splitlines()
    assert [line for line in faults if "redis_instantaneous_ops_per_sec" not in line] == []  # redis_exporter's name
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(dashboard_expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert check("rules", file) == ""


def test_readyz_says_503_while_a_shard_is_away(cluster):
    with stopped(cluster.supervisor_pid):  # so that it does not come back before it is asked for
        cluster.kill_shard(1)
        until(lambda: page(cluster, "/readyz")[0] == 503)
        assert page(cluster, "/healthz")[0] == 200
    until(lambda: page(cluster, "/readyz")[0] == 200)
