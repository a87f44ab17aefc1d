"""`db`, as a Python function sees it: redis-py's methods on the engine below, without a socket.

Whatever redis-py can build it builds and decodes; the commonest methods go straight to the
engine. There is one per shard, and it is of use only while a function runs.
"""

from __future__ import annotations

from typing import Any

import redis
from redis.exceptions import DataError, ResponseError

from cluster.errors import CommandError
from cluster.numbers import format_double
from cluster.replies import NIL_ARRAY, MapReply, Raw
from shard.scripting.resp_values import parse_reply


def argument(value: Any) -> bytes:
    """An argument as redis-py encodes it. DataError for what it refuses."""
    kind = type(value)
    if kind is bytes:
        return value  # type: ignore[no-any-return]
    if kind is str:
        return value.encode()  # type: ignore[no-any-return]
    if kind is int:
        return b"%d" % value
    if isinstance(value, bool) or not isinstance(value, bytes | bytearray | memoryview | str | int | float):
        raise DataError(f"Invalid input of type: '{kind.__name__}'. Convert to a bytes, string, int or float first.")
    if isinstance(value, float):
        return repr(float(value)).encode()
    return value.encode() if isinstance(value, str) else b"%d" % value if isinstance(value, int) else bytes(value)


def parsed(reply: Any) -> Any:
    """A reply as redis-py's RESP2 parser would give it to its callbacks."""
    kind = type(reply)
    if kind is bytes or kind is int or reply is None:
        return reply
    if reply is NIL_ARRAY:
        return None
    if kind is Raw:
        return parsed(parse_reply(bytes(reply)))
    if isinstance(reply, bytes | bytearray):
        return bytes(reply)
    if kind is bool:
        return int(reply)
    if kind is float:
        return format_double(reply)
    if kind is str:
        return reply.encode()
    if kind is dict:
        return [parsed(part) for pair in reply.items() for part in pair]
    if isinstance(reply, CommandError):
        return ResponseError(reply.text)
    if isinstance(reply, MapReply | list | tuple):
        return [parsed(item) for item in reply]
    return [parsed(item) for item in reply]


class Database(redis.Redis):
    """The data, for a function: `db.get(...)`, `db.zadd(...)`, `db.execute("OBJECT", ...)`."""

    def __init__(self, context: Any):
        super().__init__(protocol=2)
        self._context = context
        self._run = context.execute
        self._guard: Any = None
        self._names: dict[str, list[bytes]] = {}

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command and decode its reply as redis-py does. ResponseError."""
        options.pop("keys", None)
        name = args[0]
        words = self._names.get(name) if type(name) is str else argument(name).split()
        if words is None:
            words = self._names[name] = name.encode().split()
        reply = self._direct([*words, *map(argument, args[1:])])
        callback = self.response_callbacks.get(name)
        return callback(reply, **options) if callback is not None else reply

    execute = execute_command

    def _direct(self, args: list[bytes]) -> Any:
        if not self._context.running:
            raise ResponseError("ERR this database is of use only inside a running function")
        guard = self._guard
        guard.inside = True
        if guard.cap.limit:
            guard.cap.lift()
        try:
            reply = self._run(args)
        except CommandError as error:
            raise ResponseError(error.text) from None
        finally:
            guard.inside = False
            if guard.cap.limit:
                guard.cap.lower()
            if guard.pending:
                guard.end()
        kind = type(reply)
        return reply if kind is bytes or kind is int or reply is None else parsed(reply)

    # The commonest methods without redis-py's machinery.

    def get(self, name: Any) -> Any:
        return self._direct([b"GET", argument(name)])

    def set(self, name: Any, value: Any, *args: Any, **options: Any) -> Any:
        if args or options:
            return super().set(name, value, *args, **options)
        self._direct([b"SET", argument(name), argument(value)])
        return True

    def hget(self, name: Any, key: Any) -> Any:
        return self._direct([b"HGET", argument(name), argument(key)])

    def incrby(self, name: Any, amount: int = 1) -> Any:
        return self._direct([b"INCRBY", argument(name), argument(amount)])

    incr = incrby

    def decrby(self, name: Any, amount: int = 1) -> Any:
        return self._direct([b"DECRBY", argument(name), argument(amount)])

    decr = decrby

    def delete(self, *names: Any) -> Any:
        return self._direct([b"DEL", *map(argument, names)])

    # Everything is one unit already: a pipeline runs its commands at once.

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        return Pipeline(self)

    def close(self) -> None:
        """Nothing to close."""

    def __del__(self) -> None:
        """Nothing to close."""


class Pipeline:
    """redis-py's pipeline: collects results, gives them on `execute`."""

    def __init__(self, db: Database):
        self._db = db
        self._results: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._db, name)

        def run(*args: Any, **options: Any) -> Pipeline:
            self._results.append(method(*args, **options))
            return self

        return run

    def execute(self) -> list[Any]:
        results, self._results = self._results, []
        return results

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *exc: Any) -> None:
        self._results = []
