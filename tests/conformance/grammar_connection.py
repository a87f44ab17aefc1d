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
            [b"CLIENT", b"UNBLOCK", d.pick([b"999999", b"x"]), *d.one_of(b"TIMEOUT", b"ERROR", b"x")],
            [b"CLIENT", b"KILL", d.pick([b"ID", b"TYPE", b"USER", b"SKIPME", b"ADDR", b"x"]), d.pick([b"x", b"0", b"-1"])],
            [b"CLIENT", b"LIST", *d.pick([[b"ID", b"999999", b"88888"], [b"ID", b"x"], [b"TYPE", b"x"], [b"x"]])],
            [b"CLIENT", b"LIST", b"TYPE", d.pick([b"REPLICA", b"MASTER", b"NORMAL", b"PUBSUB"])],
            [b"CLIENT", b"PAUSE", d.pick([b"0", b"1", b"x", b"-1"]), *d.one_of(b"WRITE", b"ALL", b"x")],
            [b"CLIENT", b"REPLY", b"ON"],
            [b"CLIENT", b"GETREDIR"],
            [b"CLIENT", b"TRACKINGINFO"],
            [b"CLIENT", b"KILL", b"1.2.3.4:5"],
            [b"CLIENT", b"CACHING", d.pick([b"YES", b"NO", b"x"])],
            [b"CLIENT", b"REPLY", b"x"],
        ]
    )


@rule(G, 0.5)
def kill_nobody(d: Draw):
    """Filters that no client fits, in any order."""
    return [
        b"CLIENT",
        b"KILL",
        b"ID",
        b"999999",
        *d.some(
            [b"TYPE", d.pick([b"NORMAL", b"MASTER", b"SLAVE", b"REPLICA", b"PUBSUB", b"x"])],
            [b"USER", b"default"],
            [b"ADDR", b"1.2.3.4:5"],
            [b"LADDR", b"1.2.3.4:5"],
            [b"SKIPME", d.pick([b"yes", b"no", b"x"])],
            share=0.3,
        ),
    ]


@rule(G, 1)
def tracking(d: Draw):
    """Not followed by invalidations where replies are RESP2; `pushes_wanted` does the same for RESP3."""
    if d.maybe(0.3):
        return [b"CLIENT", b"TRACKING", d.pick([b"OFF", b"OFF", b"x"])]
    options = d.some(
        b"BCAST",
        b"OPTIN",
        b"OPTOUT",
        b"NOLOOP",
        [b"PREFIX", d.pick([b"s", b"h", b"", b"sx"])],
        [b"PREFIX", d.pick([b"z", b"x"])],
        [b"REDIRECT", d.pick([b"0", b"999999", b"x"])],
        share=0.2,
    )
    return [[b"CLIENT", b"TRACKING", b"ON", *options], [b"CLIENT", b"TRACKINGINFO"], [b"CLIENT", b"GETREDIR"]]


@rule(G, 0.5)
def hello(d: Draw):
    """Never back to RESP2, in which a message could not be told from a reply."""
    options = d.some([b"SETNAME", d.pick([b"me", b"two words"])], [b"AUTH", d.pick([b"default", b"x"]), b""], b"x", share=0.3)
    return [b"HELLO", d.pick([b"3", b"3", b"1", b"x"]), *options]


@rule(G, 0.7)
def subscribed(d: Draw):
    """A channel, and what a subscriber may do. One channel at a time: each command has one reply."""
    kind = d.pick([b"", b"P", b"S"])
    channel = d.pick([b"news", b"n*", b"\x00\xff"])
    inside = [d.pick([[b"PING"], [b"PING", b"x"], [b"GET", b"s1"], [b"MULTI"], [b"PUBSUB", b"NUMPAT"]]) for _ in range(2)]
    ends = [[kind + b"UNSUBSCRIBE", channel], [kind + b"UNSUBSCRIBE", channel], [b"RESET"]]
    return [
        *([[b"HELLO", b"3"], [b"PUBLISH", b"news", b"unheard"]] if d.maybe() else []),
        [kind + b"SUBSCRIBE", channel],
        *inside,
        [b"SPUBLISH" if kind == b"S" else b"PUBLISH", d.pick([channel, b"news"]), d.value()],
        d.pick(ends),
        [b"DISCARD"],
        [b"PUBSUB", b"CHANNELS", *d.one_of(d.pattern())],
    ]


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
    if d.maybe(0.2):
        by = d.pick([[b"ACLCAT", b"geo"], [b"ACLCAT", b"x"], [b"PATTERN", d.pattern()], [b"MODULE", b"x"], [b"x", b"y"]])
        return [b"COMMAND", b"LIST", b"FILTERBY", *by]
    return [b"COMMAND", b"INFO", name] if d.maybe(0.9) else [b"COMMAND"]


@rule(G, 1)
def pubsub(d: Draw):
    return d.pick(
        [
            [b"PUBLISH", d.pick(ALL_KEYS), d.value()],
            [b"PUBSUB", b"CHANNELS", *d.one_of(d.pattern())],
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
            [b"LATENCY", b"RESET", *d.one_of(b"command")],
            [b"LATENCY", d.pick([b"HISTORY", b"GRAPH", b"HISTOGRAM"]), b"nosuch"],
            [b"HELLO", b"9"],
            [b"AUTH", b"a", b"b", b"c"],
            [b"DEBUG", b"SLEEP", b"0"],
        ]
    )
