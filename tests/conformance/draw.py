"""What the grammars draw from: a chance source with small alphabets, and the rule registry.

A rule is `rule(d: Draw) -> list[bytes]` (one command, name included) or a list of such
(commands that must stay together, for instance SPOP and the DEL after which both sides are
the same again). Grammars register rules with `@rule(GRAMMAR, weight)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

KEYS: dict[str, list[bytes]] = {
    "strings": [b"s1", b"s2", b"{s}3", b"s\r\n\x00\xff"],
    "bitmaps": [b"b1", b"b2", b"s1"],
    "hashes": [b"h1", b"h2", b"{h}3"],
    "lists": [b"l1", b"l2", b"{l}3"],
    "sets": [b"e1", b"e2", b"{e}3"],
    "zsets": [b"z1", b"z2", b"{z}3"],
    "geo": [b"g1", b"g2", b"z1"],
    "streams": [b"x1", b"x2"],
    "hll": [b"p1", b"p2", b"p3"],
}
ALL_KEYS = sorted({key for keys in KEYS.values() for key in keys} | {b"nokey"})
MEMBERS = [b"a", b"b", b"c", b"d", b"e", b"f", b"1", b"2", b"-3", b"10", b"", b"\x00\xff\r\n", b"\xc3\xa4", b"m" * 70]
JUNK = [
    b"",
    b"foo",
    b"-1",
    b"0",
    b"1",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"nan",
    b"inf",
    b"1.5",
    b"01",
    b" 1",
    b"+1",
    b"1e3",
    b"0x10",
    b"\xff\x00",
    b"(",
    b"[",
    b"-",
    b"+",
    b"*",
    b"$",
]
INTEGERS = [b"0", b"1", b"2", b"3", b"5", b"-1", b"-2", b"-5", b"10", b"100"]
EXTREME = [
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"4294967296",
    b"-9223372036854775807",
]
FLOATS = [
    b"0",
    b"1",
    b"-1",
    b"1.5",
    b"0.1",
    b"3.0",
    b"-2.25",
    b"1e2",
    b"1e-7",
    b"123456789.123",
    b"3.14159265358979",
    b"17179869184",
    b"0.30000000000000004",
]
# No time in a sequence may pass while it runs: two servers would differ by how fast they are.
SENSELESS_TIMES = [*EXTREME, *(junk for junk in JUNK if junk != b"1"), b"-5", b"x"]

RULES: dict[str, list[tuple[Callable[[Draw], Any], float]]] = {}


def rule(grammar: str, weight: float = 1.0) -> Callable[[Callable[[Draw], Any]], Callable[[Draw], Any]]:
    """Register a rule of a grammar."""

    def register(function: Callable[[Draw], Any]) -> Callable[[Draw], Any]:
        RULES.setdefault(grammar, []).append((function, weight))
        return function

    return register


class Draw:
    """Chance with the project's alphabets. `kind` is the grammar whose keys are preferred."""

    def __init__(self, rng: random.Random, kind: str = "strings") -> None:
        self.rng = rng
        self.kind = kind

    def maybe(self, share: float = 0.5) -> bool:
        return self.rng.random() < share

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.rng.randrange(len(options))]

    def key(self, kind: str | None = None) -> bytes:
        """A key, nearly always of the right kind."""
        if self.maybe(0.05):
            return self.pick(ALL_KEYS)
        return self.pick(KEYS[kind or self.kind])

    def keys(self, low: int = 1, high: int = 3, kind: str | None = None) -> list[bytes]:
        return [self.key(kind) for _ in range(self.rng.randint(low, high))]

    def member(self) -> bytes:
        return self.pick(MEMBERS[:6]) if self.maybe(0.6) else self.pick(MEMBERS)

    def members(self, low: int = 1, high: int = 4) -> list[bytes]:
        if self.maybe(0.02):  # enough to leave the packed encodings
            return [b"%s%d" % (self.pick([b"n", b"big"]), i) for i in range(self.rng.choice([120, 140, 300]))]
        return [self.member() for _ in range(self.rng.randint(low, high))]

    def value(self) -> bytes:
        if self.maybe(0.3):
            return self.integer()
        if self.maybe(0.1):
            return self.pick([b"v" * 44, b"v" * 45, b"v" * 200, b"", b"\x00\x01\xfe"])
        return self.pick(MEMBERS + FLOATS)

    def integer(self) -> bytes:
        if self.maybe(0.06):
            return self.pick(EXTREME)
        if self.maybe(0.03):
            return self.pick(JUNK)
        return self.pick(INTEGERS)

    def index(self) -> bytes:
        return b"%d" % self.rng.randint(-6, 6) if self.maybe(0.93) else self.integer()

    def count(self) -> bytes:
        return b"%d" % self.rng.randint(0, 5) if self.maybe(0.9) else self.integer()

    def float(self) -> bytes:
        if self.maybe(0.06):
            return self.pick([b"inf", b"-inf", b"+inf", b"nan", b"1e308", b"-1e308", b"foo", b"", b"1e400"])
        return self.pick(FLOATS) if self.maybe(0.5) else b"%d" % self.rng.randint(-5, 9)

    def score(self) -> bytes:
        return self.float()

    def some(self, *options: Any, share: float = 0.3) -> list[bytes]:
        """Each option (a word, or a list of words) with a chance of `share`, in any order."""
        chosen = [option for option in options if self.maybe(share)]
        self.rng.shuffle(chosen)
        flat: list[bytes] = []
        for option in chosen:
            flat.extend(option if isinstance(option, list) else [option])
        return flat

    def one_of(self, *options: Any, share: float = 0.5) -> list[bytes]:
        """Nothing, or exactly one of the options."""
        if not self.maybe(share):
            return []
        option = self.pick(options)
        return list(option) if isinstance(option, list) else [option]

    def pattern(self) -> bytes:
        return self.pick([b"*", b"a*", b"?", b"[a-c]", b"*1", b"[^a]", b"h?", b"\\a", b"nothing", b"*[1-2]"])
