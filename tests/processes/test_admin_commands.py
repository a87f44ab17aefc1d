"""The commands that observe and steer a running group."""

import contextlib
import shutil
import subprocess
import time

import pytest
import redis

import elixircache
from tests.processes.waiting import until


@pytest.fixture(scope="module")
def cluster():
    with elixircache.LocalCluster(shards=2) as running:
        yield running


@pytest.fixture
def client(cluster):
    with cluster.client() as found:
        yield found


def raw(client, *args):
    """A reply without redis-py's own reading of it; an error is returned."""
    connection = client.connection_pool.get_connection()
    try:
        connection.send_command(*args)
        return connection.read_response()
    except (redis.ResponseError, redis.AuthenticationError) as error:
        return error
    finally:
        client.connection_pool.release(connection)


def test_info_has_every_field_that_redis_has(client, tmp_path):
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine")
    path = tmp_path / "redis.sock"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        with redis.Redis(unix_socket_path=str(path)) as real:
            until(real.ping)
            theirs = set(real.info())
    finally:
        process.terminate()
        process.wait(10)
    assert theirs - set(client.info()) == set()


def test_info_counts_keys_of_all_shards(client):
    client.flushall()
    client.mset({f"key:{number}": number for number in range(20)})
    client.set("volatile", 1, ex=100)
    found = client.info("keyspace")["db0"]
    assert (found["keys"], found["expires"]) == (21, 1)


def test_config_set_reaches_the_shards(client):
    client.delete("h")
    client.hset("h", mapping={"a": 1, "b": 2})
    assert client.object("encoding", "h") == b"listpack"
    client.config_set("hash-max-listpack-entries", 1)
    try:
        client.hset("h", "c", 3)
        assert client.object("encoding", "h") == b"hashtable"
    finally:
        client.config_set("hash-max-listpack-entries", 512)


@contextlib.contextmanager
def everything_is_slow(client):
    """The slow log begins empty, and gets all commands of the block; afterwards nothing, on however slow a machine."""
    client.slowlog_reset()
    client.config_set("slowlog-log-slower-than", 0)
    try:
        yield
    finally:
        client.config_set("slowlog-log-slower-than", -1)


def test_a_slow_command_is_logged_with_its_client(client):
    client.client_setname("snail")
    with everything_is_slow(client):
        raw(client, "SET", "slow", "1")
    (entry,) = [entry for entry in raw(client, "SLOWLOG", "GET", "-1") if entry[3][:1] == [b"SET"]]
    assert entry[3] == [b"SET", b"slow", b"1"]
    assert entry[5] == b"snail"


def test_the_slow_log_has_what_the_router_serves_but_no_password(client):
    with everything_is_slow(client):
        for line in ("ECHO x", "AUTH wrong", "HELLO 2 AUTH default wrong", "CONFIG SET masterauth hush", "CONFIG SET masterauth x"):
            raw(client, *line.split())
    client.config_set("masterauth", "")
    entries = [b" ".join(entry[3]) for entry in raw(client, "SLOWLOG", "GET", "-1")]
    mine = (b"ECHO x", b"AUTH", b"HELLO 2", b"CONFIG SET masterauth")  # redis-py connects anew in between
    assert [entry for entry in reversed(entries) if entry.startswith(mine)] == [
        b"ECHO x", b"AUTH (redacted)", b"HELLO 2 AUTH (redacted) (redacted)",
        b"CONFIG SET masterauth (redacted)", b"CONFIG SET masterauth (redacted)",
    ]  # fmt: skip
    assert len({entry[0] for entry in raw(client, "SLOWLOG", "GET", "-1")}) == len(entries) == raw(client, "SLOWLOG", "LEN")


def test_a_monitor_sees_scripts_and_no_password(cluster, client):
    with cluster.client() as other, other.monitor() as monitor:
        for line in ("AUTH wrong", "CONFIG SET masterauth hush", "EVAL return(1) 0", "ECHO end"):
            raw(client, *line.split())
        seen: list[str] = []
        while not seen or seen[-1] != "ECHO end":
            seen.append(monitor.next_command()["command"])
    client.config_set("masterauth", "")
    assert [line for line in seen if line.split()[0] in ("AUTH", "CONFIG", "EVAL")] == ["AUTH (redacted)", "EVAL return(1) 0"]


def test_paused_writes_wait_and_reads_go_on(client):
    client.set("p", "old")
    began = time.monotonic()
    raw(client, "CLIENT", "PAUSE", "60000", "WRITE")
    assert client.get("p") == b"old"
    assert time.monotonic() - began < 60
    raw(client, "CLIENT", "UNPAUSE")
    began = time.monotonic()
    raw(client, "CLIENT", "PAUSE", "400", "WRITE")
    client.set("p", "new")
    assert time.monotonic() - began > 0.3
    assert client.get("p") == b"new"


def test_a_monitor_sees_commands_of_the_fast_path(cluster, client):
    with cluster.client() as other, other.monitor() as monitor:
        client.set("seen", "by monitor")
        seen = next(entry for entry in monitor.listen() if entry["command"].startswith("SET"))
        assert seen["command"] == "SET seen by monitor"


def test_client_kill_closes_another_connection(cluster, client):
    with cluster.client() as victim:
        number = victim.client_id()
        assert raw(client, "CLIENT", "KILL", "ID", str(number)) == 1
        assert number not in {int(entry["id"]) for entry in client.client_list()}


def test_muted_replies(cluster):
    with cluster.client() as muted:
        connection = muted.connection_pool.get_connection()
        connection.send_command("CLIENT", "REPLY", "OFF")
        connection.send_command("SET", "muted", "1")
        connection.send_command("CLIENT", "REPLY", "ON")
        assert connection.read_response() == b"OK"
        connection.send_command("CLIENT", "REPLY", "SKIP")
        connection.send_command("SET", "muted", "2")
        connection.send_command("GET", "muted")
        assert connection.read_response() == b"2"
        muted.connection_pool.release(connection)


def test_command_getkeys(client):
    assert raw(client, "COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2") == [b"a", b"b"]
    assert str(raw(client, "COMMAND", "GETKEYS", "PING", "x")) == "The command has no key arguments"
    assert str(raw(client, "COMMAND", "GETKEYS", "nonsense", "x")) == "Invalid command specified"


def test_waitaof_says_that_the_journal_is_on_disk(client):
    client.set("durable", 1)
    assert raw(client, "WAITAOF", "1", "0", "1000") == [1, 0]


def test_debug_reload_keeps_everything(client):
    client.rpush("list", 1, 2, 3)
    client.set("volatile", 1, ex=100)
    assert raw(client, "DEBUG", "RELOAD") == b"OK"
    assert client.lrange("list", 0, -1) == [b"1", b"2", b"3"]
    assert 90 < client.ttl("volatile") <= 100


def test_commandstats_count_what_router_and_shards_answer_and_refuse(client):
    client.config_resetstat()
    client.mset({f"key:{number}": number for number in range(20)})
    client.get("key:1")
    client.ping()
    raw(client, "GET")
    raw(client, "SELECT", "99")
    raw(client, "INCR", "key:1", "2")
    raw(client, "LPUSH", "key:1", "2")
    found = client.info("commandstats")

    def counted(name):
        entry = found[f"cmdstat_{name}"]
        return entry["calls"], entry["rejected_calls"], entry["failed_calls"]

    assert counted("mset") == (1, 0, 0)  # on two shards, and one command
    assert counted("get") == (1, 1, 0)
    assert counted("ping") == (1, 0, 0)
    assert counted("select") == (1, 0, 1)
    assert counted("incr") == (0, 1, 0)
    assert counted("lpush") == (1, 0, 1)


def test_a_sleeping_server_is_slow_and_not_killed(cluster, client):
    before = cluster.pids
    # Only what is as slow as this sleep is looked at: on a machine that does much else anything may take long.
    client.slowlog_reset()
    client.config_set("slowlog-log-slower-than", 2_200_000)
    client.config_set("latency-monitor-threshold", 2200)
    client.config_set("shard-heartbeat-timeout", 1000)
    try:
        raw(client, "DEBUG", "SLEEP", "2.2")
        assert raw(client, "SLOWLOG", "GET")[0][3] == [b"DEBUG", b"SLEEP", b"2.2"]
        assert raw(client, "SLOWLOG", "LEN") == 1
        ((event, _, latest, worst),) = raw(client, "LATENCY", "LATEST")
        assert event == b"command" and latest == worst == 2200
        assert len(raw(client, "LATENCY", "HISTORY", "command")) == 1
        assert b"high 2200 ms" in raw(client, "LATENCY", "GRAPH", "command")
        assert b"2200 ms" in raw(client, "LATENCY", "DOCTOR")
        assert raw(client, "LATENCY", "RESET") == 1
        assert raw(client, "LATENCY", "LATEST") == []
    finally:
        client.config_set("slowlog-log-slower-than", 10_000)
        client.config_set("latency-monitor-threshold", 0)
        client.config_set("shard-heartbeat-timeout", 5000)
    assert cluster.pids == before


def test_info_tells_of_forks_and_rates(client):
    before = client.info("stats")["total_forks"]
    assert raw(client, "BGREWRITEAOF")
    rates = [f"instantaneous_{name}" for name in ("ops_per_sec", "input_kbps", "output_kbps")]
    until(lambda: all(client.info("stats")[rate] > 0 for rate in rates))
    until(lambda: client.info("stats")["total_forks"] == before + 2)
    stats = client.info("stats")
    assert stats["latest_fork_usec"] > 0
    assert stats["total_net_input_bytes"] > 0


def test_the_log_level_follows_config_set(client):
    for level in ("debug", "warning", "notice"):
        assert client.config_set("loglevel", level)


def test_latency_histograms_of_shards_and_router_while_they_are_tracked(client):
    client.config_resetstat()
    assert client.config_get("latency-tracking") == {"latency-tracking": "yes"}
    try:
        for number in range(20):
            client.set(f"key:{number}", number)
        client.ping()
        raw(client, "OBJECT", "ENCODING", "key:1")
        with_calls = raw(client, "LATENCY", "HISTOGRAM", "set", "ping", "object", "nothing")
        found = with_calls if isinstance(with_calls, dict) else dict(zip(with_calls[::2], with_calls[1::2]))
        assert list(found) == [b"object|encoding", b"ping", b"set"]
        sets = found[b"set"] if isinstance(found[b"set"], dict) else dict(zip(found[b"set"][::2], found[b"set"][1::2]))
        assert sets[b"calls"] == 20
        stats = client.info("latencystats")["latency_percentiles_usec_set"]
        assert 0 <= stats["p50"] <= stats["p99"] <= stats["p99.9"] < 60_000_000
        client.config_set("latency-tracking", "no")
        client.config_resetstat()
        client.set("key", "value")
        assert not raw(client, "LATENCY", "HISTOGRAM")
    finally:
        client.config_set("latency-tracking", "yes")


def test_errors_of_shards_are_counted_once_by_their_first_word(client):
    client.config_resetstat()
    client.set("text", "x")
    for command in (
        ["LPUSH", "text", "1"],
        ["EVAL", "return redis.call('LPUSH', KEYS[1], 1)", "1", "text"],
        ["INCR", "text"],
        ["NONSENSE"],
    ):
        with pytest.raises(redis.ResponseError):
            client.execute_command(*command)
    found = client.info("errorstats")
    assert found["errorstat_WRONGTYPE"] == {"count": 2}
    assert found["errorstat_ERR"]["count"] >= 2
    stats = client.info("stats")
    assert stats["total_reads_processed"] > 0 and stats["total_writes_processed"] > 0
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == (0, 0)
    client.get("text")
    client.mget("text", "none")
    stats = client.info("stats")
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == (2, 1)


@pytest.mark.parametrize(("how", "reply"), [("TIMEOUT", 0), ("ERROR", redis.ResponseError("UNBLOCKED client unblocked via CLIENT UNBLOCK"))])
def test_a_client_in_wait_is_blocked_and_can_be_unblocked(cluster, client, how, reply):
    with redis.Redis(port=cluster.port, single_connection_client=True) as waiter:
        number = waiter.client_id()
        waiter.connection.send_command("WAIT", 1, 0)
        until(lambda: client.info("clients")["blocked_clients"])
        assert client.execute_command("CLIENT", "UNBLOCK", number, how) == 1
        try:
            got = waiter.connection.read_response()
        except redis.ResponseError as error:
            got = error
        assert str(got) == str(reply)
        assert client.execute_command("CLIENT", "UNBLOCK", number) == 0
        assert waiter.ping()
        waiter.connection.send_command("WAIT", 1, 0)
    until(lambda: not client.info("clients")["blocked_clients"])  # it has gone
