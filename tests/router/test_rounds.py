"""Operations over several shards go in rounds: which links are sent to, and that nothing waits for ever."""

from __future__ import annotations

import pytest

from cluster.config import Config
from cluster.wire import command
from router.rounds import due_links
from tests.simulation.world import SimClient, World

SHARDS = 3


class Group:
    """A router whose shards answer when they are told to."""

    def __init__(self) -> None:
        self.world = World(4, shards=SHARDS, config=Config())
        assert self.world.windows
        self.core = self.world.router.core
        self.keys = {}
        for i in range(100):
            self.keys.setdefault(self.core.shard_of(b"k%d" % i), f"k{i}")

    def client(self) -> SimClient:
        client = SimClient(self.world)
        client.connect()
        return client

    def ask(self, *words: object) -> SimClient:
        """A client of its own asks."""
        client = self.client()
        client.send(*words)
        return client

    def write(self, *shards: int) -> SimClient:
        """One write over these shards."""
        return self.ask("MSET", *[word for shard in shards for word in (self.keys[shard], "v")])

    def under_way(self) -> list[int]:
        """How many messages each shard has not taken yet."""
        return [len(shard.inbox) for shard in self.world.shards]

    def answer(self, shard: int) -> None:
        """A shard takes a batch, and the router its answer."""
        self.world.deliver(("in", shard))
        self.world.deliver(("out", shard))


@pytest.fixture
def group() -> Group:
    return Group()


def test_parts_go_together_once_all_their_links_are_free(group):
    busy = group.ask("SET", group.keys[0], "1")
    assert group.under_way() == [1, 0, 0]
    first, second = group.write(0, 1), group.write(0, 1)
    assert group.under_way() == [1, 0, 0]
    group.answer(0)
    assert list(busy.replies) == [b"OK"]
    assert group.under_way() == [1, 1, 0]  # one batch each, with the parts of both
    group.answer(0)
    assert not first.replies
    group.answer(1)
    assert list(first.replies) == list(second.replies) == [b"OK"]


def test_parts_whose_links_are_free_go_at_once(group):
    group.ask("SET", group.keys[0], "1")
    group.write(1, 2)
    assert group.under_way() == [1, 1, 1]


def test_a_command_for_one_shard_waits_for_no_other(group):
    group.ask("SET", group.keys[0], "1")
    group.write(0, 1)
    reader = group.ask("GET", group.keys[1])
    assert group.under_way() == [1, 1, 0]
    group.answer(1)
    assert list(reader.replies) == [b"v"]  # it stands behind the write's part, as it came


def test_what_is_held_holds_those_that_need_its_link(group):
    group.ask("SET", group.keys[0], "1")
    group.write(0, 1)
    group.write(1, 2)
    assert group.under_way() == [1, 0, 0]
    group.answer(0)
    assert group.under_way() == [1, 1, 1]


def test_a_lost_shard_is_not_waited_for(group):
    group.ask("SET", group.keys[0], "1")
    client = group.write(0, 1)
    assert group.under_way() == [1, 0, 0]
    group.world.kill_shard(0)
    assert group.under_way() == [0, 1, 0]
    group.answer(1)
    assert "SHARDDOWN" in str(client.replies[0])


def test_a_shard_that_is_slow_is_not_waited_for_long(group):
    group.ask("SET", group.keys[0], "1")
    group.write(0, 1)
    sent_ms = group.core.links[0].sent_ms
    assert due_links(group.core.links, sent_ms) == []
    assert due_links(group.core.links, sent_ms + 2) == []
    assert due_links(group.core.links, sent_ms + 3) == [group.core.links[1]]


def test_links_that_are_busy_by_turns_are_not_waited_for_long(group):
    for shard in (0, 1):
        group.ask("SET", group.keys[shard], "1")
    group.write(0, 1, 2)
    links = group.core.links
    began_ms = group.world.now
    while links[2] not in due_links(links, group.world.now) and group.world.now < began_ms + 50:
        for shard in (0, 1):
            group.ask("SET", group.keys[shard], "2")  # so that its next batch leaves at once
            group.answer(shard)
            assert group.under_way()[shard] == 1
        group.world.now += 1
    assert began_ms < group.world.now <= began_ms + 6


def test_a_heartbeat_takes_what_is_held_along(group):
    group.ask("SET", group.keys[0], "1")
    group.write(0, 1)
    size = group.core.links[1].batch_size
    assert size > 0
    assert len(group.core.take_batch(1, True)) == size


def test_a_transaction_waits_with_its_watch(group):
    group.ask("SET", group.keys[0], "1")
    client = group.client()
    client.send("WATCH", group.keys[0], group.keys[1])
    client.send("MULTI")
    client.send("SET", group.keys[0], "2")
    client.send("SET", group.keys[1], "2")
    client.send("EXEC")
    assert group.under_way() == [1, 1, 0]  # WATCH came alone; the rest waits
    group.world.settle()
    assert list(client.replies) == [b"OK", b"OK", b"QUEUED", b"QUEUED", [b"OK", b"OK"]]


def test_dataflow_takes_its_holds_together(group):
    group.ask("SET", group.keys[0], "1")
    group.world.settle()
    group.ask("GET", group.keys[0])
    client = group.ask("RENAME", group.keys[0], group.keys[1])
    assert group.under_way() == [1, 0, 0]
    group.world.settle()
    assert list(client.replies) == [b"OK"]


def test_a_record_is_open_until_all_have_confirmed_it_and_keeps_the_watermark(group):
    records = group.world.router.records
    group.write(0, 1)
    group.write(1, 2)
    group.write(0, 2)
    first, second, third = records.open
    assert [entry.lacks(1) for entry in records.open.values()] == [True, True, False]
    group.answer(1)
    assert not records.open[first].lacks(1) and records.open[first].lacks(0)
    assert (group.core.epoch, group.core.watermark) == (first[0], first[1] - 1)
    group.answer(0)
    assert list(records.open) == [second, third]
    assert (group.core.epoch, group.core.watermark) == first
    group.world.settle()
    assert not records.open and (group.core.epoch, group.core.watermark) == third


def test_what_a_client_has_sent_before_its_operation_goes_with_its_parts(group):
    """It is answered no sooner than the operation, so a batch of its own would only wake its shard once more."""
    group.ask("SET", group.keys[1], "1")
    client = group.client()
    group.core.receive_data(client.conn, command("SET", group.keys[0], "v") + command("RENAME", group.keys[0], group.keys[1]))
    group.world.pump()
    assert group.under_way() == [0, 1, 0]
    group.answer(1)
    assert group.under_way() == [1, 1, 0]
    group.world.settle()
    assert list(client.replies) == [b"OK", b"OK"]


def test_commits_go_together(group):
    group.ask("SET", group.keys[0], "v")
    group.world.settle()
    client = group.ask("RENAME", group.keys[0], group.keys[1])
    assert group.under_way() == [1, 1, 0]
    group.answer(1)
    group.ask("SET", group.keys[1], "1")  # waits for the hold
    assert group.under_way() == [1, 1, 0]
    group.answer(0)
    assert group.under_way() == [0, 1, 0]  # the target's shard is busy: so the source's waits with its commit
    group.answer(1)
    assert group.under_way() == [1, 1, 0]
    group.world.settle()
    assert list(client.replies) == [b"OK"]
