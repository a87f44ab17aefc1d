"""What a client may do wrong, or huge: its own connection suffers at most, everybody else is served."""

import os
import socket
import threading
import time

import pytest

import elixircache
from tests.conformance.targets import RedisServer
from tests.peers import peer
from tests.processes.waiting import until


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=2) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def everybody_else_is_served(cluster):
    """Before, during the test's thread of another client, and after it."""
    slowest, stop = [0.0], threading.Event()

    def work():
        with cluster.client() as client:
            while not stop.is_set():
                begun = time.monotonic()
                assert client.set("other", "1") and client.get("other") in (b"1", "1")
                slowest[0] = max(slowest[0], time.monotonic() - begun)
                time.sleep(0.01)

    other = threading.Thread(target=work)
    other.start()
    yield
    stop.set()
    other.join(20)
    assert not other.is_alive()
    with cluster.client() as client:
        assert client.ping()
    assert slowest[0] < 5


@pytest.fixture
def link(cluster):
    with socket.create_connection(("127.0.0.1", cluster.port), 10) as link:
        yield link


@pytest.fixture(scope="module")
def redis_path():
    peer("redis-server")
    with RedisServer() as target:
        yield target.address


def everything(link: socket.socket) -> bytes:
    """All bytes until the server closes."""
    data = b""
    try:
        while more := link.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def line(link: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\r\n"):
        more = link.recv(1)
        assert more, f"closed after {data!r}"
        data += more
    return data


def rss(cluster) -> int:
    """Resident bytes of the router."""
    with cluster.client() as client:
        pid = client.info("server")["process_id"]
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


DAMAGED = {
    "negative bulk length": b"*2\r\n$3\r\nGET\r\n$-5\r\n",
    "huge bulk length": b"*2\r\n$3\r\nGET\r\n$99999999999\r\n",
    "bulk length beyond 64 bits": b"*2\r\n$3\r\nGET\r\n$99999999999999999999999\r\n",
    "bulk length that is no number": b"*2\r\n$3\r\nGET\r\n$abc\r\n",
    "empty bulk length": b"*2\r\n$3\r\nGET\r\n$\r\n",
    "bulk length with leading zero": b"*2\r\n$3\r\nGET\r\n$03\r\nabc\r\n",
    "huge number of arguments": b"*99999999999\r\n",
    "more arguments than allowed": b"*2147483648\r\n",
    "number of arguments beyond 64 bits": b"*99999999999999999999999\r\n",
    "number of arguments that is no number": b"*abc\r\n",
    "number of arguments cut short": b"*\r\n",
    "wrong type byte": b"*2\r\n$3\r\nGET\r\n:5\r\n",
    "wrong type byte plus": b"*1\r\n+PING\r\n",
    "wrong type byte nested": b"*1\r\n*1\r\n$4\r\nPING\r\n",
    "unbalanced quotes": b'SET a "b\r\n',
    "text behind a quote": b'SET a "b"c\r\n',
    "inline without an end": b"a" * (65536 + 20),
    "bulk of 513 MB announced": b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$537919488\r\n",
    "count line without an end": b"*" + b"1" * (65536 + 20),
}


@pytest.mark.parametrize("sent", DAMAGED.values(), ids=DAMAGED)
def test_damaged_bytes_get_the_protocol_error_of_redis_and_a_closed_connection(link, redis_path, sent):
    with socket.socket(socket.AF_UNIX) as oracle:
        oracle.connect(redis_path)
        oracle.settimeout(10)
        oracle.sendall(b"PING\r\n" + sent)
        theirs = everything(oracle)
    assert theirs.startswith(b"+PONG\r\n-ERR Protocol error: ")
    link.sendall(b"PING\r\n" + sent)
    assert everything(link) == theirs


@pytest.mark.parametrize("sent", [b"*0\r\n", b"*-1\r\n", b"*-7\r\n", b"\r\n", b"\n", b"   \r\n"])
def test_empty_requests_are_passed_over(link, sent):
    link.sendall(sent + b"PING\r\n" + sent + b"*1\r\n$4\r\nPING\r\n")
    assert line(link) == line(link) == b"+PONG\r\n"


def test_an_announcement_of_512_mb_takes_no_memory_before_the_bytes_come(cluster, link):
    before = rss(cluster)
    link.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870912\r\nabc")
    time.sleep(0.3)
    assert rss(cluster) - before < 50 << 20


def test_half_a_command_and_then_nothing_holds_nobody_up(cluster, link):
    link.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$10\r\nabc")
    time.sleep(0.3)
    with cluster.client() as client:
        assert client.exists("half") == 0
    link.sendall(b"defghij\r\n")
    assert line(link) == b"+OK\r\n"
    with cluster.client() as client:
        assert client.get("half") in (b"abcdefghij", "abcdefghij")


def test_half_a_command_and_then_a_disconnect_executes_nothing(cluster, link):
    link.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\ngone\r\n$10\r\nabc")
    link.shutdown(socket.SHUT_WR)
    assert everything(link) == b""
    with cluster.client() as client:
        assert client.exists("gone") == 0


def test_commands_before_a_disconnect_are_executed_and_answered(link):
    link.sendall(b"SET before 1\r\nINCR before\r\n*2\r\n$4\r\nINCR\r\n$6\r\nbefo")
    link.shutdown(socket.SHUT_WR)
    assert everything(link) == b"+OK\r\n:2\r\n"


def test_nul_bytes_and_line_ends_in_keys_and_values_are_plain_bytes(cluster):
    key, value = b"a\x00b\r\nc\xff*1\r\n", b"\r\n$5\r\n\x00\x00" + bytes(range(256))
    with cluster.client(decode_responses=False) as client:
        assert client.set(key, value) is True
        assert client.get(key) == value
        assert key in client.keys("a*")
        assert client.delete(key) == 1


@pytest.mark.alone
def test_a_value_of_100_mb_comes_back_as_it_was(cluster):
    value = os.urandom(1 << 20) * 100
    with cluster.client(decode_responses=False, socket_timeout=60) as client:
        assert client.set("huge", value) is True
        assert client.strlen("huge") == len(value)
        assert client.get("huge") == value
        assert client.delete("huge") == 1


def test_a_command_of_100_000_arguments_is_executed(cluster):
    pairs = {f"many:{i}": str(i) for i in range(50_000)}
    with cluster.client(decode_responses=True, socket_timeout=60) as client:
        assert client.mset(pairs) is True
        assert client.mget(list(pairs)) == list(pairs.values())
        assert client.delete(*pairs) == 50_000


def test_a_client_that_never_reads_its_million_replies_takes_bounded_memory(cluster):
    with cluster.client() as client:
        client.set("kilobyte", b"x" * 1024)
    before = rss(cluster)
    batch = b"*2\r\n$3\r\nGET\r\n$8\r\nkilobyte\r\n" * 1000
    with socket.create_connection(("127.0.0.1", cluster.port), 2) as link:
        link.settimeout(2)
        try:
            for _ in range(1000):
                link.sendall(batch)
        except (TimeoutError, ConnectionError):
            pass  # not read from any more, or closed: both bound the memory
        # 4 MB of what is under way and 1 MB of output, and what a burst adds before the size of a reply is known.
        assert rss(cluster) - before < 40 << 20


def test_a_million_writes_from_a_client_that_never_reads_take_bounded_memory(cluster):
    before = rss(cluster)
    batch = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\n%d\r\n$3\r\nxyz\r\n" % (len(str(i)), i) for i in range(1000))
    with socket.create_connection(("127.0.0.1", cluster.port), 2) as link:
        link.settimeout(2)
        try:
            for _ in range(1000):
                link.sendall(batch)
        except (TimeoutError, ConnectionError):
            pass
        assert rss(cluster) - before < 40 << 20


@pytest.fixture
def setting(cluster):
    """Changes a configuration value for one test."""
    changed = {}

    def change(name, value):
        with cluster.client(decode_responses=True) as client:
            changed.setdefault(name, client.config_get(name)[name])
            client.config_set(name, value)

    yield change
    for name, value in changed.items():
        change(name, value)


def test_a_bulk_longer_than_proto_max_bulk_len_is_refused_from_config_set_on(link, setting):
    setting("proto-max-bulk-len", "1mb")
    link.sendall(b"*2\r\n$4\r\nECHO\r\n$1048577\r\n")
    assert everything(link) == b"-ERR Protocol error: invalid bulk length\r\n"


def test_a_client_with_more_than_client_query_buffer_limit_unexecuted_is_closed(cluster, link, setting):
    setting("client-query-buffer-limit", "1mb")
    before = rss(cluster)
    try:
        link.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5000000\r\n" + b"x" * 4_000_000)
    except ConnectionError:
        pass
    assert everything(link) == b""
    assert rss(cluster) - before < 20 << 20


def test_a_transaction_queue_over_the_query_buffer_limit_closes_its_client(link, setting):
    setting("client-query-buffer-limit", "1mb")
    try:
        link.sendall(b"MULTI\r\n" + b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$10000\r\n%b\r\n" % (b"x" * 10_000) * 200)
    except ConnectionError:
        pass
    assert everything(link).count(b"QUEUED") < 200


def test_a_client_over_its_output_limit_is_closed(cluster, setting):
    with cluster.client() as client:
        client.set("megabyte", b"x" * (1 << 20))
    setting("client-output-buffer-limit", "normal 2mb 0 0")
    with socket.create_connection(("127.0.0.1", cluster.port), 10) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.sendall(b"CLIENT SETNAME slow\r\n")
        assert link.recv(64) == b"+OK\r\n"
        with cluster.client() as client:
            names = lambda: [each["name"] for each in client.client_list()]  # noqa: E731
            assert "slow" in names()
            link.sendall(b"GET megabyte\r\n" * 20)
            until(lambda: "slow" not in names())


def test_a_million_pipelined_commands_are_all_answered_to_a_client_that_reads(link):
    total = 1_000_000
    batch = b"*1\r\n$4\r\nPING\r\n" * 10_000

    def send():
        for _ in range(total // 10_000):
            link.sendall(batch)

    sender = threading.Thread(target=send)
    sender.start()
    left = total * len(b"+PONG\r\n")
    while left:
        more = link.recv(1 << 20)
        assert more
        left -= len(more)
    sender.join()
