"""A restarted shard tells its router from the journal what an earlier process had not told."""

from __future__ import annotations

from cluster import records
from cluster.config import Config
from cluster.records import Record
from cluster.wire import command
from shard.engine import Engine
from shard.journal import Journal
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
    engine.end_unit(command(b"ECHO", blob))
    engine.run([b"SET", b"e", b"1"], 2)
    effects = engine.take_stream()

    units, last_db = record_units(effects, -1)
    assert last_db == engine.stream_db == 2
    assert records.record_id(blob_of(effects[units[0][0] : units[0][1]])) == (7, 1)
    assert segments(effects, units, -1, last_db, blob_of) == segments(effects, engine.units, -1, 2, blob_of)
