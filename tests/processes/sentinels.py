"""Three real redis-sentinel processes that watch one master."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

import elixircache
from tests.peers import peer
from tests.processes.waiting import until

NAME = "elixir"
DOWN_AFTER_MS = 1000


class Sentinels:
    """ports: of the processes. client(n): a connection to one of them."""

    def __init__(self, ports: list[int]):
        self.ports = ports

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [("127.0.0.1", port) for port in self.ports]

    def ask(self, number: int, *words: str) -> object:
        with redis.Redis(port=self.ports[number], protocol=2, decode_responses=True) as client:
            return client.execute_command("SENTINEL", *words)

    def master(self, number: int = 0) -> dict[str, str]:
        found = self.ask(number, "MASTER", NAME)
        return found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))

    def replicas(self, number: int = 0) -> list[dict[str, str]]:
        found = self.ask(number, "REPLICAS", NAME)
        return [one if isinstance(one, dict) else dict(zip(one[::2], one[1::2], strict=True)) for one in found]

    def end_failovers(self) -> int:
        """From now on nobody is replaced because it was not run for a second; the port of the master that all agree on."""
        for number in range(len(self.ports)):
            self.ask(number, "SET", NAME, "down-after-milliseconds", "60000")

        def agreed() -> int:
            found = {int(self.master(number)["port"]) for number in range(len(self.ports))}
            if len(found) > 1:
                return 0
            with redis.Redis(port=min(found), socket_timeout=20) as client:
                return min(found) if client.role()[0] == b"master" else 0

        return int(until(agreed, 40))

    def wait_until_known(self, replicas: int) -> None:
        """All know the replicas and each other."""

        def known() -> bool:
            for number in range(len(self.ports)):
                master = self.master(number)
                if int(master["num-slaves"]) < replicas or int(master["num-other-sentinels"]) < len(self.ports) - 1:
                    return False
                if any(one["master-link-status"] != "ok" for one in self.replicas(number)):
                    return False
            return True

        until(known, 30)


@contextmanager
def three_sentinels(directory: Path, master_port: int) -> Iterator[Sentinels]:
    """They end with the block."""
    ports = [elixircache.free_port() for _ in range(3)]
    processes = []
    try:
        for number, port in enumerate(ports):
            home = directory / f"sentinel-{number}"
            home.mkdir()
            config = home / "sentinel.conf"
            config.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {home}\nlogfile {home}/log\n"
                f"sentinel monitor {NAME} 127.0.0.1 {master_port} 2\n"
                f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n"
                f"sentinel failover-timeout {NAME} 10000\n"
            )
            processes.append(subprocess.Popen([peer("redis-sentinel"), str(config)], stdout=subprocess.DEVNULL))
        sentinels = Sentinels(ports)
        for number in range(3):
            until(lambda number=number: sentinels.master(number))
            # Only how often it looks when all is well; what decides about a failover stays as it is.
            sentinels.ask(number, "DEBUG", "INFO-PERIOD", "500", "PUBLISH-PERIOD", "500")
        yield sentinels
    except BaseException:
        for log in sorted(directory.glob("sentinel-*/log")):
            print(f"\n{log}:\n{log.read_text(errors='replace')[-4000:]}")
        raise
    finally:
        for process in processes:
            process.kill()
            process.wait()


def first_write_after(ports: list[int], since: float, timeout_s: float = 30.0) -> tuple[float, int]:
    """(seconds from `since` until a group takes a write, that group's port); each is tried every 20 ms."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for port in ports:
            try:
                with redis.Redis(port=port, socket_timeout=0.5, socket_connect_timeout=0.5, retry=None) as client:
                    if client.set("first after", "failover"):
                        return time.monotonic() - since, port
            except redis.RedisError:
                pass
        time.sleep(0.02)
    raise AssertionError("no group took a write")
