"""What COMMAND tells of each command, and which keys it finds, against a real redis-server: field by field."""

import itertools

import pytest

import elixircache
from cluster.command_table import TABLE
from cluster.command_table.model import F

from .targets import SocketTarget

# Newer than the 7.0 oracle: 7.2's WITHSCORE of ZRANK and ZREVRANK, 7.4's MAXAGE of CLIENT KILL.
NEWER = {b"zrank", b"zrevrank", b"client|kill"}


@pytest.fixture(scope="module")
def server():
    with elixircache.LocalCluster(shards=2) as cluster:
        target = SocketTarget("elixircache", ("127.0.0.1", cluster.port))
        target.connect()
        yield target
        target.close()


@pytest.fixture
def peer(oracle):
    oracle.reset(2)
    return oracle


def as_map(pairs):
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def documents(reply):
    found = {}
    for name, fields in as_map(reply).items():
        found[name] = as_map(fields)
        found |= documents(found[name].pop(b"subcommands", []))
    return found


def without(word, tree):
    """A reply without the pairs that begin with a word: display_text is new in 7.2."""
    if not isinstance(tree, list):
        return tree
    skipped = {at + i for at, item in enumerate(tree) if item == word for i in (0, 1)}
    return [without(word, item) for at, item in enumerate(tree) if at not in skipped]


def test_command_docs_tells_what_redis_tells(server, peer):
    ours, theirs = (documents(target.run([[b"COMMAND", b"DOCS"]])[0]) for target in (server, peer))
    assert len(theirs) > 350
    different = {
        (name, field)
        for name in theirs
        for field in theirs[name].keys() | ours[name].keys()
        if without(b"display_text", ours[name].get(field)) != theirs[name].get(field)
    }
    assert {(name, field) for name, field in different if name not in NEWER} == set()


def arguments_of(row):
    """Some argument lists of a command, most of them with its keys in place."""
    words = row.name.encode().split(b"|")
    fillers = [[b"a", b"b", b"c", b"d"], [b"1", b"a", b"b", b"c", b"d"], [b"x", b"1", b"k", b"a", b"1"], [b"x", b"2", b"k", b"l", b"m"]]
    options = [[], [b"STORE", b"t"], [b"GET", b"p_*", b"STORE", b"t"], [b"STREAMS", b"s1", b"s2", b"0", b"0"], [b"GET"]]
    options += [[b"STOREDIST", b"t"], [b"KEYS", b"k1", b"k2"], [b"GET", b"u8", b"0"], [b"SET", b"u8", b"0", b"1"]]
    for filler, more in itertools.product(fillers, options):
        for many in range(len(filler) + 1):
            yield [*words, *filler[:many], *more]


def test_keys_are_found_where_redis_finds_them(server, peer):
    rows = [row for row in TABLE.values() if not row.flags & F.INTERNAL and not row.container]
    known = documents(peer.run([[b"COMMAND", b"DOCS"]])[0])
    different = []
    for row in rows:
        if row.name.lower().encode() not in known or row.name.lower().encode() in NEWER:
            continue
        lists = list(arguments_of(row))
        for ask in (b"GETKEYS", b"GETKEYSANDFLAGS"):
            questions = [[b"COMMAND", ask, *args] for args in lists]
            answers = zip(lists, server.run(questions), peer.run(questions), strict=True)
            different += [(ask, args, ours, theirs) for args, ours, theirs in answers if ours != theirs]
    assert different == []
