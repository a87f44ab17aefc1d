"""Real redis-sentinel processes watch our groups: discovery, failover after kill -9 and behind a cut, the way back."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import pytest
import redis
from redis.sentinel import Sentinel

import elixircache
from tests.processes.cut_proxy import CutProxy
from tests.processes.sentinels import NAME, first_write_after, three_sentinels
from tests.processes.waiting import Stalls, until

pytestmark = pytest.mark.peer
FAILOVER_S_MAX = 4.0
# A Sentinel that was not run for two seconds, on a machine that does much else, does nothing for thirty (its TILT mode).
RETURN_S_MAX = 40 + 30


def kill_group(group: elixircache.LocalCluster) -> None:
    """kill -9 of every process at once: as if the machine had gone."""
    for pid in [group.supervisor_pid, *group.pids.values()]:
        os.kill(pid, signal.SIGKILL)


def refuses_for_want_of_replicas(client: redis.Redis) -> bool:
    try:
        client.set("lost", "write")
    except redis.ResponseError as error:
        return str(error).startswith("NOREPLICAS")
    return False


class Writer(threading.Thread):
    """Writes numbered keys to whoever is master for redis-py's Sentinel client; remembers what was acknowledged.

    safe: each write is followed by WAIT 1, and counts only when a replica has it."""

    def __init__(self, addresses: list[tuple[str, int]], prefix: str, safe: bool):
        super().__init__(daemon=True)
        self.client = Sentinel(addresses, socket_timeout=0.5).master_for(NAME, socket_timeout=0.5, retry=None)
        self.prefix, self.safe = prefix, safe
        self.acknowledged: list[int] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            time.sleep(0.001)  # the failover is measured, not the load
            with contextlib.suppress(redis.RedisError):
                if self.safe:
                    pipe = self.client.pipeline(transaction=False)
                    done, count = pipe.set(f"{self.prefix}{number}", number).execute_command("WAIT", 1, 300).execute()
                    if done and count >= 1:
                        self.acknowledged.append(number)
                elif self.client.set(f"{self.prefix}{number}", number):
                    self.acknowledged.append(number)

    def lost(self, client: redis.Redis) -> list[int]:
        values = client.mget([f"{self.prefix}{number}" for number in self.acknowledged])
        return [number for number, value in zip(self.acknowledged, values, strict=True) if value is None]


@pytest.mark.alone
def test_sentinels_fail_over_after_kill_9_and_no_confirmed_write_is_lost(tmp_path, record_property):
    """Two replicas: the promoted one gets its sibling as replica, and the old master when it comes back."""
    data = tmp_path / "master"
    with elixircache.LocalCluster(shards=2, directory=data, replicas=2, save="") as master:
        ports = [group.port for group in (master, *master.replicas)]
        with three_sentinels(tmp_path, master.port) as sentinels:
            sentinels.wait_until_known(2)
            writers = [Writer(sentinels.addresses, "safe:", True), Writer(sentinels.addresses, "fast:", False)]
            for writer in writers:
                writer.start()
            until(lambda: all(len(writer.acknowledged) > 100 for writer in writers))
            with Stalls() as stalls:
                kill_group(master)
                took_s, _ = first_write_after(ports[1:], time.monotonic())
            before = [len(writer.acknowledged) for writer in writers]
            # redis-py's client follows, and WAIT is true again: the sibling follows the promoted group.
            until(lambda: all(len(now.acknowledged) > then + 50 for now, then in zip(writers, before, strict=True)), 30)
            for writer in writers:
                writer.stopped.set()
                writer.join()
            promoted = sentinels.end_failovers()  # a second one may have begun where the machine does much else
            with redis.Redis(port=promoted) as client:
                lost = [len(writer.lost(client)) for writer in writers]
                record_property("failover_s", round(took_s, 2))
                record_property("lost_without_wait", lost[1])
                print(f"\nfailover: {took_s:.2f} s; lost with WAIT {lost[0]} of {len(writers[0].acknowledged)}, "
                      f"without {lost[1]} of {len(writers[1].acknowledged)}")  # fmt: skip
                assert lost[0] == 0
                assert took_s - stalls.total_s <= FAILOVER_S_MAX
                back = elixircache.LocalCluster(shards=2, directory=data, port=master.port, save="").start()
                try:
                    until(lambda: back.client().role()[0] == b"slave" and back.client().role()[2] == promoted, RETURN_S_MAX)
                    until(lambda: back.client().role()[3] == b"connected", 30)
                    client.set("after", "all")
                    assert client.wait(2, 10_000) == 2
                    until(lambda: back.client().get("after") == b"all")
                    assert back.client().dbsize() == client.dbsize()
                finally:
                    back.stop()


@pytest.mark.alone
@pytest.mark.skipif("ELIXIRCACHE_SENTINEL" not in os.environ, reason="half a minute more; `make sentinel` runs it")
def test_a_master_that_is_cut_off_is_replaced_and_becomes_a_replica(tmp_path):
    """The group itself lives on, but nobody reaches it: Sentinel and clients know it by a proxy's port."""
    with elixircache.LocalCluster(shards=2, save="") as master, CutProxy(master.port) as way:
        master.client().config_set("replica-announce-port", way.port)
        master.client().config_set("min-replicas-to-write", 1)
        master.client().config_set("min-replicas-max-lag", 1)
        with elixircache.LocalCluster(shards=2, save="", replicaof=f"127.0.0.1 {way.port}", repl_timeout=3) as replica:
            until(lambda: replica.client().role()[3] == b"connected")
            with three_sentinels(tmp_path, way.port) as sentinels:
                sentinels.wait_until_known(1)
                until(lambda: master.client().set("before", "cut"))
                assert master.client().wait(1, 5000) == 1
                cut_at = time.monotonic()
                way.hold()
                took_s, _ = first_write_after([replica.port], cut_at)
                print(f"\nfailover after a cut: {took_s:.2f} s")
                assert took_s <= FAILOVER_S_MAX + 1  # a held link is noticed later than one that is closed
                assert replica.client().get("before") == b"cut"
                # The master that was cut off stops to take writes by itself: nobody can confirm them.
                until(lambda: refuses_for_want_of_replicas(master.client()))
                way.resume()
                until(lambda: master.client().role()[:3] == [b"slave", b"127.0.0.1", replica.port], RETURN_S_MAX)
                until(lambda: master.client().role()[3] == b"connected", 30)
                assert master.client().get("lost") is None and master.client().get("first after") == b"failover"
