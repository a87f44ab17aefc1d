"""MULTI, EXEC, DISCARD, WATCH around commands of every type; scripts. Needs a router."""

import hashlib

from .draw import ALL_KEYS, RULES, Draw, rule

G = "transactions"
WHOLE_KEYSPACE = {b"DBSIZE", b"KEYS", b"SCAN", b"RANDOMKEY", b"FLUSHDB", b"FLUSHALL"}


def body(d: Draw) -> list[list[bytes]]:
    """Up to five commands of the types' own grammars, as they are queued."""
    commands: list[list[bytes]] = []
    for _ in range(d.rng.randint(0, 5)):
        inner = Draw(d.rng, d.kind)
        grammar = d.kind if d.maybe(0.8) else "generic"
        rules = RULES[grammar]
        made = d.rng.choices([r for r, _ in rules], [w for _, w in rules])[0](inner)
        group = [made] if isinstance(made[0], bytes) else made
        # One on the whole keyspace with one that moves data between shards is refused, and says so.
        if not any(args[0].startswith(b"@") or args[0] in WHOLE_KEYSPACE for args in group):
            commands += group
    return commands


@rule(G, 4)
def transaction(d: Draw):
    commands = body(d)
    if d.maybe(0.1):  # refused when it is queued: EXEC must abort
        commands.insert(
            d.rng.randint(0, len(commands)), d.pick([[b"GET"], [b"NOSUCHCOMMAND", b"a"], [b"WATCH", b"a"], [b"MULTI"]])
        )
    return [[b"MULTI"], *commands, d.pick([[b"EXEC"], [b"EXEC"], [b"EXEC"], [b"EXEC"], [b"DISCARD"]])]


@rule(G, 2)
def watched(d: Draw):
    keys = [d.key() if d.maybe(0.7) else d.pick(ALL_KEYS) for _ in range(d.rng.randint(1, 3))]
    # A group cut in two would leave a random pop without the DEL behind it.
    between = [args for args in body(d)[: d.rng.randint(0, 2)] if args[0].upper() != b"SPOP"]
    if between and d.maybe(0.7):  # what that command changes
        keys += between[0][1:3]
    if d.maybe(0.15):
        between.append([b"UNWATCH"])
    return [[b"WATCH", *keys], *between, [b"MULTI"], *body(d), [b"EXEC"]]


@rule(G, 0.5)
def alone(d: Draw):
    return d.pick([[b"EXEC"], [b"DISCARD"], [b"UNWATCH"], [b"WATCH"], [b"MULTI", b"x"]])


SCRIPTS = [
    b"return redis.call('SET', KEYS[1], ARGV[1])",
    b"return redis.call('GET', KEYS[1])",
    b"return {1, 2, {3, 'four'}, redis.call('TYPE', KEYS[1])}",
    b"redis.call('RPUSH', KEYS[1], ARGV[1]); return redis.call('LLEN', KEYS[1])",
    b"return redis.pcall('INCR', KEYS[1])",
    b"return redis.error_reply('MY error')",
    b"return redis.status_reply('FINE')",
    b"return tonumber(ARGV[1])",
    b"return {KEYS[1], ARGV[1], false, true, 3.7}",
    b"return redis.call('MSET', KEYS[1], 'a', KEYS[2] or KEYS[1], 'b')",
    b"redis.call('SET', KEYS[1], 'x'); return redis.call('LPUSH', KEYS[1], 'y')",
    b"return redis.call('NOSUCH')",
    b"return this is no lua",
    b"return redis.sha1hex(ARGV[1])",
    b"return cjson.encode({a=1, b={1,2,3}})",
]


@rule(G, 1)
def script(d: Draw):
    keys = [d.key("strings") if d.maybe(0.8) else d.key() for _ in range(d.rng.randint(1, 2))]
    return [d.pick([b"EVAL", b"EVAL", b"EVAL_RO"]), d.pick(SCRIPTS), b"%d" % len(keys), *keys, d.value()]


LIBRARIES = [
    b"#!lua name=one\nredis.register_function('f', function(keys, args) return redis.call('SET', keys[1], args[1]) end)",
    b"#!lua name=one\nredis.register_function{function_name='g', callback=function(keys) return redis.call('GET', keys[1])"
    b" end, flags={'no-writes'}, description='reads'}",
    b"#!lua name=two\nlocal n = 0\nredis.register_function('h', function(keys, args) return {#keys, args[1]} end)",
    b"#!lua name=two\nredis.register_function('f', function() return 1 end)",
    b"#!lua name=two",
    b"#!js name=two\nx",
    b"no first line",
    b"#!lua name=three\nthis is no lua",
]


@rule(G, 0.7)
def functions(d: Draw):
    return d.pick(
        [
            [b"FUNCTION", b"LOAD", *d.some(b"REPLACE"), d.pick(LIBRARIES)],
            [b"FUNCTION", b"LOAD", *d.some(b"REPLACE"), d.pick(LIBRARIES[:3])],
            [b"FUNCTION", b"LIST", *d.some([b"LIBRARYNAME", d.pick([b"o*", b"two", b"*"])], b"WITHCODE")],
            [b"FUNCTION", b"DELETE", d.pick([b"one", b"two", b"nosuch"])],
            [b"FUNCTION", b"FLUSH", *d.one_of(b"ASYNC", b"SYNC", b"x", share=0.3)],
            [b"FUNCTION", b"RESTORE", b"x", *d.one_of(b"FLUSH", b"APPEND", b"REPLACE", b"x")],
            [b"@FUNCTIONS", d.pick([b"FLUSH", b"APPEND", b"REPLACE"])],
        ]
    )


@rule(G, 1)
def called(d: Draw):
    keys = d.keys(0, 2, "strings")
    count = b"%d" % len(keys) if d.maybe(0.95) else d.pick([b"-1", b"9", b"x"])
    return [d.pick([b"FCALL", b"FCALL", b"FCALL_RO"]), d.pick([b"f", b"g", b"h", b"nosuch"]), count, *keys, d.value()]


@rule(G, 0.7)
def cached(d: Draw):
    source = d.pick(SCRIPTS)
    sha = hashlib.sha1(source).hexdigest().encode()
    return d.pick(
        [
            [b"SCRIPT", b"LOAD", source],
            [b"SCRIPT", b"EXISTS", sha, b"0" * 40],
            [b"SCRIPT", b"FLUSH", *d.one_of(b"ASYNC", b"SYNC", b"x")],
            [[b"SCRIPT", b"LOAD", source], [d.pick([b"EVALSHA", b"EVALSHA_RO"]), sha, b"1", d.key("strings"), d.value()]],
            [d.pick([b"EVALSHA", b"EVALSHA_RO"]), sha.upper() if d.maybe() else sha, b"1", d.key("strings"), d.value()],
        ]
    )
