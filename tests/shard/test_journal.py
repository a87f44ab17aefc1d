"""The journal: what was written comes back, torn tails go, damage is named, faults are survived."""

from __future__ import annotations

import errno
import os
import random
import subprocess
from pathlib import Path

import pytest

from cluster.config import Config
from cluster.records import Record, done_note
from cluster.wire import command
from shard import offline
from shard.engine import Engine
from shard.journal import Journal, write_rdb
from shard.manifest import Refused
from shard.records import MARK_EVERY_MS
from tests.peers import peer

NOW = 1_700_000_000_000


class Forkless:
    """Stands in for the worker: does a child's work at once."""

    def fork(self, kind, work, done):
        work(None)
        done(True)


def opened(directory: Path, **options):
    engine = Engine(Config({"appendonly": True, **options}))
    engine.now = NOW
    engine.worker_shards = 1
    journal = Journal(directory, engine, engine.config)
    journal.open()
    return engine, journal


def written(engine, journal, *commands):
    for args in commands:
        engine.run([word.encode() for word in args.split()])
    return journal.append(engine.take_stream())


def increment(directory: Path) -> Path:
    return sorted((directory / "appendonlydir").glob("*.incr.aof"))[-1]


def test_what_was_written_is_there_after_a_start(tmp_path):
    engine, journal = opened(tmp_path)
    assert written(engine, journal, "SET a 1", "INCR a", "MSET b 2 c 3")
    journal.close()
    again, journal = opened(tmp_path)
    journal.close()
    assert again.run([b"MGET", b"a", b"b", b"c"]) == [b"2", b"2", b"3"]


def test_a_tail_cut_anywhere_leaves_whole_commands(tmp_path):
    engine, journal = opened(tmp_path)
    written(engine, journal, "SET a 1", "SET b 2")
    whole = len(increment(tmp_path).read_bytes())
    written(engine, journal, "SET c 3")
    journal.close()
    path = increment(tmp_path)
    raw = path.read_bytes()
    for size in range(whole, len(raw)):
        path.write_bytes(raw[:size])
        again, journal = opened(tmp_path)
        journal.close()
        assert again.run([b"MGET", b"a", b"b", b"c"]) == [b"1", b"2", None]
        assert path.stat().st_size == whole


def test_a_cut_transaction_goes_as_a_whole(tmp_path):
    engine, journal = opened(tmp_path)
    written(engine, journal, "SET a 1")
    journal.append(command(b"MULTI") + command(b"SET", b"a", b"2") + command(b"SET", b"b", b"2"))
    journal.close()
    again, journal = opened(tmp_path)
    journal.close()
    assert again.run([b"MGET", b"a", b"b"]) == [b"1", None]


def test_damage_in_the_middle_is_refused_with_file_and_offset(tmp_path):
    engine, journal = opened(tmp_path)
    written(engine, journal, "SET a 1")
    at = increment(tmp_path).stat().st_size
    written(engine, journal, "SET b 2", "SET c 3")
    journal.close()
    path = increment(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[at] = 0x21
    path.write_bytes(raw)
    with pytest.raises(Refused) as caught:
        opened(tmp_path)
    assert f"{path}: offset {at}" in str(caught.value)
    assert "elixircache check" in str(caught.value)
    found = offline.check_shard(tmp_path, Config())
    assert [good for good, _ in found] == [False]
    assert f"offset {at}" in found[0][1]


def test_a_rewritten_journal_holds_the_same_keys_and_goes_on(tmp_path):
    engine, journal = opened(tmp_path)
    written(engine, journal, "SET a 1", "SET b 2", "INCR a")
    journal.rewrite(Forkless())
    written(engine, journal, "SET c 3")
    journal.close()
    names = sorted(path.name for path in (tmp_path / "appendonlydir").iterdir())
    assert names == ["appendonly.aof.2.incr.aof", "appendonly.aof.3.base.rdb", "appendonly.aof.manifest"]
    again, journal = opened(tmp_path)
    journal.close()
    assert again.run([b"MGET", b"a", b"b", b"c"]) == [b"2", b"2", b"3"]


def test_redis_check_aof_accepts_the_files(tmp_path):
    engine, journal = opened(tmp_path)
    written(engine, journal, "SET a 1")
    journal.rewrite(Forkless())
    written(engine, journal, "SET c 3")
    journal.close()
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    checked = subprocess.run([peer("redis-check-aof"), manifest], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    assert "All AOF files and manifest are valid" in checked.stdout


def test_a_full_disk_refuses_writes_and_loses_nothing_once_there_is_space(tmp_path, monkeypatch):
    engine, journal = opened(tmp_path)
    written(engine, journal, "SET a 1")
    real = os.write
    room = [10]

    def write(fd, data):
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = real(fd, bytes(data)[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr("shard.journal.os.write", write)
    assert not written(engine, journal, "SET b 2")
    refused = engine.run([b"SET", b"c", b"3"])
    assert refused.text.startswith("MISCONF")
    assert engine.run([b"GET", b"a"]) == b"1"
    journal.tick(Forkless())
    assert engine.write_error
    monkeypatch.undo()
    journal.tick(Forkless())
    assert not engine.write_error
    assert written(engine, journal, "SET d 4")
    journal.close()
    again, journal = opened(tmp_path)
    journal.close()
    assert again.run([b"MGET", b"a", b"b", b"c", b"d"]) == [b"1", b"2", None, b"4"]


def test_another_number_of_shards_keeps_every_key(tmp_path):
    keys = [b"key:%d" % i for i in range(500)]
    config = Config({"appendonly": True})
    offline.prepare(tmp_path, 1, config)
    engine, journal = opened(tmp_path / "shard-0")
    for key in keys:
        engine.run([b"SET", key, key])
    engine.run([b"PEXPIREAT", keys[0], b"9000000000000"])
    journal.append(engine.take_stream())
    journal.close()
    for shards in (4, 3, 1):
        offline.prepare(tmp_path, shards, config)
        assert len(offline.shard_directories(tmp_path)) == shards
        assert offline.read_manifest(tmp_path)["shards"] == shards
        engines = offline.load_group(tmp_path, config)
        found = {key: value for engine in engines for key, value, _ in engine.dbs[0].items()}
        assert found == {key: key for key in keys}
    assert engines[0].dbs[0].expires_at(keys[0]) == 9_000_000_000_000


def test_an_exchange_of_directories_that_was_cut_short_is_finished(tmp_path):
    config = Config({"appendonly": True})
    engine, journal = opened(tmp_path / "shard-0")
    written(engine, journal, "SET a 1", "SET b 2")
    journal.close()
    offline.write_shards([engine], tmp_path / "resplit", 2, config)
    offline.write_manifest(tmp_path, shards=1, exchange=2)
    (tmp_path / "before-resplit").mkdir()
    (tmp_path / "shard-0").rename(tmp_path / "before-resplit" / "shard-0")  # the crash came here
    offline.prepare(tmp_path, 2, config)
    found = {key: value for one in offline.load_group(tmp_path, config) for key, value, _ in one.dbs[0].items()}
    assert found == {b"a": b"1", b"b": b"2"}
    assert not (tmp_path / "resplit").exists()


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    engine, journal = opened(tmp_path)
    journal.close()
    engine.run([b"SET", b"a", b"1"])
    write_rdb(engine, tmp_path / "dump.rdb")
    before = (tmp_path / "dump.rdb").read_bytes()

    def failing(fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("shard.journal.os.fsync", failing)
    with pytest.raises(OSError):
        write_rdb(engine, tmp_path / "dump.rdb")
    assert (tmp_path / "dump.rdb").read_bytes() == before


def record(sequence: int) -> bytes:
    return Record((7, sequence), {0: b"", 1: b""}).pack()


def test_a_journal_notes_which_records_need_not_be_kept_when_it_is_replayed(tmp_path):
    engine, journal = opened(tmp_path)
    for sequence in (1, 2, 3):
        engine.records.add(record(sequence))
        journal.append(command(b"ECHO", record(sequence)))
    marks = [engine.records.mark((7, 2), NOW + at_ms) for at_ms in (0, 100, MARK_EVERY_MS, 2 * MARK_EVERY_MS)]
    assert marks == [None, None, (7, 2), None]  # once, and some seconds late: others may not have synced it before
    journal.append(command(b"ECHO", done_note((7, 2))))
    journal.close()
    again, journal = opened(tmp_path)
    journal.close()
    assert again.records.last == (7, 3)
    assert [number for number, _ in again.records.kept] == [(7, 3)]


def test_a_journal_with_any_flipped_byte_or_garbage_is_refused_with_its_place_or_read(tmp_path):
    """RESP has no checksum: a byte changed within a value is read. Nothing else than Refused may be raised."""
    engine, journal = opened(tmp_path)
    written(
        engine,
        journal,
        "SET a 1",
        "HSET h f v",
        "ZADD z 1 m",
        "XADD s 1-1 f v",
        "SELECT 3",
        "RPUSH l 1 2",
        "MSET x 1 y 2",
    )
    journal.close()
    path = increment(tmp_path)
    whole = path.read_bytes()
    rng = random.Random(4)
    refused = 0
    for round_number in range(300):
        raw = bytearray(whole)
        if round_number % 3:
            raw[rng.randrange(len(raw))] ^= rng.randrange(1, 256)
        else:
            at = rng.randrange(len(raw))
            raw[at : at + rng.randrange(40)] = rng.randbytes(rng.randrange(40))
        path.write_bytes(raw)
        try:
            _, journal = opened(tmp_path)
            journal.close()
        except Refused as error:
            refused += 1
            assert str(path) in str(error) and "offset" in str(error)
    assert refused > 50
