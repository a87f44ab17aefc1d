"""What a router that is killed leaves to the next: the end of its stream, and how far each shard's own is in it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from router.replication.feed import MULTI, Feed

CAPACITY = 1000
NAME, OTHER, THIRD = "a" * 40, "b" * 40, "c" * 40


def made(path: Path, capacity: int = CAPACITY, owner: str = "boot supervisor") -> Feed:
    """Two shards that feed, each from the start of its journal's first file."""
    feed = Feed(2, NAME, capacity)
    feed.keep_at(str(path), owner, OTHER)
    feed.barrier = b"1"
    for shard in (0, 1):
        feed.on_place(shard, [b"place", b"1 0 7%d 0" % shard])
        feed.on_mark(shard, [b"barrier", b"1"])
    feed.backlog.merge(b"", [], 0)  # database 0 is selected
    return feed


def left(path: Path, owner: str = "boot supervisor", capacity: int = CAPACITY, shards: int = 2) -> Feed | None:
    """What the next router goes on with, if the one that uses the file were killed now."""
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    feed = Feed(shards, THIRD, capacity)
    return feed if feed.keep_at(str(copy), owner, OTHER) else None


def stream(feed: Feed, shard: int, data: bytes) -> None:
    feed.on_stream(shard, [b"stream", b"0", b"0", data])


def record(feed: Feed, shard: int, number: int, data: bytes, size: int) -> None:
    feed.on_record(shard, [b"record", b"1-%d" % number, b"0,1", b"0", b"0", data, b"%d" % size])


def test_a_killed_router_leaves_its_stream_and_the_places_of_its_shards(tmp_path):
    feed = made(tmp_path / "file")
    stream(feed, 0, b"first")
    stream(feed, 1, b"second")
    found = left(tmp_path / "file")
    assert found is not None and found.active
    assert (found.replid, found.offset) == (NAME, feed.offset)
    assert found.backlog.last(11) == b"firstsecond"
    assert [found.backlog.place_of(shard) for shard in (0, 1)] == [(1, 5, 70, 0), (1, 6, 71, 0)]


def test_what_waits_for_another_shard_is_not_counted(tmp_path):
    feed = made(tmp_path / "file")
    stream(feed, 1, b"1")
    record(feed, 0, 1, b"half", 50)
    stream(feed, 0, b"behind")
    found = left(tmp_path / "file")
    assert found is not None and (found.offset, found.backlog.place_of(0)) == (1, (1, 0, 70, 0))
    assert feed.resume(0) == (1, 0, 70, 0)  # a shard that is restarted tells it again
    assert feed.idle
    record(feed, 0, 1, b"half", 50)
    stream(feed, 0, b"behind")
    record(feed, 1, 1, b"other", 60)
    found = left(tmp_path / "file")
    assert found is not None and found.backlog.last(6) == b"behind"
    assert [found.backlog.place_of(shard) for shard in (0, 1)] == [(1, 56, 70, 0), (1, 61, 71, 0)]
    assert found.backlog.last(found.offset).count(MULTI) == 1


def test_a_journal_s_next_file_counts_only_when_what_came_before_it_has_gone_out(tmp_path):
    feed = made(tmp_path / "file")
    record(feed, 0, 1, b"half", 50)
    feed.on_place(0, [b"place", b"2 0 99 0"])
    assert feed.backlog.place_of(0) == (1, 0, 70, 0)
    record(feed, 1, 1, b"other", 60)
    assert feed.backlog.place_of(0) == (2, 0, 99, 0)
    feed.on_place(0, [b"place", b""])
    assert feed.backlog.place_of(0) is None and feed.resume(0) is None


@pytest.mark.parametrize("seed", range(5))
def test_at_any_moment_offset_and_places_belong_together(tmp_path, seed):
    """Killed before or after any piece, or while one is put in: what is left is a state that was, whole."""
    rng, path = random.Random(seed), tmp_path / "file"
    feed = made(path)
    stream(feed, 0, b"first")
    told, sent = [5, 0], bytearray(b"first")
    states = {5: (5, 0)}  # offset -> places

    def look() -> None:
        found = left(path)
        assert found is not None
        places = tuple(found.backlog.place_of(shard)[1] for shard in (0, 1))
        assert states[found.offset] == places
        kept = found.backlog.last(len(found.backlog))
        assert kept == bytes(sent)[: found.offset][len(sent[: found.offset]) - len(kept) :]

    feed.backlog.online = feed.backlog.keeping = True
    feed.backlog.on_unsent = look
    feed.backlog.on_piece = lambda: (feed.backlog.take_unsent(), look())
    feed.backlog.on_large = lambda data: look()
    feed.backlog.on_kept = lambda data: look()
    for number in range(60):
        size = rng.choice((1, 10, 200, 999, 1500))
        data = rng.randbytes(size)
        if rng.random() < 0.3:
            record(feed, 0, number, data, size + 9)
            look()
            told = [told[0] + size + 9, told[1] + 21]
            sent += b"*1\r\n$5\r\nMULTI\r\n" + data + b"x" + b"*1\r\n$4\r\nEXEC\r\n"
            states[len(sent)] = (told[0], told[1])
            record(feed, 1, number, b"x", 21)
        else:
            shard = rng.randrange(2)
            told[shard] += size
            sent += data
            states[len(sent)] = (told[0], told[1])
            stream(feed, shard, data)
        look()


def test_bytes_that_were_being_written_are_not_taken_for_old_ones(tmp_path):
    feed = made(tmp_path / "file")
    stream(feed, 0, b"0123456789" * 100)
    data = bytearray((tmp_path / "file").read_bytes())
    data[32:40] = (100).to_bytes(8, "little")
    (tmp_path / "file").write_bytes(data)
    found = left(tmp_path / "file")
    assert found is not None and len(found.backlog) == 900


def test_another_life_of_the_group_goes_on_under_another_name(tmp_path):
    feed = made(tmp_path / "file")
    stream(feed, 0, b"first")
    found = left(tmp_path / "file", "boot other")
    assert found is not None
    assert (found.replid, found.replid2, found.offset2) == (OTHER, NAME, 6)
    assert found.since(NAME, 6) == b"" and found.since(NAME, 7) is None
    again = Feed(2, THIRD, CAPACITY)
    assert again.keep_at(str(tmp_path / "copy"), "boot other", THIRD) and again.replid == OTHER


@pytest.mark.parametrize("why", ["another boot", "another number of shards", "a cut file", "shards that feed no more"])
def test_what_proves_nothing_is_not_gone_on_with(tmp_path, why):
    path = tmp_path / "file"
    feed = made(path)
    stream(feed, 0, b"first")
    if why == "a cut file":
        path.write_bytes(path.read_bytes()[:-1])
    if why == "shards that feed no more":
        feed.unprime()
    owner = "later supervisor" if why == "another boot" else "boot supervisor"
    assert left(path, owner, shards=3 if why == "another number of shards" else 2) is None
    assert not (tmp_path / "copy").exists()


def test_another_size_keeps_the_stream(tmp_path):
    feed = made(tmp_path / "file")
    stream(feed, 0, bytes(600) + b"the end")
    found = left(tmp_path / "file", capacity=100)
    assert found is not None and len(found.backlog) == 100 and found.backlog.last(7) == b"the end"
    stream(found, 0, b"!")
    again = left(tmp_path / "copy.2") if shutil.copy(tmp_path / "copy", tmp_path / "copy.2") else None
    assert again is not None and again.backlog.last(8) == b"the end!"
    feed.backlog.resize(50)
    found = left(tmp_path / "file")
    assert found is not None and found.backlog.last(7) == b"the end"


def test_without_room_for_a_file_the_stream_is_kept_in_memory(tmp_path):
    feed = made(tmp_path / "missing" / "file")
    stream(feed, 0, b"first")
    assert feed.backlog.last(5) == b"first"
