"""A restarted shard tells its router from the journal what an earlier process had not told."""

from __future__ import annotations

from cluster import records
from cluster.config import Config
from cluster.records import Record
from cluster.wire import command
from shard.engine import Engine
from shard.journal import Journal, write_rdb
from shard.replay import record_units
from shard.stream import blob_of, segments


def open_journal(directory):
    config = Config()
    engine = Engine(config)
    journal = Journal(directory, engine, config)
    journal.open()
    return journal


def test_the_journal_gives_what_came_after_a_place_over_files(tmp_path):
    journal = open_journal(tmp_path)
    journal.append(command("SET", "a", 1))
    place = journal.place
    journal.append(command("SET", "b", 2))
    journal.rewrite_now()
    assert journal.since(place) is None, "the new base has taken the file's place"
    place = journal.place
    journal.append(command("SET", "c", 3))
    journal._begin_increment()
    journal.append(command("SET", "d", 4))
    journal.close()
    again = open_journal(tmp_path)
    assert again.since(place) == command("SET", "c", 3) + command("SET", "d", 4)
    assert again.since(again.place) == b""
    assert again.since((place[0], place[1] + 1000)) is None, "a power cut took what had been told"
    again.close()


def test_told_from_the_journal_is_what_would_have_been_told_at_once():
    blob = Record((7, 1), {0: b"", 2: b""}).pack()
    engine = Engine(Config())
    engine.feeding = True
    engine.run([b"SET", b"a", b"1"], 3)
    engine.run([b"SET", b"b", b"1"], 5)
    engine.unit.append((4, command("SET", "c", 1)))
    engine.unit.append((2, command("SET", "d", 1)))
    engine.end_unit(blob)
    engine.run([b"SET", b"e", b"1"], 2)
    effects = engine.take_stream()

    units, last_db = record_units(effects, -1)
    assert last_db == engine.stream_db == 2
    assert records.record_id(blob_of(effects[units[0][0] : units[0][1]])) == (7, 1)
    assert segments(effects, units, -1, last_db, blob_of) == segments(effects, engine.units, -1, 2, blob_of)


class Forks:
    """A worker whose children work at once and are heard of later."""

    def __init__(self):
        self.ended = []

    def fork(self, kind, work, done):
        work(None)
        self.ended.append(done)
        return True


def reopened(directory):
    journal = open_journal(directory)
    journal.close()
    return journal.engine


def test_a_base_of_keys_that_were_replaced_meanwhile_does_not_count(tmp_path):
    journal, forks = open_journal(tmp_path), Forks()
    journal.engine.run([b"SET", b"old", b"1"])
    assert journal.rewrite(forks)
    journal.engine.run([b"FLUSHALL"])
    journal.engine.run([b"SET", b"new", b"1"])
    journal.engine.take_stream()
    journal.rewrite_now()
    forks.ended.pop()(True)
    journal.close()
    db = reopened(tmp_path).dbs[0]
    assert db.get(b"new") == b"1" and db.get(b"old") is None


def test_a_base_that_a_child_has_written_takes_the_place_of_all(tmp_path):
    journal = open_journal(tmp_path)
    journal.append(command("SET", "old", 1))
    journal.engine.records.last = (7, 3)
    others = Engine(Config())
    others.run([b"SET", b"new", b"1"])
    base = journal.next_base(1)
    write_rdb(journal.engine, base, True, None, (others.dbs, []))
    write_rdb(journal.engine, journal.next_base(2), True, None, (others.dbs, []))  # of a snapshot that was given up
    journal.rewrite_now(base)
    journal.append(command("SET", "after", 1))
    journal.close()
    engine = reopened(tmp_path)
    assert sorted(key for key, _, _ in engine.dbs[0].items()) == [b"after", b"new"]
    assert engine.records.last == (7, 3), "records of before were applied here and must not come again"
    assert not list(journal.directory.glob("*.next.rdb"))
