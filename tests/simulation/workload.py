"""Concurrent clients of a simulated cluster, and the faults that befall it meanwhile."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import hiredis

from tests.simulation.history import Txn, Violation, check_appends
from tests.simulation.world import SimClient, World

Program = Generator[list[tuple[Any, ...]], list[Any], None]
KEYS = [f"list:{i}" for i in range(6)]
ACCOUNTS = [f"account:{i}" for i in range(5)]
TOKENS = [f"place:{i}" for i in range(6)]
START_BALANCE = 100


class Unknown(Exception):
    """A client does not know what became of its operation."""


def ids(value: Any) -> list[str]:
    """The ids in an appended value."""
    return value.decode().split(";")[:-1] if value else []


class Worker:
    """One client that runs operations one after the other and notes what it saw."""

    def __init__(self, run: Run, number: int):
        self.run = run
        self.rng = run.rng
        self.number = number
        self.client = SimClient(run.world)
        self.program: Program | None = None
        self.expected = 0
        self.count = 0
        self.txn: Txn | None = None

    def act(self) -> None:
        """Do the next thing, if there is one to do."""
        if self.client.closed:
            self.abandon()
            if self.run.world.router is not None:
                self.client.connect()
            return
        if self.program is None:
            if self.count < self.run.operations:
                self.begin()
            return
        if len(self.client.replies) >= self.expected:
            replies = [self.client.replies.popleft() for _ in range(self.expected)]
            self.advance(replies)

    @property
    def finished(self) -> bool:
        return self.program is None and self.count >= self.run.operations

    def begin(self) -> None:
        self.count += 1
        kind = self.rng.choice(self.run.kinds)
        self.program = getattr(self, kind)()
        self._next(None)

    def advance(self, replies: list[Any]) -> None:
        self._next(replies)

    def _next(self, replies: list[Any] | None) -> None:
        assert self.program is not None
        try:
            commands = next(self.program) if replies is None else self.program.send(replies)
        except (StopIteration, Unknown):
            self.program = None
            self.txn = None
            return
        self.expected = len(commands)
        if self.rng.random() < 0.5:
            self.client.send_together(*commands)
            return
        for args in commands:
            self.client.send(*args)

    def abandon(self) -> None:
        """The connection closed: what was in flight has an unknown outcome."""
        self.program = None
        self.txn = None

    # -- operations ------------------------------------------------------------------------

    def note(self) -> Txn:
        txn = Txn(f"c{self.number}-{self.count}", self.run.steps)
        self.run.txns.append(txn)
        return txn

    def done(self, txn: Txn) -> None:
        txn.completed = self.run.steps
        txn.acknowledged = True

    @staticmethod
    def sure(*replies: Any) -> None:
        """Unknown unless all replies are what the server did."""
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                if "internal error" in str(reply):
                    raise Violation(str(reply))
                raise Unknown(str(reply))

    def append(self) -> Program:
        txn = self.note()
        key = self.rng.choice(KEYS)
        txn.appended = {key: txn.id}
        (reply,) = yield [("APPEND", key, txn.id + ";")]
        self.sure(reply)
        self.done(txn)

    def read(self) -> Program:
        txn = self.note()
        keys = self.rng.sample(KEYS, self.rng.randrange(1, 5))
        (reply,) = yield [("MGET", *keys)]
        self.sure(reply)
        txn.read = {key: ids(value) for key, value in zip(keys, reply, strict=True)}
        self.done(txn)

    def transaction(self) -> Program:
        txn = self.note()
        write = self.rng.sample(KEYS, self.rng.randrange(1, 4))
        read = self.rng.sample(KEYS, 2)
        txn.appended = dict.fromkeys(write, txn.id)
        commands = [("MULTI",), *[("APPEND", key, txn.id + ";") for key in write], ("MGET", *read), ("EXEC",)]
        replies = yield commands
        self.sure(*replies)
        if replies[-1] is None:  # a WATCH whose own operation failed was still in force
            txn.appended = {}
            return
        txn.read = {key: ids(value) for key, value in zip(read, replies[-1][-1], strict=True)}
        self.done(txn)

    def watched(self) -> Program:
        txn = self.note()
        seen = self.rng.sample(KEYS, 2)
        write = self.rng.sample(KEYS, 2)
        replies = yield [("WATCH", *seen), ("MGET", *seen)]
        self.sure(*replies)
        values = replies[1]
        txn.appended = dict.fromkeys(write, txn.id)
        replies = yield [("MULTI",), *[("APPEND", key, txn.id + ";") for key in write], ("EXEC",)]
        self.sure(*replies)
        if replies[-1] is None:
            txn.appended = {}
            return
        txn.read = {key: ids(value) for key, value in zip(seen, values, strict=True)}
        self.done(txn)

    def transfer(self) -> Program:
        one, other = self.rng.sample(ACCOUNTS, 2)
        amount = self.rng.randrange(1, 50)
        replies = yield [("WATCH", one, other), ("MGET", one, other)]
        self.sure(*replies)
        first, second = (int(value) for value in replies[1])
        replies = yield [
            ("MULTI",),
            ("SET", one, first - amount),
            ("SET", other, second + amount),
            ("EXEC",),
        ]
        self.sure(*replies)

    def audit(self) -> Program:
        (reply,) = yield [("MGET", *ACCOUNTS)]
        self.sure(reply)
        total = sum(int(value) for value in reply)
        if total != START_BALANCE * len(ACCOUNTS):
            raise Violation(f"an audit saw {reply}, {total} in all")

    def move(self) -> Program:
        one, other = self.rng.sample(TOKENS, 2)
        (reply,) = yield [("RENAMENX", one, other)]
        self.sure(reply)

    def carry(self) -> Program:
        """Move a token, at the same point of the order as an append elsewhere."""
        txn = self.note()
        key = self.rng.choice(KEYS)
        one, other = self.rng.sample(TOKENS, 2)
        txn.appended = {key: txn.id}
        replies = yield [("MULTI",), ("RENAMENX", one, other), ("APPEND", key, txn.id + ";"), ("EXEC",)]
        self.sure(*replies)
        if replies[-1] is None:
            txn.appended = {}
            return
        self.done(txn)

    def replace(self) -> Program:
        """Put one key of this worker's in the other's place, whose value goes."""
        one, other = (f"own:{self.number}:{which}" for which in range(2))
        if self.rng.randrange(2):
            one, other = other, one
        new = f"c{self.number}-{self.count}"
        (reply,) = yield [("MSET", one, f"{new}:new", other, f"{new}:old")]
        self.sure(reply)
        (reply,) = yield [("RENAME", one, other)]
        self.sure(reply)
        (reply,) = yield [("MGET", one, other)]
        self.sure(reply)
        if reply != [None, f"{new}:new".encode()]:
            raise Violation(f"{one} replaced {other} by {new}, and they are {reply}")

    def look(self) -> Program:
        """Both keys of a worker are as one step of it has left them."""
        number = self.rng.randrange(len(self.run.workers))
        (reply,) = yield [("MGET", f"own:{number}:0", f"own:{number}:1")]
        self.sure(reply)
        said = sorted(value.decode().split(":") for value in reply if value is not None)
        if [what for _, what in said] not in ([], ["new"], ["new", "old"]) or len({new for new, _ in said}) > 1:
            raise Violation(f"the keys of worker {number} are {reply}")

    def count_tokens(self) -> Program:
        (reply,) = yield [("EXISTS", *TOKENS)]
        self.sure(reply)
        if reply != 3:
            raise Violation(f"{reply} tokens where there were 3")


class Run:
    """One seed: a world, its clients, its faults, its verdict."""

    def __init__(
        self,
        seed: int,
        kinds: list[str],
        *,
        shards: int = 3,
        clients: int = 4,
        operations: int = 8,
        faults: bool = True,
        power_cuts: bool = False,
    ):
        self.rng = random.Random(seed ^ 0x5EED)
        self.world = World(seed, shards, fsync_always=power_cuts)
        self.kinds = kinds
        self.operations = operations
        self.faults = faults
        self.power_cuts = power_cuts
        self.txns: list[Txn] = []
        self.steps = 0
        setup = SimClient(self.world)
        setup.connect()
        setup.send("MSET", *[word for name in ACCOUNTS for word in (name, START_BALANCE)])
        setup.send("MSET", *[word for name in TOKENS[:3] for word in (name, name)])
        self.world.settle()
        assert list(setup.replies) == [b"OK", b"OK"]
        self.workers = [Worker(self, number) for number in range(clients)]

    def go(self) -> None:
        """Run to the end, then check. Violation says what was wrong."""
        world = self.world
        while not all(worker.finished for worker in self.workers):
            self.steps += 1
            if self.steps > 40_000:
                raise Violation("the clients do not come to an end: " + self.where())
            choice = self.rng.random()
            if choice < 0.5:
                if not world.step() and not self.faults:
                    world.tick()
            elif choice < 0.9:
                self.rng.choice(self.workers).act()
            elif choice < 0.98 or not self.faults:
                world.tick()
            else:
                self.fault()
        world.recover()
        self.verdict()

    def where(self) -> str:
        return "; ".join(
            f"{w.number}: {w.count} of {self.operations}, {len(w.client.replies)}/{w.expected}" for w in self.workers
        )

    def fault(self) -> None:
        """Kill something, or bring something back."""
        world = self.world
        kind = self.rng.randrange(10)
        index = self.rng.randrange(world.shard_count)
        if kind == 0:
            world.kill_shard(index)
        elif kind == 1:
            self.two_kills(index)
        elif kind < 6:
            world.start_shard(index)
        elif kind == 6 and world.router is not None:
            world.kill_router()
        elif kind == 7 and self.power_cuts and self.rng.random() < 0.7 and world.router is not None:
            world.power_cut()
        elif world.router is None:
            world.start_router()

    def two_kills(self, index: int) -> None:
        """A shard dies, and at the same instant the router or another shard."""
        world = self.world
        if world.router is not None and self.rng.random() < 0.5:
            world.kill([index], router=True)
        else:
            other = (index + self.rng.randrange(1, world.shard_count)) % world.shard_count
            world.kill([index, other])

    def verdict(self) -> None:
        """Read everything once more, and judge."""
        client = SimClient(self.world)
        client.connect()
        client.send("MGET", *KEYS)
        client.send("MGET", *ACCOUNTS)
        client.send("EXISTS", *TOKENS)
        self.world.settle()
        values, balances, tokens = client.replies
        check_appends(self.txns, {key: ids(value) for key, value in zip(KEYS, values, strict=True)})
        total = sum(int(balance) for balance in balances)
        if total != START_BALANCE * len(ACCOUNTS):
            raise Violation(f"balances end as {balances}, {total} in all")
        if "move" in self.kinds and tokens != 3:
            raise Violation(f"{tokens} tokens at the end where there were 3")
