"""Scripts and functions that run too long: -BUSY, and their end by SCRIPT KILL, FUNCTION KILL and PY.KILL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

import elixircache
from tests.processes.test_scripts_over_shards import key_on
from tests.processes.waiting import until

SPIN = "while true do end"
LIBRARY = f"#!lua name=spinning\nredis.register_function('spin', function(keys, args) {SPIN} end)"


def spin(db: Any, keys: list[bytes], args: list[bytes]) -> None:
    db.set(keys[0], "changed")
    while True:
        pass


def sleep(db: Any, keys: list[bytes], args: list[bytes]) -> None:
    import time

    db.set(keys[0], "changed")
    time.sleep(60)


@pytest.fixture(scope="module")
def cluster() -> Iterator[elixircache.LocalCluster]:
    with elixircache.LocalCluster(shards=4, busy_reply_threshold=100) as running:
        yield running


@pytest.fixture
def client(cluster: elixircache.LocalCluster) -> Iterator[redis.Redis]:
    with cluster.client(socket_timeout=20) as connection:
        connection.flushall()
        yield connection


class Running:
    """A command on a connection of its own, whose outcome comes later."""

    def __init__(self, cluster: elixircache.LocalCluster, call: Callable[[redis.Redis], Any]):
        self.outcome: Any = None
        self.thread = threading.Thread(target=self._run, args=(cluster, call))
        self.thread.start()

    def _run(self, cluster: elixircache.LocalCluster, call: Callable[[redis.Redis], Any]) -> None:
        with cluster.client(socket_timeout=60) as mine:
            try:
                self.outcome = call(mine)
            except redis.RedisError as error:
                self.outcome = error

    def error(self) -> str:
        self.thread.join(20)
        assert not self.thread.is_alive()
        assert isinstance(self.outcome, redis.ResponseError)
        return str(self.outcome)


def is_busy(client: redis.Redis) -> str:
    """The text of -BUSY if it comes."""
    try:
        client.execute_command("ECHO", "x")
    except redis.exceptions.BusyLoadingError:
        raise
    except redis.ResponseError as error:
        return str(error)
    return ""


def wait_until_busy(client: redis.Redis) -> str:
    return str(until(lambda: is_busy(client)))


@pytest.mark.parametrize("keys", [1, 2])
def test_a_long_script_makes_the_group_busy_until_script_kill(
    cluster: elixircache.LocalCluster, client: redis.Redis, keys: int
) -> None:
    names = [key_on(shard) for shard in range(keys)]
    running = Running(cluster, lambda mine: mine.eval(SPIN, keys, *names))
    assert "busy running a script. You can only call SCRIPT KILL" in wait_until_busy(client)
    with pytest.raises(redis.ResponseError, match="busy running a script"):
        client.set(key_on(3), "x")  # another shard's key: the group is one server
    with pytest.raises(redis.ResponseError, match="busy running a script. You can only call SCRIPT KILL"):
        client.execute_command("FUNCTION", "KILL")
    assert client.script_kill()
    assert "Script killed by user with SCRIPT KILL" in running.error()
    assert client.set(key_on(0), "x")
    with pytest.raises(redis.ResponseError, match="No scripts in execution right now"):
        client.script_kill()


def test_a_script_that_catches_every_error_is_ended_too(cluster: elixircache.LocalCluster, client: redis.Redis) -> None:
    stubborn = "while true do pcall(function() while true do end end) end"
    running = Running(cluster, lambda mine: mine.eval(stubborn, 1, key_on(2)))
    wait_until_busy(client)
    assert client.script_kill()
    assert "Script killed by user" in running.error()


def test_a_script_that_has_written_cannot_be_killed_but_goes_on_to_its_end(
    cluster: elixircache.LocalCluster, client: redis.Redis
) -> None:
    script = """
        redis.call('SET', KEYS[1], 'half')
        for i = 1, tonumber(ARGV[1]) do end
        redis.call('SET', KEYS[1], 'whole')
        return 'done'"""
    rounds, said = 200_000_000, ""
    while "already executed write commands" not in said:  # it may have ended before we are run again
        running = Running(cluster, lambda mine, rounds=rounds: mine.eval(script, 1, key_on(0), rounds))
        until(lambda running=running: is_busy(client) or running.outcome)
        with pytest.raises(redis.ResponseError) as refused:
            client.script_kill()
        said, rounds = str(refused.value), 2 * rounds
        running.thread.join(60)
        assert running.outcome == b"done"
        assert client.get(key_on(0)) == b"whole"


def test_function_kill(cluster: elixircache.LocalCluster, client: redis.Redis) -> None:
    client.function_load(LIBRARY, replace=True)
    running = Running(cluster, lambda mine: mine.fcall("spin", 1, key_on(1)))
    assert "You can only call FUNCTION KILL" in wait_until_busy(client)
    stats = client.execute_command("FUNCTION", "STATS")
    running_script = stats[b"running_script"]
    assert running_script[b"name"] == b"spin"
    assert running_script[b"command"] == [b"FCALL", b"spin", b"1", key_on(1).encode()]
    assert running_script[b"duration_ms"] >= 0
    with pytest.raises(redis.ResponseError, match="You can only call FUNCTION KILL"):
        client.script_kill()
    assert client.function_kill()
    assert "Script killed by user with FUNCTION KILL" in running.error()
    assert client.ping()


@pytest.mark.parametrize("function", [spin, sleep])
@pytest.mark.parametrize("keys", [1, 2])
def test_py_kill_ends_a_function_and_undoes_it(
    cluster: elixircache.LocalCluster, client: redis.Redis, function: Any, keys: int
) -> None:
    names = [key_on(shard) for shard in range(keys)]
    client.set(names[0], "before")
    ship = elixircache.function(function)
    running = Running(cluster, lambda mine: ship(mine, names))
    assert "You can only call PY.KILL" in wait_until_busy(client)
    assert client.execute_command("PY.KILL") in (b"OK", "OK", True)
    assert running.error() == "PYERR Killed: the function was ended by PY.KILL"
    assert client.get(names[0]) == b"before"
    with pytest.raises(redis.ResponseError, match="No scripts in execution right now"):
        client.execute_command("PY.KILL")


def test_a_function_that_wants_too_much_memory_fails_alone_and_is_undone(client: redis.Redis) -> None:
    def hoard(db: Any, keys: list[bytes], args: list[bytes]) -> int:
        db.set(keys[0], "changed")
        kept = [bytes(1 << 20) for _ in range(int(args[0]))]
        return len(kept)

    ship = elixircache.function(hoard)
    names = [key_on(0), key_on(1)]
    client.set(names[0], "before")
    client.config_set("python-memory-limit", 64 << 20)
    try:
        with pytest.raises(redis.ResponseError, match=r"^PYERR MemoryError: .*\(<listcomp>|hoard, line \d+\)"):
            ship(client, names, [500])
        assert client.get(names[0]) == b"before"
        assert ship(client, names, [10]) == 10
        assert client.get(names[0]) == b"changed"
    finally:
        client.config_set("python-memory-limit", 0)
    assert ship(client, names, [100]) == 100


def test_a_function_may_be_killed_before_anybody_is_told_that_it_is_long(client: redis.Redis) -> None:
    client.config_set("busy-reply-threshold", 60_000)
    try:
        other = client.connection_pool.connection_kwargs["port"]
        with redis.Redis(port=other, socket_timeout=20) as mine:
            outcome: list[str] = []

            def call() -> None:
                try:
                    mine.eval(SPIN, 1, key_on(1))
                except redis.ResponseError as error:
                    outcome.append(str(error))

            thread = threading.Thread(target=call)
            thread.start()
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                try:
                    client.script_kill()
                    break
                except redis.ResponseError:
                    time.sleep(0.02)
            thread.join(10)
            assert outcome
            assert "Script killed by user" in outcome[0]
    finally:
        client.config_set("busy-reply-threshold", 100)


def test_the_memory_cap_binds_the_functions_code_and_no_command(client: redis.Redis) -> None:
    def grow(db: Any, keys: list[bytes], args: list[bytes]) -> list[Any]:
        size, caught = int(args[0]), 0
        db.setrange(keys[0], size - 1, "x")  # the data may grow
        length = len(db.get(keys[0]))  # and be given, but counts from then on
        try:
            bytes(size)
        except MemoryError:
            caught = 1
        db.set(keys[1], "whole")  # commands go on
        return [length, caught]

    def hoard(db: Any, keys: list[bytes], args: list[bytes]) -> None:
        db.set(keys[1], "half")
        kept = []
        while True:  # in pieces of any size
            kept.append(bytearray(1 << (len(kept) % 20)))

    names, size = [key_on(0), key_on(1)], 100 << 20
    client.config_set("python-memory-limit", 64 << 20)
    try:
        assert elixircache.function(grow)(client, names, [size]) == [size, 1]
        for _ in range(3):
            with pytest.raises(redis.ResponseError, match=r"^PYERR MemoryError"):
                elixircache.function(hoard)(client, names)
            assert client.get(names[1]) == b"whole"
        assert client.strlen(names[0]) == size
    finally:
        client.config_set("python-memory-limit", 0)
        client.delete(*names)
