"""RDB files: those of a real redis-server load, ours pass its tools and load in it, damage is named."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest
import redis

from shard.engine import Engine
from shard.rdb import reader, writer
from shard.rdb.errors import DamagedFile
from shard.rdb.packed import ziplist_items, zipmap_items
from shard.rdb.plain import to_plain
from tests.peers import peer
from tests.processes.real_redis import redis_server

FIXTURE = Path(__file__).parent / "rdb_files" / "redis-7.0.rdb"
NOW = 1_700_000_000_000


def loaded(path, engine=None):
    engine = engine or Engine({})
    return engine, reader.load(path, engine.dbs)


def contents(engine):
    """Every key's plain form and expiry, comparable."""
    found = {}
    for db in engine.dbs:
        for key, value, at_ms in db.items():
            name, form = to_plain(value)
            if name == b"set":
                form = sorted(form)
            if name == b"hash":
                form = dict(zip(form.items[::2], form.items[1::2], strict=True)), form.expiry
            found[db.index, key] = name, form, at_ms
    return found


@pytest.fixture(scope="module")
def fixture():
    return loaded(FIXTURE)


def test_every_string_encoding_of_redis_loads(fixture):
    db = fixture[0].dbs[0]
    assert db.get(b"int8") == b"-100"
    assert db.get(b"int16") == b"30000"
    assert db.get(b"int32") == b"-2000000000"
    assert db.get(b"int64") == b"%d" % 2**62
    assert db.get(b"compressed") == b"elixir" * 500
    assert db.get(b"plain") == b"\x00\xff binary"
    assert db.expires_at(b"expiring") == 4_102_444_800_000
    assert fixture[0].dbs[3].get(b"other-db") == b"three"


def test_every_list_and_set_encoding_of_redis_loads(fixture):
    db = fixture[0].dbs[0]
    assert list(db.get(b"list-listpack")) == [b"a", b"1", b"-70000", b"x" * 100]
    assert list(db.get(b"list-quicklist")) == [b"element-%d" % i * 10 for i in range(1000)]
    assert list(db.get(b"list-huge")) == [b"h" * 100_000, b"tail"]
    assert sorted(db.get(b"set-intset16")) == [b"1", b"2", b"3"]
    assert sorted(db.get(b"set-intset32")) == [b"1", b"70000"]
    assert sorted(db.get(b"set-intset64")) == [b"1", b"%d" % 2**40]
    assert sorted(db.get(b"set-hashtable")) == sorted(b"m%d" % i for i in range(1000))


def test_every_hash_and_zset_encoding_of_redis_loads(fixture):
    db = fixture[0].dbs[0]
    assert dict(db.get(b"hash-listpack").items()) == {b"f": b"v", b"n": b"12345", b"e": b""}
    assert dict(db.get(b"hash-hashtable").items()) == {b"f%d" % i: b"v%d" % i for i in range(1000)}
    assert list(db.get(b"zset-listpack")) == [(b"d", float("-inf")), (b"a", 1.0), (b"b", 2.5), (b"c", float("inf"))]
    assert list(db.get(b"zset-skiplist")) == [(b"m%d" % i, i / 7) for i in range(1000)]


def test_a_stream_of_redis_loads_with_its_groups(fixture):
    name, stream = to_plain(fixture[0].dbs[0].get(b"stream"))
    ids = [entry_id for entry_id, _ in stream.entries]
    assert ids == [(i, 1) for i in range(1, 250) if i != 2]
    assert stream.entries[0][1] == [b"n", b"1", b"text", b"abc"]
    assert stream.entries[1][1] == [b"other", b"3"]
    assert (stream.last_id, stream.max_deleted_id, stream.entries_added) == ((250, 1), (250, 1), 250)
    groups = {group.name: group for group in stream.groups}
    assert groups[b"empty"].last_id == (250, 1)
    assert sorted(groups[b"group"].pending) == [(3, 1), (4, 1), (5, 1), (6, 1)]
    consumers = {consumer.name: consumer.pending for consumer in groups[b"group"].consumers}
    assert consumers == {b"alice": [(3, 1), (4, 1)], b"bob": [(5, 1), (6, 1)]}


def test_functions_of_redis_are_handed_on(fixture):
    assert fixture[1].functions[0].startswith(b"#!lua name=lib")


def test_what_is_written_reads_back_the_same(fixture, tmp_path):
    engine = fixture[0]
    path = tmp_path / "ours.rdb"
    with path.open("wb") as file:
        writer.save(engine.dbs, file.write, NOW)
    assert contents(loaded(path)[0]) == contents(engine)


def test_redis_accepts_our_file_and_has_the_same_keys(fixture, tmp_path):
    engine = fixture[0]
    path = tmp_path / "dump.rdb"
    extra = [(b"elixircache-record", b"EXR1 anything")]
    with path.open("wb") as file:
        writer.save(engine.dbs, file.write, NOW, extra=extra, functions=fixture[1].functions)
    checked = subprocess.run([peer("redis-check-rdb"), path], capture_output=True, text=True)
    assert checked.returncode == 0 and "RDB looks OK" in checked.stdout
    socket = str(tmp_path / "redis.sock")
    server = subprocess.Popen(
        [peer("redis-server"), "--port", "0", "--unixsocket", socket, "--dir", tmp_path, "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        client = redis.Redis(unix_socket_path=socket)
        for _ in range(100):
            try:
                client.ping()
                break
            except (redis.ConnectionError, redis.BusyLoadingError):
                time.sleep(0.05)
        assert client.dbsize() == len(engine.dbs[0])
        for key, value, at_ms in engine.dbs[0].items():
            # Their own dump of what they loaded from us, read by us, is the same value.
            theirs = reader.restore(client.dump(key))
            assert comparable(theirs) == comparable(value), key
            assert client.pexpiretime(key) == at_ms
            assert client.restore(b"copy:" + key, 0, writer.dump(value)) == b"OK"
        assert client.fcall("f", 0) == 1
    finally:
        server.terminate()
        server.wait()


def comparable(value):
    engine = Engine({})
    engine.dbs[0].set(b"k", value)
    return contents(engine)[0, b"k"]


def test_expiring_hash_fields_survive_a_file(tmp_path):
    engine = Engine({})
    from shard.values.hashes import HashValue

    value = HashValue.load([(b"f", b"v"), (b"g", b"w")])
    value.set_expire(b"g", NOW)
    engine.dbs[0].set(b"h", value)
    path = tmp_path / "h.rdb"
    with path.open("wb") as file:
        writer.save(engine.dbs, file.write, NOW)
    back = loaded(path)[0].dbs[0].get(b"h")
    assert (back.expire_at(b"f"), back.expire_at(b"g")) == (-1, NOW)


def test_every_cut_file_is_refused_with_its_offset(tmp_path):
    whole = FIXTURE.read_bytes()
    path = tmp_path / "cut.rdb"
    for size in random.Random(1).sample(range(len(whole)), 60):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedFile) as caught:
            loaded(path)
        assert caught.value.name == str(path) and 0 <= caught.value.offset <= size


def test_every_flipped_byte_is_noticed(tmp_path):
    whole = FIXTURE.read_bytes()
    path = tmp_path / "flipped.rdb"
    rng = random.Random(2)
    for at in rng.sample(range(9, len(whole) - 8), 120):
        bad = bytearray(whole)
        bad[at] ^= rng.randrange(1, 256)
        path.write_bytes(bad)
        with pytest.raises(DamagedFile):
            loaded(path)


def test_garbage_never_crashes_the_reader(tmp_path):
    rng = random.Random(3)
    path = tmp_path / "garbage.rdb"
    engine = Engine({})
    for _ in range(2000):
        for db in engine.dbs:
            if db.size:
                db.clear()
        kind = rng.choice([kind for kind in range(26) if kind not in (6, 7, 8)])
        path.write_bytes(b"REDIS0010" + bytes([kind, 1, 107]) + bytes([rng.randrange(70)]) + rng.randbytes(60))
        with pytest.raises(DamagedFile):
            loaded(path, engine)


def test_packed_forms_of_old_files_are_read():
    # ziplist: "ab", 5 (immediate), -3 (int8), 1000 (int16)
    entries = b"\x00\x02ab" + b"\x04\xf6" + b"\x02\xfe\xfd" + b"\x03\xc0\xe8\x03"
    raw = (11 + len(entries)).to_bytes(4, "little") + bytes(4) + (4).to_bytes(2, "little") + entries + b"\xff"
    assert ziplist_items(raw) == [b"ab", b"5", b"-3", b"1000"]
    assert zipmap_items(b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world\x00\x00\xff") == [
        b"foo",
        b"bar",
        b"hello",
        b"world",
    ]


def ziplist(*items: bytes) -> bytes:
    """A ziplist of short strings, as Redis before 7 packed small collections."""
    body, before = b"", 0
    for item in items:
        entry = bytes([before, len(item)]) + item
        body, before = body + entry, len(entry)
    size = 10 + len(body) + 1
    return (
        size.to_bytes(4, "little")
        + (size - 1 - before).to_bytes(4, "little")
        + len(items).to_bytes(2, "little")
        + body
        + b"\xff"
    )


def string(data: bytes) -> bytes:
    """A string of an RDB file with a length of six bits, or of 32."""
    return (bytes([len(data)]) if len(data) < 64 else b"\x80" + len(data).to_bytes(4, "big")) + data


# type codes: a list of one ziplist, a quicklist of ziplists, a hash, a sorted set, a hash as zipmap (Redis 2.4 and before)
OLD_VALUES = {
    b"list": (10, string(ziplist(b"a", b"bb", b"3"))),
    b"quicklist": (14, b"\x02" + string(ziplist(b"a", b"b")) + string(ziplist(b"c"))),
    b"hash": (13, string(ziplist(b"f", b"v", b"g", b"w"))),
    b"zset": (12, string(ziplist(b"one", b"1", b"two", b"2.5"))),
    b"zipmap": (9, string(b"\x01\x03foo\x03\x00bar\xff")),
}


def test_a_file_of_the_time_of_ziplists_loads_here_as_it_does_in_redis(tmp_path):
    raw = b"REDIS0004\xfe\x00"  # version 4 has no checksum
    for key, (code, value) in OLD_VALUES.items():
        raw += bytes([code]) + string(key) + value
    path = tmp_path / "dump.rdb"
    path.write_bytes(raw + b"\xff")
    engine, _ = loaded(path)
    db = engine.dbs[0]
    assert list(db.get(b"list")) == [b"a", b"bb", b"3"]
    assert list(db.get(b"quicklist")) == [b"a", b"b", b"c"]
    assert dict(db.get(b"hash").items()) == {b"f": b"v", b"g": b"w"}
    assert list(db.get(b"zset")) == [(b"one", 1.0), (b"two", 2.5)]
    assert dict(db.get(b"zipmap").items()) == {b"foo": b"bar"}
    with redis_server(tmp_path) as server:
        for key in OLD_VALUES:
            assert comparable(reader.restore(server.dump(key))) == comparable(db.get(key)), key
