"""The console in a real browser: what a person sees and can do, with real processes behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

import elixircache
from tests.browser import DESKTOP, PHONE, chromium
from tests.processes.waiting import stopped

HANDSHAKE = [
    "Handshake started",
    "Slave -> Master: PING",
    "Master -> Slave: PONG",
    r"Slave -> Master: REPLCONF listening-port \d+",
    "Master -> Slave: OK",
    "Slave -> Master: REPLCONF capa psync2",
    "Master -> Slave: OK",
    r"Slave -> Master: PSYNC \? -1",
    r"Master -> Slave: FULLRESYNC [0-9a-f]{40} \d+",
    "Handshake completed successfully",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def cluster() -> Iterator[elixircache.LocalCluster]:
    with elixircache.LocalCluster(shards=2, save="") as running:
        yield running


class Console:
    """The page, opened; what went wrong in it ends the test."""

    def __init__(self, browser: Any, cluster: elixircache.LocalCluster, script: str = "", **options: Any):
        self.context = browser.new_context(**{"viewport": DESKTOP, **options})
        self.page = self.context.new_page()
        self.page.add_init_script(script)
        self.page.set_default_timeout(20_000)
        self.faults: list[str] = []
        self.asked: set[str] = set()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url)))
        self.address = f"http://127.0.0.1:{cluster.ws_port}"
        self.page.goto(self.address)

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, kind: Any, *_: Any) -> None:
        self.context.close()
        if kind is None:
            assert self.faults == [] and self.asked == {self.address}


def connected(page: Any) -> None:
    page.wait_for_selector("#state[data-state=good]")
    page.wait_for_selector("#shards .node[data-state=good] >> nth=1")


def run(page: Any, line: str) -> None:
    page.fill("#command", line)
    page.press("#command", "Escape")
    page.press("#command", "Enter")


def wait_for_line(page: Any, text: str, within: str = "#output div") -> None:
    page.locator(within, has_text=text).first.wait_for()


def style(page: Any, selector: str, name: str) -> str:
    return page.eval_on_selector(selector, f"e => getComputedStyle(e)['{name}']")


def luminance(colour: str) -> float:
    """Relative luminance of a CSS colour (WCAG 2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_commands_run_and_keep_a_history(browser, cluster):
    with Console(browser, cluster) as page, cluster.client() as client:
        connected(page)
        run(page, 'SET greeting "hello there"')
        wait_for_line(page, "OK")
        assert client.get("greeting") == b"hello there"
        run(page, "HSET basket apple 3 pear 5")
        run(page, "HGETALL basket")
        wait_for_line(page, '2) pear => "5"')
        run(page, "LPUSH greeting x")
        wait_for_line(page, "(error) WRONGTYPE Operation against a key holding the wrong kind of value")
        page.press("#command", "ArrowUp")
        page.press("#command", "ArrowUp")
        assert page.input_value("#command") == "HGETALL basket"


def test_a_command_is_completed_and_its_arguments_are_shown(browser, cluster):
    with Console(browser, cluster) as page:
        connected(page)
        page.type("#command", "zrangest")
        page.wait_for_selector("#suggestions li >> text=ZRANGESTORE")
        page.press("#command", "Tab")
        assert page.input_value("#command") == "ZRANGESTORE "
        wait_for_line(page, "dst src min max", "#syntax")


# The console asks for COMMAND DOCS as soon as it is connected; here that takes until the word is typed.
LATE_DOCS = """
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (!data.includes('"DOCS"')) return send.call(this, data);
  const typed = setInterval(() => {
    if (document.getElementById("command").value !== "zrangest") return;
    clearInterval(typed);
    setTimeout(() => send.call(this, data), 100);
  }, 10);
};
"""


def test_a_command_typed_before_the_documentation_came_is_completed_when_it_comes(browser, cluster):
    with Console(browser, cluster, script=LATE_DOCS) as page:
        connected(page)
        page.type("#command", "zrangest")
        page.wait_for_selector("#suggestions li >> text=ZRANGESTORE")


def test_keys_are_found_by_pattern_and_shown_by_type(browser, cluster):
    with Console(browser, cluster) as page, cluster.client() as client:
        client.zadd("board:scores", {"ada": 3, "grace": 4})
        client.rpush("board:queue", "first", "second")
        client.expire("board:queue", 1000)
        connected(page)
        page.fill("#pattern", "board:*")
        page.press("#pattern", "Enter")
        page.locator("#found", has_text="2 keys").wait_for()
        page.locator("#key-list button", has_text="board:scores").click()
        wait_for_line(page, "no expiry", "#key-view dd")
        assert page.locator("#key-view tbody tr").all_inner_texts() == ["ada\t3", "grace\t4"]
        page.locator("#key-list button", has_text="board:queue").click()
        wait_for_line(page, "16.", "#key-view dd")  # minutes of 1000 s
        assert page.locator("#key-view tbody tr").all_inner_texts() == ["0\tfirst", "1\tsecond"]


def test_a_slow_command_comes_into_the_slow_log(browser, cluster):
    with Console(browser, cluster) as page, cluster.client() as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.set("slow:key", "anything takes longer than 0 us")
        client.config_set("slowlog-log-slower-than", 10_000)
        connected(page)
        wait_for_line(page, "SET slow:key", "#slow-table td")


def test_a_killed_shard_is_seen_to_go_and_to_come_back(browser, cluster):
    with Console(browser, cluster) as page:
        connected(page)
        with stopped(cluster.supervisor_pid):  # so that it does not come back before that is seen
            cluster.kill_shard(1)
            page.wait_for_selector("#shards .node[data-shard='1'][data-state=bad] >> text=restarting")
        wait_for_line(page, "Link to shard 1 lost", "#feed li")
        page.wait_for_selector("#shards .node[data-shard='1'][data-state=good] >> text=up")
        wait_for_line(page, "Shard 1 is back", "#feed li")
        connected(page)


def test_a_replica_is_watched_while_it_attaches(browser, cluster):
    with Console(browser, cluster) as page, cluster.client() as client:
        connected(page)
        assert page.locator("#peers .node").count() == 0
        page.click("#attach")
        page.wait_for_selector("#peers .node[data-state=good] >> text=online", timeout=60_000)
        told = page.locator("#feed li.handshake > span").evaluate_all("all => all.map((one) => one.firstChild.textContent)")
        assert len(told) == len(HANDSHAKE), told
        for text, expected in zip(told, HANDSHAKE, strict=True):
            assert re.fullmatch(expected, text)
        wait_for_line(page, "Snapshot sent: 100 %", "#feed li.snapshot")
        page.select_option("#endpoint", "slave")
        run(page, "SET refused 1")
        wait_for_line(page, "(error) READONLY")
        assert client.exists("refused") == 0


def test_a_phone_shows_all_of_it_without_scrolling_sideways(browser, cluster):
    with Console(browser, cluster, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        connected(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        for section in page.locator("main > section").all():
            box = section.bounding_box()
            assert 0 <= box["x"] and box["x"] + box["width"] <= PHONE["width"] and box["width"] > 340
        run(page, "PING")
        wait_for_line(page, "PONG")


def test_everything_can_be_reached_by_keyboard(browser, cluster):
    with Console(browser, cluster) as page, cluster.client() as client:
        client.set("typed", "by keys alone")
        connected(page)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the command line"
        page.keyboard.press("Enter")
        page.keyboard.type("GET typed")
        page.keyboard.press("Enter")
        wait_for_line(page, "by keys alone")
        reached = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate("document.activeElement.id || document.activeElement.parentElement?.parentElement?.id")
            )
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or page.evaluate("document.activeElement === document.body")
        assert {"output", "feed", "pattern", "database", "key-list", "slow-table"} <= reached | {"output"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(browser, cluster, scheme):
    with Console(browser, cluster, color_scheme=scheme) as page:
        connected(page)
        back = luminance(style(page, "section", "backgroundColor"))
        assert (back > 0.5) == (scheme == "light")
        for selector in ("h2", ".hint", "#shards .status", "figcaption", "h1", "#state"):
            text = luminance(style(page, selector, "color"))
            assert (max(text, back) + 0.05) / (min(text, back) + 0.05) >= 4.5, selector


def test_a_password_is_asked_for_before_anything_is_told(browser):
    with (
        elixircache.LocalCluster(shards=1, save="", requirepass="secret") as cluster,
        Console(browser, cluster) as page,
    ):
        page.wait_for_selector("#login:not([hidden])")
        page.fill("#password", "wrong")
        page.press("#password", "Enter")
        wait_for_line(page, "WRONGPASS", "#login-error")
        page.fill("#password", "secret")
        page.press("#password", "Enter")
        page.wait_for_selector("#state[data-state=good]")
        run(page, "PING")
        wait_for_line(page, "PONG")
