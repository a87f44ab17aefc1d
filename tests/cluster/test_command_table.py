"""The rows of the command table: well formed, and the same as a real redis-server's."""

import shutil
import subprocess
import time

import pytest
import redis

import elixircache
from cluster.command_docs.history import HISTORY
from cluster.command_docs.syntax import SYNTAX, parse
from cluster.command_table import BY_ID, TABLE
from cluster.command_table.model import At, Custom, Effect, F, Merge, Spread
from router.commands.introspection import SHOWN, description, documentation

# Where we follow a version after the one that is compared with.
NEWER = {"ZRANK", "ZREVRANK"}
OWN_GROUPS = {"internal"}


def plain(value):
    """Replies as Python values: no bytes, sets and lists alike."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def test_ids_are_the_places_in_by_id():
    assert all(row.id == place for place, row in enumerate(BY_ID))
    assert len({row.name for row in BY_ID}) == len(BY_ID)


@pytest.mark.parametrize("row", BY_ID, ids=lambda row: row.name)
def test_a_row_is_well_formed(row):
    assert row.name == row.name.upper()
    assert row.arity != 0
    assert row.summary
    assert not (row.flags & F.WRITE and row.flags & F.READONLY)
    if row.flags & F.INTERNAL:
        return
    if "|" in row.name:
        assert TABLE[row.name.split("|")[0]].container
    if row.keys is not None:
        assert row.access, "key specs need their flags"
    if row.spread is not Spread.ONE and row.at is At.SHARD:
        assert row.merge is not Merge.NONE
        assert row.at is At.SHARD
    if row.spread is Spread.SPLIT:
        assert row.keys is not None
    if row.effect is Effect.REWRITTEN:
        assert row.flags & (F.WRITE | F.MAY_REPLICATE | F.NOSCRIPT), "only what changes data has effects"
    if isinstance(row.keys, Custom):
        assert len(row.keys.places) == len(row.access.split(", "))
    description(row)
    documentation(row)


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("GET a", [1]),
        ("MSET a 1 b 2", [1, 3]),
        ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", [1, 3, 4]),
        ("ZUNIONSTORE d 9 a b", []),
        ("EVAL code 2 a b c", [3, 4]),
        ("BLPOP a b 0", [1, 2]),
        ("XREAD COUNT 1 STREAMS a b 0 0", [4, 5]),
        ("XREADGROUP GROUP g c STREAMS a >", [5]),
        ("SORT a BY w* GET # STORE d", [1, 7]),
        ("GEORADIUS a 1 2 3 m STORE d", [1, 7]),
        ("BITOP AND d a b", [2, 3, 4]),
        ("LMPOP 2 a b LEFT", [2, 3]),
        ("OBJECT ENCODING a", [2]),
        ("PING", []),
    ],
)
def test_where_the_keys_stand(command, keys):
    args = command.encode().split()
    row = TABLE[args[0].decode()]
    if row.container:
        row = TABLE[f"{args[0].decode()}|{args[1].decode()}"]
    assert row.key_indexes(args) == keys


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine")
    port = elixircache.free_port()
    directory = tmp_path_factory.mktemp("oracle")
    process = subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--dir", str(directory)], stdout=subprocess.DEVNULL
    )
    client = redis.Redis(port=port, protocol=2)
    for _ in range(100):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    yield client
    client.close()
    process.terminate()
    process.wait(10)


def ask(client, *args):
    """A raw reply, without redis-py's own reading of it."""
    connection = client.connection_pool.get_connection()
    try:
        connection.send_command(*args)
        return plain(connection.read_response())
    finally:
        client.connection_pool.release(connection)


def flat(infos):
    for info in infos:
        yield info
        yield from flat(info[9])


def without_notes(spec):
    fields = dict(zip(spec[::2], spec[1::2], strict=True))
    return sorted(fields["flags"]), fields["begin_search"], fields["find_keys"]


def test_rows_agree_with_a_real_redis_server(oracle):
    ours = {plain(description(row))[0]: plain(description(row)) for row in SHOWN}
    differences = []
    for theirs in flat(ask(oracle, "COMMAND")):
        name = theirs[0]
        if name.upper() in NEWER:
            continue
        mine = ours.get(name)
        if mine is None:
            differences.append(f"{name}: no row")
            continue
        for field, place in (("arity", 1), ("first key", 3), ("last key", 4), ("step", 5)):
            if mine[place] != theirs[place]:
                differences.append(f"{name}: {field} {mine[place]}, Redis {theirs[place]}")
        for field, place in (("flags", 2), ("categories", 6), ("tips", 7)):
            if sorted(mine[place]) != sorted(theirs[place]):
                differences.append(f"{name}: {field} {mine[place]}, Redis {theirs[place]}")
        if [without_notes(spec) for spec in mine[8]] != [without_notes(spec) for spec in theirs[8]]:
            differences.append(f"{name}: key specs {mine[8]}, Redis {theirs[8]}")
    assert differences == []


def test_arguments_and_history_are_of_commands_that_exist():
    assert set(SYNTAX) | set(HISTORY) <= {row.name for row in SHOWN}
    with_arguments = {row.name for row in SHOWN if not row.container and row.arity not in (1, 2)}
    python = {row.name for row in SHOWN if row.group == "python"}
    untold_by_redis = {"REPLCONF", "PFDEBUG", "DEBUG", "QUIT", "COMMAND|GETKEYS", "COMMAND|GETKEYSANDFLAGS"}
    assert with_arguments - set(SYNTAX) - python - untold_by_redis == set()


@pytest.mark.parametrize("text", ["key", "key:k@", "a:b(c:s", "a:s)", "NX|XX", "key:q"])
def test_a_line_that_is_not_in_the_notation_of_arguments_is_refused(text):
    with pytest.raises((ValueError, KeyError)):
        parse(text)


def as_map(flat_map):
    return dict(zip(flat_map[::2], flat_map[1::2], strict=True))


def comparable(argument):
    """An argument as a dictionary, without what Redis has told only since 7.2."""
    found = as_map(argument)
    found.pop("display_text", None)
    if "arguments" in found:
        found["arguments"] = [comparable(part) for part in found["arguments"]]
    if "flags" in found:
        found["flags"] = sorted(found["flags"])
    return found


def documented(docs):
    """Names, with subcommands, and what COMMAND DOCS says of them."""
    for name, text in as_map(docs).items():
        found = as_map(text)
        yield name.upper(), found
        yield from documented(found.get("subcommands", []))


def test_docs_agree_with_a_real_redis_server(oracle):
    newer = NEWER | {"CLIENT|KILL"}
    ours = dict(
        documented([part for row in SHOWN if "|" not in row.name for part in (row.name.lower(), flattened(row))])
    )
    differences = []
    for name, theirs in documented(ask(oracle, "COMMAND", "DOCS")):
        if name in newer:
            continue
        mine = ours[name]
        if [comparable(part) for part in mine.get("arguments", [])] != [
            comparable(p) for p in theirs.get("arguments", [])
        ]:
            differences.append(f"{name}: arguments {mine.get('arguments')}, Redis {theirs.get('arguments')}")
        for field in ("since", "group", "history", "deprecated_since"):
            if mine.get(field) != theirs.get(field):
                differences.append(f"{name}: {field} {mine.get(field)}, Redis {theirs.get(field)}")
    assert differences == []


def flattened(row):
    return plain(documentation(row))
