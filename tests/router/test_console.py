"""The console is served whole by the router and asks nothing of any other host."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

import pytest
from websockets.sync.client import connect

import elixircache
import router

CONSOLE = Path(router.__file__).parent / "console"
FILES = sorted(CONSOLE.iterdir())
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
REFERENCES = {
    ".html": r'(?:src|href)="([^"#][^"]*)"',
    ".js": r'(?:from|import) "([^"]+)"|import\("([^"]+)"\)',
    ".css": r"url\(([^)]+)\)|@import ([^;]+)",
}


def references(path):
    """Addresses that a browser would load because of this file."""
    found = re.findall(REFERENCES[path.suffix], path.read_text())
    return ["".join(one) if isinstance(one, tuple) else one for one in found]


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=2) as running:
        yield running


def fetched(cluster, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.ws_port}{path}", timeout=10) as answer:
        return answer.headers["Content-Type"].split(";")[0], answer.read()


def test_the_page_is_served_at_the_root(cluster):
    assert fetched(cluster, "/") == ("text/html", (CONSOLE / "index.html").read_bytes())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_served_with_its_type(cluster, file):
    assert fetched(cluster, f"/{file.name}") == (KINDS[file.suffix], file.read_bytes())


@pytest.mark.parametrize("path", ["/missing.js", "/../server.py", "/%2e%2e/server.py", "/console/index.html"])
def test_nothing_else_is_served(cluster, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(cluster, path)
    assert refused.value.code == 404


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_refers_to_nothing_outside(file):
    names = {one.name for one in FILES}
    for reference in references(file):
        assert reference == "data:," or urljoin("/", reference).lstrip("/") in names
    assert not re.search(r"https?://", file.read_text())


def test_the_page_forbids_the_browser_to_load_from_elsewhere():
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in (CONSOLE / "index.html").read_text()


def test_every_element_that_a_script_looks_up_is_on_the_page():
    ids = set(re.findall(r'\bid="([^"]+)"', (CONSOLE / "index.html").read_text()))
    for file in CONSOLE.glob("*.js"):
        assert set(re.findall(r'\$\("([^"]+)"\)', file.read_text())) <= ids
        for chart in re.findall(r'new Chart\("(\w+)"', file.read_text()):
            assert {f"chart-{chart}", f"now-{chart}"} <= ids


def test_what_the_page_asks_is_answered(cluster):
    """The commands that the page polls with, over the endpoint it uses."""
    with connect(f"ws://127.0.0.1:{cluster.ws_port}/ws/master") as socket:

        def ask(*words):
            socket.send(json.dumps({"type": "COMMAND", "id": words[0], "args": words}))
            answer = json.loads(socket.recv(timeout=10))
            assert answer["id"] == words[0] and "error" not in answer
            return answer["result"]

        ask("HSET", "console:h", "field", "value")
        assert ask("ROLE")[0] == "master"
        cursor, keys = ask("SCAN", "0", "MATCH", "console:*", "COUNT", "200")
        while cursor != "0":
            cursor, more = ask("SCAN", cursor, "MATCH", "console:*", "COUNT", "200")
            keys += more
        assert keys == ["console:h"]
        assert ask("TYPE", "console:h") == "hash"
        assert ask("PTTL", "console:h") == -1
        assert ask("MEMORY", "USAGE", "console:h") > 0
        assert ask("HSCAN", "console:h", "0", "COUNT", "100") == ["0", ["field", "value"]]
    _, text = fetched(cluster, "/metrics")
    assert re.search(rb'elixircache_shard_up\{shard="1"\} 1.0', text)
    assert b"redis_commands_processed_total" in text


def heard_until(socket, last):
    """The BROADCAST messages up to one with this text."""
    heard = []
    while not heard or heard[-1]["message"] != last:
        message = json.loads(socket.recv(timeout=30))
        if message.get("type") == "BROADCAST":
            heard.append(message)
    return heard


def test_a_watcher_is_told_each_step_of_a_replicas_handshake(cluster):
    """The replica endpoint starts a replica group; the master tells what that group does."""
    with connect(f"ws://127.0.0.1:{cluster.ws_port}/ws/master") as watcher:
        watcher.send(json.dumps({"type": "COMMAND", "id": 1, "command": "PING"}))
        assert json.loads(watcher.recv(timeout=10))["result"] == "PONG"
        with connect(f"ws://127.0.0.1:{cluster.ws_port}/ws/slave", open_timeout=30) as replica:
            heard = heard_until(watcher, "Handshake completed successfully")
            replica.send(json.dumps({"type": "COMMAND", "id": 2, "command": "ROLE"}))
            answer = json.loads(replica.recv(timeout=30))
            while answer.get("id") != 2:
                answer = json.loads(replica.recv(timeout=30))
    port = answer["result"][2]
    texts = [message["message"] for message in heard if message["event"]["kind"] == "handshake"]
    snapshot = [message["event"] for message in heard if message["event"]["kind"] == "snapshot"]
    assert {event["shard"] for event in snapshot if "shard" in event} == {0, 1}
    assert [event["progress"] for event in snapshot if "bytes" in event][-1] == 1.0
    assert (answer["result"][0], port) == ("slave", cluster.port)
    assert texts[:3] == ["Handshake started", "Slave -> Master: PING", "Master -> Slave: PONG"]
    assert re.fullmatch(r"Slave -> Master: REPLCONF listening-port \d+", texts[3])
    assert texts[4:8] == [
        "Master -> Slave: OK",
        "Slave -> Master: REPLCONF capa psync2",
        "Master -> Slave: OK",
        "Slave -> Master: PSYNC ? -1",
    ]
    assert re.fullmatch(r"Master -> Slave: FULLRESYNC [0-9a-f]{40} \d+", texts[8])
    assert texts[9:] == ["Handshake completed successfully"]
