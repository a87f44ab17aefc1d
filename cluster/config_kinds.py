"""Kinds of configuration values: how each is read from text, checked and written back.

`parse(words)` takes the words of a configuration line (CONFIG SET gives one) and raises
ValueError with Redis's own text; `show(value)` gives what CONFIG GET returns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

INT_MAX = 2**31 - 1
UINT_MAX = 2**32 - 1
LONG_MAX = 2**63 - 1
ULONG_MAX = 2**64 - 1

_UNITS = {
    "": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3,
    "t": 1000**4, "tb": 1024**4,
}  # fmt: skip
_MEMORY = re.compile(r"(-?\d+)([a-z]*)\Z", re.IGNORECASE)


def memory(text: str) -> int:
    """Bytes of "100", "100k" (1000), "1gb" (1024^3), ... ValueError if it is none."""
    found = _MEMORY.match(text)
    if found is None or found[2].lower() not in _UNITS:
        raise ValueError("argument must be a memory value")
    return int(found[1]) * _UNITS[found[2].lower()]


class Kind(Protocol):
    """One kind of value."""

    def parse(self, words: list[str]) -> Any: ...

    def show(self, value: Any) -> str: ...


def _only(words: list[str]) -> str:
    if len(words) != 1:
        raise ValueError("wrong number of arguments")
    return words[0]


@dataclass(frozen=True, slots=True)
class YesNo:
    """A bool."""

    def parse(self, words: list[str]) -> bool:
        word = _only(words).lower()
        if word not in ("yes", "no"):
            raise ValueError("argument must be 'yes' or 'no'")
        return word == "yes"

    def show(self, value: bool) -> str:
        return "yes" if value else "no"


@dataclass(frozen=True, slots=True)
class Number:
    """An int. unit: "" plain, "memory" bytes, "percent" bytes or a negative percentage, "octal"."""

    low: int = 0
    high: int = INT_MAX
    unit: str = ""

    def parse(self, words: list[str]) -> int:
        word = _only(words)
        if self.unit == "percent" and re.fullmatch(r"\d+%", word):
            return -int(word[:-1])
        try:
            if self.unit == "octal":
                value = int(word, 8)
            elif self.unit:
                value = memory(word)
            else:
                if not re.fullmatch(r"-?(0|[1-9]\d*)", word):
                    raise ValueError
                value = int(word)
        except ValueError:
            raise ValueError(
                {
                    "": "argument couldn't be parsed into an integer",
                    "octal": "argument couldn't be parsed as an octal number",
                    "memory": "argument must be a memory value",
                    "percent": "argument must be a memory or percent value",
                }[self.unit]
            ) from None
        if not self.low <= value <= self.high:
            if self.unit == "octal":
                raise ValueError(f"argument must be between {self.low:o} and {self.high:o} inclusive")
            raise ValueError(f"argument must be between {self.low} and {self.high} inclusive")
        return value

    def show(self, value: int) -> str:
        if self.unit == "percent" and value < 0:
            return f"{-value}%"
        return f"{value:o}" if self.unit == "octal" else str(value)


@dataclass(frozen=True, slots=True)
class Text:
    """A str."""

    file_name: bool = False  # no directories in it

    def parse(self, words: list[str]) -> str:
        word = _only(words)
        if self.file_name and "/" in word:
            raise ValueError("argument can't be a path, just a filename")
        return word

    def show(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words, kept in lower case."""

    words: tuple[str, ...]

    def parse(self, words: list[str]) -> str:
        word = _only(words).lower()
        if word not in self.words:
            raise ValueError("argument(s) must be one of the following: " + ", ".join(self.words))
        return word

    def show(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Words:
    """Some words in one str (bind, replicaof, oom-score-adj-values)."""

    counts: tuple[int, ...] = ()  # how many words may be given; empty: any number

    def parse(self, words: list[str]) -> str:
        words = [word for given in words for word in given.split()]
        if self.counts and len(words) not in self.counts:
            raise ValueError("wrong number of arguments")
        return " ".join(words)

    def show(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class SavePoints:
    """"3600 1 300 100": pairs of seconds and changes; "" for none."""

    def parse(self, words: list[str]) -> str:
        words = [word for given in words for word in given.split()]
        if len(words) % 2 or not all(word.isdigit() for word in words) or "0" in words[::2]:
            raise ValueError("Invalid save parameters")
        return " ".join(words)

    def show(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Numbers from 0 to 100 in one str."""

    def parse(self, words: list[str]) -> str:
        words = [word for given in words for word in given.split()]
        try:
            if not all(0 <= float(word) <= 100 for word in words):
                raise ValueError
        except ValueError:
            raise ValueError("Invalid latency-tracking-info-percentiles parameters") from None
        return " ".join(words)

    def show(self, value: str) -> str:
        return value


LIMIT_CLASSES = ("normal", "slave", "pubsub")
Limits = dict[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """client-output-buffer-limit: class -> (hard bytes, soft bytes, soft seconds). `parse` gives
    only the classes that are named; `Config` keeps the others."""

    def parse(self, words: list[str]) -> Limits:
        words = [word for given in words for word in given.split()]
        if not words or len(words) % 4:
            raise ValueError("Wrong number of arguments in buffer limit configuration.")
        found: Limits = {}
        for name, hard, soft, seconds in zip(words[::4], words[1::4], words[2::4], words[3::4], strict=True):
            name = "slave" if name.lower() == "replica" else name.lower()
            if name not in LIMIT_CLASSES:
                raise ValueError("Invalid client class specified in buffer limit configuration.")
            try:
                limits = (memory(hard), memory(soft), int(seconds))
            except ValueError:
                raise ValueError("Error in hard, soft or soft_seconds setting in buffer limit configuration.") from None
            if min(limits) < 0:
                raise ValueError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            found[name] = limits
        return found

    def show(self, value: Limits) -> str:
        return " ".join(f"{name} {hard} {soft} {seconds}" for name, (hard, soft, seconds) in value.items())


ALL_EVENTS = "g$lshzxetd"


@dataclass(frozen=True, slots=True)
class Events:
    """notify-keyspace-events, kept in the form that Redis shows: "A" for all classes, then K, E, m, n."""

    def parse(self, words: list[str]) -> str:
        word = _only(words)
        if set(word) - set("A" + ALL_EVENTS + "KEmn"):
            raise ValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        classes = ALL_EVENTS if "A" in word else "".join(char for char in ALL_EVENTS if char in word)
        shown = "A" if classes == ALL_EVENTS else classes
        return shown + "".join(char for char in "KEmn" if char in word)

    def show(self, value: str) -> str:
        return value
