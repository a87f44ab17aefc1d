"""Clients of replicating groups, the faults that befall them, and the verdict."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import hiredis

from cluster.slots import slot_of
from tests.simulation.history import Txn, Violation
from tests.simulation.net import Clock, Group, Net
from tests.simulation.workload import ACCOUNTS, KEYS, START_BALANCE, TOKENS, Program, Worker, ids
from tests.simulation.world import SimClient

KINDS = ["append", "transaction", "transaction", "transfer", "move", "elsewhere", "confirmed", "confirmed", "brief", "prolonged"]
BRIEF = [f"brief:{i}" for i in range(4)]  # every value of these expires
PROLONGED = [f"prolonged:{i}" for i in range(3)]  # these are given time, and freed of it
STEPS_MAX = 60_000
LIFE_MS_MAX = 2000


class Writer(Worker):
    """A client of the master."""

    def elsewhere(self) -> Program:
        """In another database, and back, within one transaction."""
        replies = yield [("MULTI",), ("SELECT", 1), ("INCR", "here"), ("SELECT", 0), ("INCR", "there"), ("EXEC",)]
        self.sure(*replies)

    def confirmed(self) -> Program:
        """A write on several shards that a replica has confirmed."""
        txn = self.note()
        txn.appended = dict.fromkeys(self.rng.sample(KEYS, 2), txn.id)
        units = [("APPEND", key, txn.id + ";") for key in txn.appended]
        replies = yield [("MULTI",), *units, ("EXEC",), ("WAIT", 1, 2000)]
        self.sure(*replies)
        if replies[-2] is None:  # a WATCH of an operation that failed was still in force
            txn.appended = {}
        elif replies[-1] >= 1:
            self.run.confirmed.append(txn)  # type: ignore[attr-defined]


    def brief(self) -> Program:
        """A value that is soon gone, and one more of it on another shard."""
        txn = self.note()
        keys, life_ms = self.rng.sample(BRIEF, 2), self.rng.randrange(1, LIFE_MS_MAX)
        if self.rng.random() < 0.5:
            (reply,) = yield [("SET", keys[0], txn.id, "PX", life_ms)]
            self.sure(reply)
            self.run.gone_ms[txn.id] = self.run.world.now + life_ms  # type: ignore[attr-defined]
        else:  # a shard that lost its part of a record runs it when it is back: it lives from then on
            replies = yield [("MULTI",), *[("SET", key, txn.id, "PX", life_ms) for key in keys], ("EXEC",)]
            self.sure(*replies)

    def prolonged(self) -> Program:
        """Time for a key, more of it, or no end: what comes too late finds nothing, on a replica as well."""
        key, life_ms = self.rng.choice(PROLONGED), self.rng.randrange(1, 500)
        commands = [("SET", key, life_ms, "PX", life_ms), ("PEXPIRE", key, life_ms), ("PERSIST", key), ("INCR", key)]
        (reply,) = yield [self.rng.choice(commands)]
        self.sure(reply)


class Reader:
    """A client of a replica, which reads everything at one moment."""

    def __init__(self, run: ReplicaRun, group: Group):
        self.run = run
        self.group = group
        self.client = SimClient(group)
        self.asked = False
        self.asked_ms = 0

    def act(self) -> None:
        if self.client.closed:
            self.asked = False
            if self.group.router is not None:
                self.client.connect()
        elif not self.asked:
            self.asked = True
            self.asked_ms = self.group.now
            self.client.send("MGET", *KEYS, *ACCOUNTS, *TOKENS, *BRIEF)
        elif self.client.replies:
            self.asked = False
            reply = self.client.replies.popleft()
            if not isinstance(reply, hiredis.ReplyError):
                self.run.look(reply[: -len(BRIEF)], f"group {self.group.number}")
                self.run.look_at_brief(reply[-len(BRIEF) :], self.asked_ms, self.group)


class ReplicaRun:
    """One seed. `promote`: in the end the master is lost and its replica takes over."""

    def __init__(self, seed: int, shards: list[int], directory: Path, clock: Clock, promote: bool = False):
        self.rng = random.Random(seed ^ 0xFEED)
        self.clock = clock
        self.net = Net(seed, shards, directory, clock)
        self.promote = promote
        self.kinds = KINDS
        self.operations = 12
        self.txns: list[Txn] = []
        self.confirmed: list[Txn] = []
        self.gone_ms: dict[str, int] = {}  # an acknowledged brief value: when it is gone at the latest
        self.brief_seen = self.hidden = 0
        self.steps = self.reads = 0
        self.full_syncs = self.partial_syncs = 0
        self.offsets: dict[tuple[int, str], int] = {}
        self.counted: dict[int, Any] = {}
        self.world = self.net.groups[0]  # what Worker's clients connect to
        self.writers = [Writer(self, number) for number in range(3)]  # type: ignore[arg-type]
        self.readers = [Reader(self, group) for group in self.net.groups[1:]]

    async def go(self) -> None:
        """Run to the end, then check. Violation says what was wrong."""
        await self.begin()
        while not all(writer.finished for writer in self.writers):
            await self.one_step(True)
        if self.promote:
            await self.take_over()
        else:
            await self.converge()

    async def begin(self) -> None:
        """The data to start from; everybody follows his master."""
        for group in self.net.groups:
            group.settle()
        setup = SimClient(self.world)
        setup.connect()
        setup.send("MSET", *[word for name in ACCOUNTS for word in (name, START_BALANCE)])
        setup.send("MSET", *[word for name in TOKENS[:3] for word in (name, name)])
        self.world.settle()
        assert list(setup.replies) == [b"OK", b"OK"]
        for shard in self.world.shards:
            shard.disk.sync()
        for group in self.net.groups[1:]:
            self.order(group, "REPLICAOF", group.number - 1, 1)

    @staticmethod
    def order(group: Group, *words: Any) -> SimClient:
        client = SimClient(group)
        client.connect()
        client.send(*words)
        return client

    async def one_step(self, faults: bool) -> None:
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise Violation(f"no end: {self.where()}")
        choice = self.rng.random()
        if choice < 0.7:
            if not self.net.step():
                self.net.tick()
        elif choice < 0.9:
            if faults:
                self.rng.choice(self.writers).act()
            self.rng.choice(self.readers).act()
        elif choice < 0.985 or not faults:
            self.net.tick()
        else:
            self.fault()
        await asyncio.sleep(0)
        self.net.pump()
        self.watch()

    def fault(self) -> None:
        """Kill something, bring something back, cut something."""
        kind = self.rng.randrange(12)
        group = self.rng.choice(self.net.groups)
        index = self.rng.randrange(group.shard_count)
        if kind == 0:
            group.kill_shard(index)
        elif kind == 1:  # two at one instant, or three
            group.kill(sorted({index, self.rng.randrange(group.shard_count)}), router=self.rng.random() < 0.5)
        elif kind < 5:
            group.start_shard(index)
        elif kind == 5 and group.router is not None:
            group.kill_router()
        elif kind < 8:
            if group.router is None:
                group.start_router()
        elif kind == 8 and not self.promote and group.router is not None and self.rng.random() < 0.5:
            group.power_cut()  # WAIT says nothing about disks: not where what it confirmed is counted
        elif kind < 11:
            self.net.break_wire()
        else:
            self.net.part()

    def watch(self) -> None:
        """Offsets of one history at one router never go back."""
        for group in self.net.groups:
            router = group.router
            if router is None:
                continue
            if router.upstream is not None:
                for shard in group.shards:
                    if shard.alive and shard.engine.stats.expired_keys:
                        raise Violation(f"group {group.number}: a replica's shard has let a key expire")
            master = router.master
            seen = (id(router), master.feed.replid)
            if master.feed.offset < self.offsets.get(seen, 0):
                raise Violation(f"group {group.number}: offset {master.feed.offset} after {self.offsets[seen]}")
            self.offsets[seen] = master.feed.offset
            full, partial = self.counted.get(id(router), (0, 0))
            self.full_syncs += master.full_syncs - full
            self.partial_syncs += master.partial_syncs - partial
            self.counted[id(router)] = (master.full_syncs, master.partial_syncs)
            self.counted[-id(router)] = router  # keeps the id from being used again

    def look(self, values: list[Any], where: str) -> None:
        """All of a group's keys at one moment: half of a transaction is none."""
        lists = {key: ids(value) for key, value in zip(KEYS, values, strict=False)}
        balances = values[len(KEYS) : len(KEYS) + len(ACCOUNTS)]
        tokens = [value for value in values[len(KEYS) + len(ACCOUNTS) :] if value is not None]
        if all(value is None for value in values):
            return  # it has not synchronised yet
        self.reads += 1
        # A power cut takes the last second of one shard, but no record that another has: what is lost is no end of the history,
        # so sums may be wrong afterwards. Not where every reply waits for an fsync.
        whole = self.net.fsync_always or not any(group.forgotten for group in self.net.groups)
        if whole and (None in balances or sum(map(int, balances)) != START_BALANCE * len(ACCOUNTS)):
            raise Violation(f"{where} shows balances {balances}")
        if whole and len(tokens) != 3:
            raise Violation(f"{where} shows {len(tokens)} tokens where there were 3")
        for txn in self.txns:
            found = {key: lists[key].count(txn.id) for key in txn.appended}
            if len(set(found.values())) > 1 or max(found.values(), default=0) > 1:
                raise Violation(f"{where} shows {txn.id} as {found}")

    def look_at_brief(self, values: list[Any], asked_ms: int, group: Group) -> None:
        """What has expired is not shown, whether its master's word has come or not."""
        for key, value in zip(BRIEF, values, strict=True):
            if value is None:
                name = key.encode()
                tables = [shard.engine.dbs[0].expires[slot_of(name)] for shard in group.shards if shard.alive]
                self.hidden += any(name in table and table[name] <= asked_ms for table in tables if table)
            else:
                self.brief_seen += 1
                if self.gone_ms.get(value.decode(), asked_ms + 1) <= asked_ms:
                    raise Violation(f"group {group.number} shows {value} at {asked_ms}, gone since {self.gone_ms[value.decode()]}")

    async def ask(self, group: Group, *words: Any) -> Any:
        """A command, and its reply once it is there."""
        client = self.order(group, *words)
        while not client.replies:
            await self.one_step(False)
            if client.closed:
                raise Violation(f"group {group.number} closed the connection")
        return client.replies[0]

    async def recover(self, groups: list[Group]) -> None:
        """Bring everything back."""
        self.net.away.clear()
        for group in groups:
            for index in range(group.shard_count):
                group.start_shard(index)
            if group.router is None:
                group.start_router()
        while not all(group.whole for group in groups):
            await self.one_step(False)

    async def converge(self) -> None:
        """No more faults: replicas become what their master is."""
        groups = self.net.groups
        await self.recover(groups)
        await self.compare(groups)

    async def compare(self, groups: list[Group]) -> None:
        """They hold the same, once all that is to expire has: the first of them, their master, lets it."""
        await self.in_step(groups)
        end_ms = self.clock.now_ms + LIFE_MS_MAX
        while self.clock.now_ms < end_ms:
            await self.one_step(False)
        for shard in groups[0].shards:
            while shard.expiring:
                shard.tick()
        while any(shard.expiring for group in groups for shard in group.shards):  # the master's DEL is on its way
            await self.one_step(False)
        await self.in_step(groups)
        digests = [await self.digest(group) for group in groups]
        if any(digest != digests[0] for digest in digests):
            raise Violation(f"the groups differ: {digests}")

    async def in_step(self, groups: list[Group]) -> None:
        """Until all are at the same offset, with nothing on its way."""
        while True:
            await self.one_step(False)
            offsets = {(group.router.master.feed.replid, group.router.master.feed.offset) for group in groups}  # type: ignore[union-attr]
            ups = [group.router.upstream for group in groups[1:]]  # type: ignore[union-attr]
            if len(offsets) == 1 and all(up.state == "connected" and up.applied == up.offset for up in ups):
                return

    async def digest(self, group: Group) -> dict[Any, Any]:
        """All keys and values."""
        found: dict[Any, Any] = {}
        for db in (0, 1):
            client = self.order(group, "SELECT", db)
            client.send("KEYS", "*")
            while len(client.replies) < 2:
                await self.one_step(False)
            for key in sorted(client.replies[1]):
                client.replies.clear()
                client.send("GET", key)
                while not client.replies:
                    await self.one_step(False)
                found[db, key] = client.replies[0]
        return found

    async def lose_what_is_on_its_way(self, rounds: int) -> tuple[int, int]:
        """No faults but this one: a replica's shard dies with a part of the stream before it, and is back. (How often, full
        synchronisations that it took)."""
        master, replica = self.net.groups[:2]
        await self.begin()
        await self.in_step(self.net.groups)
        before, lost = self.full_syncs, 0
        client = self.order(master, "SELECT", 1)
        for number in range(rounds):
            client.send("APPEND", self.rng.choice(KEYS), f"{number};")
            client.send("MULTI")
            for key in KEYS:
                client.send("APPEND", key, f"{number};")
            client.send("EXEC")
            client.send("SELECT", number % 2)
            client.send("MSET", *[word for at in range(6) for word in (f"many:{at}", number)])
            for _ in range(self.rng.randrange(40, 400)):
                await self.one_step(False)
                index = self.rng.randrange(replica.shard_count)
                if any(b"APPEND" in message for message in replica.shards[index].inbox) and self.rng.random() < 0.3:
                    lost += 1
                    replica.kill_shard(index)
                    replica.start_shard(index)
            await self.in_step(self.net.groups)
        await self.converge()
        return lost, self.full_syncs - before

    async def take_over(self) -> None:
        """The master is gone; its replica has all that was confirmed, and nothing half."""
        master, replica = self.net.groups[:2]
        if master.router is not None:
            master.kill_router()
        for index in range(master.shard_count):
            master.kill_shard(index)
        self.net.away.add(0)
        if replica.router is None:
            replica.start_router()
        for index in range(replica.shard_count):
            replica.start_shard(index)
        while not replica.whole:
            await self.one_step(False)
        if await self.ask(replica, "REPLICAOF", "NO", "ONE") != b"OK":
            raise Violation("the replica cannot be promoted")
        values = await self.ask(replica, "MGET", *KEYS, *ACCOUNTS, *TOKENS)
        self.look(values, "the new master")
        lists = {key: ids(value) for key, value in zip(KEYS, values, strict=False)}
        for txn in self.confirmed:
            if any(txn.id not in lists[key] for key in txn.appended):
                raise Violation(f"{txn.id} was confirmed and is lost: {lists}")
        rest = self.net.groups[1:]
        await self.recover(rest)
        if await self.ask(replica, "INCR", "after") != 1:
            raise Violation("the new master takes no writes")
        await self.compare(rest)

    def where(self) -> str:
        return "; ".join(
            f"group {group.number}: router {group.router is not None}, expiring {[shard.expiring for shard in group.shards]}, "
            + ("" if group.router is None else f"offset {group.router.master.feed.offset}, "
               f"replid {group.router.master.feed.replid[:6]}, link {getattr(group.router.upstream, 'state', '-')}")
            for group in self.net.groups
        ) + "; " + "; ".join(f"writer {w.number}: {w.count} of {self.operations}" for w in self.writers)
