"""Questions to all shards whose answers become one reply of a client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.errors import CommandError
from cluster.reply_parts import split_reply
from cluster.wire import encoded
from router.registry import LATER

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


def value_of(raw: bytes) -> Any:
    """A raw reply as a Python value: int, bytes, list, None; an error is a CommandError."""
    mark, line = raw[:1], raw[1 : raw.index(b"\r\n")]
    if mark == b"$":
        return None if line == b"-1" else raw[len(line) + 3 : -2]
    if mark == b":":
        return int(line)
    if mark == b"-":
        return CommandError(line.decode("utf-8", "replace"))
    if mark == b"*":
        return None if line == b"-1" else [value_of(part) for part in split_reply(raw)]
    if mark == b"_":
        return None
    return line


def ask(router: Router, session: Session, args: list[bytes], merge: Callable[[dict[int, Any]], Any]) -> Any:
    """Ask all shards an internal command; the client gets `merge(shard -> value)`, or the first
    shard's error."""
    for shard in range(router.shard_count):
        router.require(shard)
    place = session.reserve()
    resp = session.resp  # HELLO may come behind this command, and be obeyed before its answer

    def answer(value: Any) -> None:
        session.fulfil_raw(place, encoded(value, resp))

    def done(raws: dict[int, bytes | None]) -> None:
        values: dict[int, Any] = {}
        for shard in sorted(raws):
            raw = raws[shard]
            value = CommandError(errors.SHARD_DOWN_UNKNOWN.format(shard=shard)) if raw is None else value_of(raw)
            if isinstance(value, CommandError):
                answer(value)
                return
            values[shard] = value
        try:
            answer(merge(values))
        except CommandError as error:
            answer(error)

    router.ask_all(args, done)
    return LATER


def ask_json(router: Router, session: Session, args: list[bytes], merge: Callable[[dict[int, Any]], Any]) -> Any:
    """Like `ask`, of a command that answers with JSON."""
    return ask(router, session, args, lambda values: merge({shard: json.loads(raw) for shard, raw in values.items()}))
