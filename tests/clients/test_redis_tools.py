"""redis-cli in its modes, and redis-benchmark's default list."""

import os
import re
import signal
import subprocess

import pytest
import redis

from tests.peers import peer


@pytest.fixture
def cli(port):
    def run(*words, stdin=None, timeout=60):
        done = subprocess.run(
            [peer("redis-cli"), "-p", str(port), *words], input=stdin, capture_output=True, timeout=timeout
        )
        return done.stdout.decode() + done.stderr.decode()

    return run


@pytest.fixture
def client(port):
    with redis.Redis(port=port, decode_responses=True) as client:
        client.flushall()
        yield client


def test_a_command_and_its_reply(cli):
    assert cli("SET", "a", "1") == "OK\n"
    assert cli("INCR", "a") == "2\n"
    assert cli("-3", "HELLO", "3").count("\n") >= 6


def test_scan_prints_every_key_once(cli, client):
    client.mset({f"scan:{i}": "x" for i in range(500)})
    assert sorted(cli("--scan", "--pattern", "scan:*").split()) == sorted(f"scan:{i}" for i in range(500))


def test_bigkeys_names_the_biggest_of_each_type(cli, client):
    client.set("text", "x" * 1000)
    client.rpush("queue", *range(50))
    client.sadd("tags", *range(20))
    client.zadd("board", {str(i): i for i in range(30)})
    client.hset("card", mapping={str(i): i for i in range(10)})
    client.xadd("log", {"a": "b"})
    shown = cli("--bigkeys")
    assert re.search(r"Biggest string found .*text.* has 1000 bytes", shown), shown
    assert re.search(r"Biggest +list found .*queue.* has 50 items", shown)
    assert re.search(r"Biggest +hash found .*card.* has 10 fields", shown)
    assert re.search(r"Biggest +set found .*tags.* has 20 members", shown)
    assert re.search(r"Biggest +zset found .*board.* has 30 members", shown)
    assert re.search(r"Biggest stream found .*log.* has 1 entries", shown)


def test_memkeys_reads_memory_usage(cli, client):
    client.set("text", "x" * 1000)
    assert "Biggest string found" in cli("--memkeys")


def test_latency_prints_min_max_and_average(cli):
    smallest, largest, average, samples = cli("--latency", "-i", "1").split()
    assert float(smallest) <= float(average) <= float(largest) and int(samples) > 0


def test_stat_prints_a_line_each_interval(port):
    ours, its = os.openpty()  # into a pipe redis-cli would not flush its lines
    process = subprocess.Popen([peer("redis-cli"), "-p", str(port), "--stat", "-i", "0.2"], stdout=its)
    shown = ""
    while len(re.findall(r"^\d+ +\S+ +\d+", shown, re.M)) < 3:
        shown += os.read(ours, 65536).decode()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    os.close(ours)
    os.close(its)
    assert "keys" in shown


def test_pipe_loads_a_file_of_commands(cli, client):
    lines = b"".join(
        b"*3\r\n$3\r\nSET\r\n$%d\r\npipe:%d\r\n$1\r\nx\r\n" % (len("pipe:%d" % i), i) for i in range(20_000)
    )
    assert "errors: 0, replies: 20000" in cli("--pipe", stdin=lines)
    assert client.dbsize() == 20_000


def test_several_commands_from_standard_input(cli, client):
    assert cli(stdin=b"MULTI\nSET a 1\nINCR a\nEXEC\n").split() == ["OK", "QUEUED", "QUEUED", "OK", "2"]


def test_redis_benchmark_runs_its_default_list(port):
    done = subprocess.run(
        [peer("redis-benchmark"), "-p", str(port), "-n", "300", "-c", "10", "-q"],
        capture_output=True,
        text=True,
        timeout=110,
    )
    shown = done.stdout.replace("\r", "\n")
    names = {found.split(":")[0] for found in shown.split("\n") if "requests per second" in found}
    assert done.returncode == 0, shown + done.stderr
    assert {
        "PING_INLINE",
        "PING_MBULK",
        "SET",
        "GET",
        "INCR",
        "LPUSH",
        "RPUSH",
        "LPOP",
        "RPOP",
        "SADD",
        "HSET",
        "SPOP",
        "ZADD",
        "ZPOPMIN",
        "LPUSH (needed to benchmark LRANGE)",
        "MSET (10 keys)",
    } <= names, shown
    assert sum(name.startswith("LRANGE_") for name in names) == 4
