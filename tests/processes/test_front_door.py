"""Who may come in, how long it may be idle, and what the administrative commands say to it."""

import os
import socket
import stat
import threading
import time
from types import SimpleNamespace

import pytest
import redis

import elixircache
from cluster.config import Config
from router.server import PROTECTED, Server
from tests.conformance.targets import RedisServer
from tests.peers import peer
from tests.processes.waiting import until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    path = tmp_path_factory.mktemp("door") / "redis.sock"
    with elixircache.LocalCluster(shards=2, unixsocket=str(path), unixsocketperm="700") as running:
        running.path = path
        yield running


@pytest.fixture
def client(cluster):
    with cluster.client(decode_responses=True) as found:
        yield found


@pytest.fixture(scope="module")
def oracle():
    peer("redis-server")
    with RedisServer() as target:
        yield target.address


def closed(link: socket.socket, seconds: float = 20) -> bool:
    link.settimeout(seconds)
    try:
        return link.recv(65536) == b""
    except TimeoutError:
        return False


def test_the_unix_socket_serves_with_the_permissions_asked_for(cluster, client):
    assert stat.S_IMODE(os.stat(cluster.path).st_mode) == 0o700
    with redis.Redis(unix_socket_path=str(cluster.path), decode_responses=True) as local:
        assert local.set("a", "1")
        mine = local.client_info()
    assert mine["addr"] == f"{cluster.path}:0" and "U" in mine["flags"]
    assert client.get("a") == "1"


def knocked(address, **config) -> bytes:
    """What a client from this address is told before anything else, b"" when it is let in."""
    told = []
    server = SimpleNamespace(
        config=Config(config),
        router=SimpleNamespace(clients=[], stats=SimpleNamespace(rejected_connections=0)),
        refuse=lambda sock, text: told.append(text),
    )
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    sock = SimpleNamespace(family=socket.AF_INET, setblocking=lambda on: None)
    try:
        Server.welcome(server, sock, address)
    except AttributeError:
        pass  # it went on to serve a socket that is none
    finally:
        ours.close()
        theirs.close()
    return told[0] if told else b""


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_protected_mode_lets_loopback_in(address):
    assert knocked((address, 1000)) == b""


def test_protected_mode_refuses_everybody_else_until_there_is_a_password():
    assert knocked(("192.0.2.1", 1000)) == PROTECTED
    assert knocked(("2001:db8::1", 1000)) == PROTECTED
    assert knocked(("192.0.2.1", 1000), requirepass="secret") == b""
    assert knocked(("192.0.2.1", 1000), **{"protected-mode": "no"}) == b""


def test_an_idle_client_is_closed_after_timeout_and_a_subscriber_is_not(cluster, client):
    with socket.create_connection(("127.0.0.1", cluster.port)) as idle, client.pubsub() as listener:
        listener.subscribe("news")
        assert listener.get_message(timeout=5)["type"] == "subscribe"
        client.config_set("timeout", 1)
        try:
            assert closed(idle)
            assert client.publish("news", "still here") == 1
        finally:
            client.config_set("timeout", 0)


def test_more_clients_than_maxclients_are_told_so(cluster, client):
    until(lambda: client.info("clients")["connected_clients"] == 1)  # those of the tests before have gone
    client.config_set("maxclients", 2)
    try:
        with (
            socket.create_connection(("127.0.0.1", cluster.port)) as second,
            socket.create_connection(("127.0.0.1", cluster.port)) as third,
        ):
            second.sendall(b"PING\r\n")
            assert second.recv(100) == b"+PONG\r\n"
            assert third.recv(100) == b"-ERR max number of clients reached\r\n"
            assert closed(third)
    finally:
        client.config_set("maxclients", 10000)
    assert client.info("stats")["rejected_connections"] >= 1


def test_accepted_connections_are_kept_alive_by_the_kernel(cluster):
    with socket.create_connection(("127.0.0.1", cluster.port)) as link:
        link.sendall(b"PING\r\n")
        assert link.recv(100) == b"+PONG\r\n"
        here, there = f":{cluster.port:04X}", f":{link.getsockname()[1]:04X}"
        with open("/proc/net/tcp") as file:
            rows = [row.split() for row in file]
    (timer,) = [row[5] for row in rows if row[1].endswith(here) and row[2].endswith(there)]
    assert timer.startswith("02:")  # a keepalive timer runs


# A command a line; each is sent on a connection of its own.
SAME_AS_REDIS = """
CLIENT NO-EVICT maybe | CLIENT NO-EVICT on | CLIENT REPLY foo | CLIENT PAUSE abc | CLIENT PAUSE 10 foo | CLIENT PAUSE -1
CLIENT KILL TYPE foo | CLIENT KILL ID 0 | CLIENT KILL ID abc | CLIENT KILL SKIPME maybe | CLIENT KILL foo bar baz
CLIENT KILL 1.2.3.4:5 | CLIENT KILL USER nobody | CLIENT LIST TYPE foo | CLIENT LIST ID abc | CLIENT LIST ID 99999
CLIENT LIST TYPE master | CLIENT UNBLOCK abc | CLIENT UNBLOCK 1 foo | CLIENT foo | CLIENT GETREDIR | CLIENT TRACKINGINFO
SLOWLOG GET abc | SLOWLOG GET -2 | SLOWLOG foo | DEBUG foo | DEBUG SLEEP 0.01 | DEBUG SLEEP | DEBUG OBJECT nokey
DEBUG SET-ACTIVE-EXPIRE 1 | DEBUG SET-ACTIVE-EXPIRE | DEBUG RELOAD | LOLWUT VERSION x | SHUTDOWN foo | SHUTDOWN ABORT
SHUTDOWN ABORT NOW | SHUTDOWN SAVE NOSAVE | CLUSTER foo | CONFIG SET foo bar | CONFIG SET maxmemory abc | CONFIG GET foo
CONFIG SET appendonly | CONFIG SET save abc | CONFIG SET maxmemory 1mb maxmemory 2mb | CONFIG RESETSTAT | CONFIG REWRITE
CONFIG SET loglevel foo | CONFIG SET timeout -1 | LATENCY LATEST | LATENCY HISTORY foo | LATENCY RESET | LATENCY GRAPH foo
LATENCY foo | LATENCY HISTOGRAM foo | MEMORY USAGE nokey | MEMORY USAGE foo SAMPLES -1 | SWAPDB 0 99 | SWAPDB a 1
SWAPDB 1 a | SELECT 99 | SELECT abc | TIME x | ROLE | HELLO 4 | HELLO abc | HELLO 3 AUTH a | HELLO 2 SETNAME | AUTH foo
AUTH default foo | AUTH other foo | RESET | QUIT | COMMAND LIST FILTERBY foo bar | COMMAND GETKEYS | COMMAND GETKEYS SET
COMMAND INFO foo | COMMAND DOCS foo | COMMAND foo | OBJECT foo | INFO foo | PING a b | ECHO | FLUSHALL foo | FLUSHDB ASYNC
FLUSHDB SYNC x | DBSIZE a | RANDOMKEY a | MONITOR a | FAILOVER | MODULE LIST | ACL WHOAMI | ACL foo | foo | GET
CLIENT HELP | SLOWLOG HELP
"""


def said(link: socket.socket, line: str) -> bytes:
    """The whole reply: a PING behind the command marks its end."""
    words = line.split()
    sent = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w.encode()) for w in words)
    link.sendall(sent + b"*1\r\n$4\r\nPING\r\n")  # in one: QUIT closes before a second could be sent
    link.settimeout(10)
    data = b""
    while not data.endswith(b"+PONG\r\n") or len(data) == 7:
        try:
            more = link.recv(65536)
        except ConnectionResetError:
            break
        if not more:
            break
        data += more
    return data


@pytest.mark.parametrize("line", [part.strip() for part in SAME_AS_REDIS.replace("\n", "|").split("|") if part.strip()])
def test_administrative_commands_answer_as_redis_does(cluster, oracle, line):
    with socket.socket(socket.AF_UNIX) as real, socket.create_connection(("127.0.0.1", cluster.port)) as ours:
        real.connect(oracle)
        expected, found = said(real, line), said(ours, line)
    if line.endswith("HELP"):  # Redis 7.2's subcommands stand there too
        assert set(expected.splitlines()[1:]) <= set(found.splitlines())
    else:
        assert found == expected


def test_client_kill_by_each_filter(cluster, client):
    def victim():
        link = socket.create_connection(("127.0.0.1", cluster.port))
        link.sendall(b"CLIENT ID\r\n")
        number = int(link.recv(100)[1:])
        return link, number, "%s:%d" % link.getsockname()

    for words in (("ID", "{id}"), ("ADDR", "{addr}"), ("ADDR", "{addr}", "TYPE", "normal"), ("ID", "{id}", "USER", "default")):
        link, number, address = victim()
        with link:
            count = client.execute_command("CLIENT", "KILL", *(word.format(id=number, addr=address) for word in words))
            assert int(count) == 1 and closed(link)
    link, number, address = victim()
    with link:
        assert client.execute_command("CLIENT", "KILL", address) in (True, "OK") and closed(link)


def test_pause_all_holds_reads_and_even_unpause_until_its_end(cluster, client):
    """As Redis does it."""
    client.set("paused", "1")
    began = time.monotonic()
    client.execute_command("CLIENT", "PAUSE", "1000", "ALL")
    found = []

    def read():
        with cluster.client(decode_responses=True) as other:
            found.append((other.get("paused"), time.monotonic() - began > 0.9))

    reader = threading.Thread(target=read)
    reader.start()
    with socket.create_connection(("127.0.0.1", cluster.port)) as link:
        link.sendall(b"CLIENT UNPAUSE\r\n")
        assert link.recv(100) == b"+OK\r\n"
    assert time.monotonic() - began > 0.9
    reader.join(20)
    assert found == [("1", True)]
