"""Commands that the router answers itself, as far as two servers can say the same. Needs a router."""

from .draw import ALL_KEYS, RULES, Draw, rule

G = "connection"


@rule(G, 2)
def simple(d: Draw):
    return d.pick(
        [
            [b"PING"],
            [b"PING", d.value()],
            [b"ECHO", d.value()],
            [b"PING", b"a", b"b"],
            [b"WAIT", b"0", b"10"],
            [b"READONLY"],
            [b"ASKING"] if d.maybe(0.01) else [b"ECHO", b""],
        ]
    )


@rule(G, 1)
def client(d: Draw):
    return d.pick(
        [
            [b"CLIENT", b"GETNAME"],
            [b"CLIENT", b"SETNAME", d.pick([b"me", b"", b"two words", b"a\nb"])],
            [b"CLIENT", b"NO-EVICT", d.pick([b"ON", b"off", b"x"])],
            [b"CLIENT", b"NOSUCH"],
            [b"CLIENT", b"UNPAUSE"],
            [b"CLIENT", b"UNBLOCK", b"999999"],
            [b"CLIENT", b"KILL", b"ID", b"999999"],
            [b"CLIENT", b"GETREDIR"],
            [b"CLIENT", b"TRACKINGINFO"],
            [b"CLIENT", b"KILL", b"1.2.3.4:5"],
            [b"CLIENT", b"CACHING", b"YES"],
            [b"CLIENT", b"REPLY", b"x"],
            [b"CLIENT", b"TRACKING", b"x"],
        ]
    )


@rule(G, 1)
def databases(d: Draw):
    return d.pick(
        [
            [b"SELECT", d.pick([b"0", b"1", b"0", b"16", b"-1", b"x"])],
            [b"SWAPDB", d.pick([b"0", b"1"]), d.pick([b"0", b"1", b"x", b"99"])],
        ]
    )


@rule(G, 1)
def keys_of(d: Draw):
    kind = d.pick(sorted(set(RULES) - {G, "transactions"}))
    made = d.pick(RULES[kind])[0](Draw(d.rng, kind if kind != "generic" else "strings"))
    args = made if isinstance(made[0], bytes) else made[0]
    ask = d.pick([b"GETKEYS", b"GETKEYS", b"GETKEYSANDFLAGS"])
    return [b"COMMAND", ask, *args] if not args[0].startswith(b"@") else [b"COMMAND", ask]


@rule(G, 0.5)
def descriptions(d: Draw):
    kind = d.pick(sorted(set(RULES) - {G, "transactions"}))
    made = d.pick(RULES[kind])[0](Draw(d.rng, kind if kind != "generic" else "strings"))
    args = made if isinstance(made[0], bytes) else made[0]
    name = d.pick([args[0], b"config", b"XGROUP", b"memory|usage", b"object|freq", b"nosuch"])
    return [b"COMMAND", b"INFO", name] if d.maybe(0.9) else [b"COMMAND"]


@rule(G, 1)
def pubsub(d: Draw):
    return d.pick(
        [
            [b"PUBLISH", d.pick(ALL_KEYS), d.value()],
            [b"PUBSUB", b"CHANNELS"],
            [b"PUBSUB", b"NUMSUB", b"a", b"b"],
            [b"PUBSUB", b"NUMPAT"],
            [b"SPUBLISH", b"a", b"b"],
            [b"PUBSUB", b"SHARDCHANNELS"],
            [b"PUBSUB", b"SHARDNUMSUB", b"a"],
        ]
    )


@rule(G, 0.5)
def server(d: Draw):
    return d.pick(
        [
            [b"CONFIG", b"GET", d.pick([b"maxmemory", b"nothing", b"hz", b"appendfsync", b"maxmemory-policy"])],
            [b"CONFIG", b"NOSUCH"],
            [b"CONFIG", b"SET", b"nosuch", b"1"],
            [b"SLOWLOG", b"RESET"],
            [b"PING"],
            [b"NOSUCHCOMMAND", b"a", b"b"],
            [b"SCRIPT", b"EXISTS", b"0" * 40],
            [b"EVALSHA", b"0" * 40, b"0"],
            [b"LATENCY", b"RESET"],
            [b"HELLO", b"9"],
            [b"AUTH", b"a", b"b", b"c"],
            [b"DEBUG", b"SLEEP", b"0"],
        ]
    )
