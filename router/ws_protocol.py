"""The WebSocket protocol: JSON requests to commands, RESP replies to JSON. A core: no I/O.

    {"type": "COMMAND", "command": "SET k v"} or {"type": "COMMAND", "args": ["SET", "k", {"base64": "..."}]}
        -> {"type": "COMMAND_RESULT", "result": ..., "connection": "master", "id": ...}
    messages of subscriptions and MONITOR -> {"type": "MESSAGE", ...}

Replies come in RESP3, whole, in the order of requests; pushes are told from replies by their type.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cluster.reply_parts import whole_replies
from router.inline import split_quoted

CONFIRMATIONS = (b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe", b"ssubscribe", b"sunsubscribe")
INVALID_JSON = json.dumps({"error": "Invalid JSON"})


class BadRequest(Exception):
    """A request that is JSON and yet no request; the text says why."""


@dataclass
class Request:
    """One request in flight. args: the command; replies: RESP pieces that belong to it so far; done: called when
    it has succeeded."""

    args: list[bytes]
    id: Any = None
    raw: bool = False
    expected: int = 1
    replies: list[bytes] = field(default_factory=list)
    done: Callable[[], None] | None = None


def parse_request(message: dict[str, Any]) -> Request:
    """The command in a COMMAND message. BadRequest."""
    if "args" in message:
        given = message["args"]
        if not isinstance(given, list) or not given:
            raise BadRequest("args must be a list that is not empty")
        args = [_argument(word) for word in given]
    elif isinstance(message.get("command"), str):
        words = split_quoted(message["command"].encode())
        if words is None:
            raise BadRequest("unbalanced quotes in command")
        if not words:
            raise BadRequest("empty command")
        args = words
    else:
        raise BadRequest('a COMMAND needs "command" (text) or "args" (list)')
    name = args[0].lower()
    if name == b"client" and [word.lower() for word in args[1:2]] == [b"reply"]:
        raise BadRequest("CLIENT REPLY: here every request is answered")
    expected = max(1, len(args) - 1) if name in CONFIRMATIONS else 1
    return Request(args, message.get("id"), message.get("format") == "resp", expected)


def _argument(word: Any) -> bytes:
    if isinstance(word, str):
        return word.encode()
    if isinstance(word, bool):
        raise BadRequest("true and false are no arguments; write them as text")
    if isinstance(word, (int, float)):
        return str(word).encode()
    if isinstance(word, dict) and isinstance(word.get("base64"), str):
        try:
            return base64.b64decode(word["base64"], validate=True)
        except binascii.Error:
            raise BadRequest("base64 that cannot be decoded") from None
    raise BadRequest('an argument is text, a number or {"base64": "..."}')


class Conversation:
    """Requests of one connection and their answers. `name`: "master" or "slave"."""

    def __init__(self, name: str):
        self.name = name
        self.requests: deque[Request] = deque()
        self.monitoring = False
        self.buffer = b""

    def sent(self, request: Request) -> None:
        """A request's command is on its way."""
        self.requests.append(request)

    def receive(self, data: bytes) -> list[str]:
        """RESP3 bytes; the JSON messages that they make."""
        self.buffer += data
        replies, used = whole_replies(self.buffer)
        self.buffer = self.buffer[used:]
        messages = [self._reply(raw) for raw in replies]
        return [message for message in messages if message is not None]

    def _reply(self, raw: bytes) -> str | None:
        if raw[:1] == b">":
            items = to_json(raw)
            if not (isinstance(items, list) and items and str(items[0]).encode() in CONFIRMATIONS and self.requests):
                return json.dumps(self._message(items))
        elif self.monitoring and raw[:1] == b"+" and b" [" in raw:
            return json.dumps({"type": "MESSAGE", "kind": "monitor", "message": to_json(raw), "connection": self.name})
        if not self.requests:
            return None
        request = self.requests[0]
        request.replies.append(raw)
        if raw[:1] != b"-" and len(request.replies) < request.expected:
            return None
        self.requests.popleft()
        if raw[:1] == b"+" and (name := request.args[0].upper()) in (b"MONITOR", b"RESET"):
            self.monitoring = name == b"MONITOR"
        if request.done is not None and raw[:1] == b"+":
            request.done()
        return json.dumps(self._result(request))

    def _message(self, items: Any) -> dict[str, Any]:
        message: dict[str, Any] = {"type": "MESSAGE", "kind": items[0], "connection": self.name}
        if items[0] == "pmessage" and len(items) == 4:
            message |= {"pattern": items[1], "channel": items[2], "message": items[3]}
        elif len(items) == 3:
            message |= {"channel": items[1], "message": items[2]}
        else:
            message["message"] = items[1:]
        return message

    def _result(self, request: Request) -> dict[str, Any]:
        answer: dict[str, Any] = {"type": "COMMAND_RESULT", "connection": self.name}
        if request.id is not None:
            answer["id"] = request.id
        raw = request.replies[-1]
        if request.raw:
            answer["result"] = b"".join(to_resp2(one) for one in request.replies).decode("utf-8", "replace")
        elif raw[:1] == b"-":
            code, _, text = raw[1:-2].decode("utf-8", "replace").partition(" ")
            answer["result"] = None
            answer["error"] = {"code": code, "message": text}
        elif len(request.replies) > 1:
            answer["result"] = [to_json(one) for one in request.replies]
        else:
            answer["result"] = to_json(raw)
        return answer


def _text(raw: bytes) -> Any:
    """Bytes as JSON: text, or base64 where they are none."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def to_json(raw: bytes) -> Any:
    """One whole RESP reply as a JSON value."""
    return _value(raw, 0)[0]


def _value(raw: bytes, at: int) -> tuple[Any, int]:
    line = raw.index(b"\r\n", at)
    mark, head, end = raw[at : at + 1], raw[at + 1 : line], line + 2
    if mark == b"+":
        return _text(head), end
    if mark in (b":", b"("):
        return int(head), end
    if mark == b"-":
        code, _, text = head.decode("utf-8", "replace").partition(" ")
        return {"error": {"code": code, "message": text}}, end
    if mark in (b"$", b"=", b"!"):
        size = int(head)
        if size < 0:
            return None, end
        body = raw[end : end + size]
        return _text(body[4:] if mark == b"=" else body), end + size + 2
    if mark == b"_":
        return None, end
    if mark == b"#":
        return head == b"t", end
    if mark == b",":
        number = float(head)
        return (number if abs(number) != float("inf") and number == number else head.decode()), end
    return _aggregate(raw, mark, int(head), end)


def _aggregate(raw: bytes, mark: bytes, count: int, at: int) -> tuple[Any, int]:
    if count < 0:
        return None, at
    if mark == b"%":
        pairs: dict[str, Any] = {}
        for _ in range(count):
            key, at = _value(raw, at)
            value, at = _value(raw, at)
            pairs[key if isinstance(key, str) else json.dumps(key)] = value
        return pairs, at
    items = []
    for _ in range(count):
        item, at = _value(raw, at)
        items.append(item)
    return items, at


def to_resp2(raw: bytes) -> bytes:
    """One whole RESP3 reply in RESP2."""
    return _resp2(raw, 0)[0]


def _resp2(raw: bytes, at: int) -> tuple[bytes, int]:
    line = raw.index(b"\r\n", at)
    mark, head, end = raw[at : at + 1], raw[at + 1 : line], line + 2
    if mark == b"_":
        return b"$-1\r\n", end
    if mark == b"#":
        return (b":1\r\n" if head == b"t" else b":0\r\n"), end
    if mark == b",":
        return b"$%d\r\n%s\r\n" % (len(head), head), end
    if mark in (b"$", b"=", b"!"):
        size = int(head)
        if size < 0:
            return raw[at:end], end
        body = raw[end : end + size]
        body = body[4:] if mark == b"=" else body
        return b"$%d\r\n%s\r\n" % (len(body), body), end + size + 2
    if mark in (b"*", b"~", b">", b"%"):
        count = int(head) * (2 if mark == b"%" else 1)
        out = [b"*%d\r\n" % count]
        for _ in range(count):
            item, end = _resp2(raw, end)
            out.append(item)
        return b"".join(out), end
    return raw[at:end], end
