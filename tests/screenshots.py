"""`python -m tests.screenshots`: the pictures of the console in docs/, of a real cluster with a real replica."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import redis

import elixircache
from tests.browser import DESKTOP, PHONE, chromium

DOCS = Path(__file__).parents[1] / "docs"


def fill(client: Any) -> None:
    """Something of every type to look at."""
    client.mset({f"page:{number}": "x" * (20 + number % 50) for number in range(3000)})
    client.hset("basket:17", mapping={"apple": 3, "pear": 5, "quince": 1})
    client.zadd("scores", {"ada": 310, "grace": 420, "edsger": 270, "barbara": 390})
    client.rpush("queue:mail", *(f"letter {number}" for number in range(12)))
    client.sadd("tags", "fast", "safe", "small")
    client.xadd("events", {"kind": "login", "user": "ada"})
    client.expire("basket:17", 5400)


def load(client: Any, stop: threading.Event) -> None:
    """Traffic that rises and falls, so that the charts show something."""
    began = time.monotonic()
    while not stop.is_set():
        pipe = client.pipeline(transaction=False)
        for number in range(20 + int(60 * abs(((time.monotonic() - began) / 15) % 2 - 1))):
            pipe.set(f"page:{number}", "y" * 40)
            pipe.get(f"page:{number * 7}")
        with contextlib.suppress(redis.RedisError):  # a shard is killed meanwhile
            pipe.execute()
        time.sleep(0.02)


def type_in(page: Any, line: str) -> None:
    page.fill("#command", line)
    page.press("#command", "Escape")
    page.press("#command", "Enter")
    page.wait_for_timeout(200)


def main() -> None:
    """Write docs/console*.png."""
    with elixircache.LocalCluster(shards=4, save="") as cluster, chromium() as browser, cluster.client() as client:
        fill(client)
        stop = threading.Event()
        traffic = threading.Thread(target=load, args=(cluster.client(), stop))
        traffic.start()
        try:
            page = browser.new_page(viewport=DESKTOP)
            page.goto(f"http://127.0.0.1:{cluster.ws_port}/")
            page.wait_for_selector("#state[data-state=good]")
            client.config_set("slowlog-log-slower-than", 400)
            client.sort("queue:mail", alpha=True)
            client.keys("page:1*")
            page.wait_for_timeout(45_000)
            page.click("#attach")
            page.wait_for_selector("#peers .node[data-state=good]", timeout=30_000)
            for line in (
                'SET greeting "hello there"',
                "HGETALL basket:17",
                "ZRANGE scores 0 -1 WITHSCORES",
                "GET basket:17",
            ):
                type_in(page, line)
            page.fill("#pattern", "basket:*")
            page.press("#pattern", "Enter")
            page.click("#key-list button")
            page.type("#command", "ZR")
            page.wait_for_timeout(3500)
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=DOCS / "console.png", full_page=True)
            dark = browser.new_page(viewport=DESKTOP, color_scheme="dark")
            phone = browser.new_page(viewport=PHONE, device_scale_factor=1.5)
            for other in (dark, phone):
                other.goto(f"http://127.0.0.1:{cluster.ws_port}/")
                other.wait_for_selector("#state[data-state=good]")
            dark.wait_for_timeout(20_000)  # something to see in the charts
            cluster.kill_shard(2)
            dark.wait_for_selector("#shards .node[data-state=bad]")
            dark.screenshot(path=DOCS / "console-dark.png")
            cluster.wait_until_serving()
            dark.wait_for_timeout(6000)
            phone.screenshot(path=DOCS / "console-phone.png")
        finally:
            stop.set()
            traffic.join()


if __name__ == "__main__":
    main()
