"""Data of every type for tests of files and streams, and all that a client can see of it."""

from __future__ import annotations

from typing import Any

import redis


def fill(client: redis.Redis) -> None:
    """Keys of every type, over all shards, in two databases, some with a time to live."""
    client.mset({f"string:{number}": number for number in range(300)})
    for number in range(10):
        client.rpush(f"list:{number}", *range(number + 1))
        client.hset(f"hash:{number}", mapping={f"f{field}": field for field in range(number + 1)})
        client.sadd(f"set:{number}", *range(number + 1), f"word{number}")
        client.zadd(f"zset:{number}", {f"m{member}": member / 2 for member in range(number + 1)})
        client.xadd(f"stream:{number}", {"f": number})
        client.set(f"expiring:{number}", "x", ex=1000 + number)
    client.set("big", "v" * 300_000)
    client.set(b"\x00\xff binary", b"\x00\r\n\xff")
    pipe = client.pipeline(transaction=False)
    pipe.execute_command("SELECT", 3)
    pipe.mset({f"other:{number}": number for number in range(20)})
    pipe.execute_command("SELECT", 0)
    pipe.execute()


def state(client: redis.Redis) -> dict[Any, Any]:
    """Everything a client can see, by database and key."""
    seen: dict[Any, Any] = {}
    for db in (0, 3):
        with redis.Redis(port=client.connection_pool.connection_kwargs["port"], db=db, protocol=2) as reader:
            for key in reader.scan_iter(count=1000):
                seen[db, key] = (reader.pexpiretime(key) if key.startswith(b"expiring") else -1, value(reader, key))
    return seen


def value(client: redis.Redis, key: bytes) -> Any:
    kind = client.type(key)
    if kind == b"string":
        return client.get(key)
    if kind == b"list":
        return client.lrange(key, 0, -1)
    if kind == b"hash":
        return client.hgetall(key)
    if kind == b"set":
        return set(client.smembers(key))
    if kind == b"zset":
        return client.zrange(key, 0, -1, withscores=True)
    return client.xrange(key)


def work(client: redis.Redis, name: str) -> None:
    """Writes whose effects differ from what was asked, and units over several shards."""
    client.mset({f"{name}:{number}": number for number in range(30)})
    with client.pipeline() as unit:
        for number in range(10):
            unit.incrby(f"{name}:{number}", 1000)
        unit.execute()
    client.rpush(f"{name}:list", *range(20))
    client.lmove(f"{name}:list", f"{name}:moved", "LEFT", "RIGHT")
    client.sadd(f"{name}:set", *range(30))
    client.spop(f"{name}:set", 7)
    client.rename(f"{name}:11", f"{name}:renamed")
    client.sunionstore(f"{name}:union", f"{name}:set", f"{name}:missing")
    client.incrbyfloat(f"{name}:12", 0.1)
    client.set(f"expiring:{name}", "y", px=900_000)
    client.eval("for i = 1, #KEYS do redis.call('incr', KEYS[i]) end", 3, *(f"{name}:script{key}" for key in range(3)))
    client.delete(f"{name}:13", f"{name}:14", f"{name}:15")
    client.set(f"{name}:done", name)
