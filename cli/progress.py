"""How far a long task is, on standard error: a bar for a person, a line a second for a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

EVERY_S = 1.0


def amount(count: float, unit: str) -> str:
    """A number of bytes or of something else, for people."""
    return f"{count / 1e6:,.1f} MB" if unit == "bytes" else f"{count:,.0f} {unit}"


class _Amount(ProgressColumn):
    """Done, in all, and per second."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        of = "" if task.total is None else f" of {amount(task.total, unit)}"
        rate = "" if task.speed is None else f", {amount(task.speed, unit)}/s"
        return Text(f"{amount(task.completed, unit)}{of}{rate}")


class _Bar:
    """One bar; the next step takes the place of the one before."""

    def __init__(self, progress: Progress):
        self.progress = progress
        self.task = progress.add_task("", total=None, unit="bytes")
        self.what = ""

    def __call__(self, what: str, done: float, total: float | None = None, unit: str = "bytes") -> None:
        if what != self.what:
            self.what = what
            self.progress.reset(self.task, description=what, total=total, unit=unit)
        self.progress.update(self.task, completed=done, total=total)


class _Lines:
    """What a log gets: a line a second while a step lasts longer than that."""

    def __init__(self) -> None:
        self.what = ""
        self.began = self.said = 0.0

    def __call__(self, what: str, done: float, total: float | None = None, unit: str = "bytes") -> None:
        now = time.monotonic()
        if what != self.what:
            self.what, self.began, self.said = what, now, now
        if now - self.said < EVERY_S:
            return
        self.said = now
        rate = done / (now - self.began)
        line = f"{what}: {amount(done, unit)}"
        if total is not None:
            line += f" of {amount(total, unit)}"
        line += f", {amount(rate, unit)}/s"
        if total is not None and rate:
            line += f", {max(total - done, 0) / rate:.0f} s left"
        typer.echo(line, err=True)


@contextmanager
def progress() -> Iterator[Any]:
    """Yields advance(what, done, total or None, unit): a step's name, how far it is, of how much."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), _Amount(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield _Bar(shown)
