"""The decisions of a supervisor: which process to start, kill, restart or tell what, and when.

A core: it starts nothing and reads no clock. Each method takes `now` (seconds, monotonic) and returns the
actions that the shell (cluster/supervision.py) carries out in their order.

States of a child:

    state     means                                    left by
    waiting   not running; starts when `since` comes   tick -> starting
    starting  runs, has not said that it is ready      ready -> ready; its exit -> waiting (or the group ends)
    ready     serves                                   its exit -> waiting
    killed    SIGKILL sent because it was wedged       its exit -> waiting
    stopping  SIGTERM sent, SIGKILL at the deadline    its exit -> gone
    gone      ended and not to be started again

All start together: the router answers -LOADING until every shard has loaded, and then says that it is ready.
A stop goes the other way: the router first, so that the shards finish what it had sent them.
The router watches the shards and says which is wedged; its own messages, one a second, are what the supervisor
watches it by.

Invariant: a child that is not waiting or gone has exactly one process.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

ROUTER = "router"


class State(Enum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    KILLED = "killed"
    STOPPING = "stopping"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process of this child; `incarnation` counts its processes from 1."""

    child: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Kill:
    child: str
    signal: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Write one message on a child's control channel."""

    child: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    text: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The group serves for the first time. `details` is what the router said."""

    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Configure:
    """Configuration that was changed at run time and that processes started from now on must see."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exit:
    """Every process is gone. `error` is what made the group end, or empty."""

    code: int
    error: str = ""


Action = Start | Kill | Tell | Log | Ready | Configure | Exit


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in seconds. The stop of router and shards together stays below 10 s."""

    backoff_s: float = 0.1  # before the second restart in a row; the first one is immediate
    backoff_s_max: float = 5.0
    stable_s: float = 10.0  # a child that served this long is restarted without back-off
    first_start_tries: int = 3  # a child that never once became ready makes the group give up
    stop_router_s: float = 3.0
    stop_shards_s: float = 5.5
    router_silence_s: float = 10.0  # a router that says nothing for so long hangs, and is killed
    look_s: float = 1.0  # how often its silence is looked at


@dataclass(slots=True)
class Child:
    name: str
    index: int  # shard number, -1 for the router
    state: State = State.WAITING
    since: float = 0.0  # WAITING: when to start; READY: since when; STOPPING: when to kill
    incarnation: int = 0
    failures: int = 0  # exits in a row without a stable time in between
    was_ready: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.state not in (State.WAITING, State.GONE)


def shard_name(index: int) -> str:
    return f"shard-{index}"


class Supervisor:
    """One group: `shards` shard processes and one router."""

    def __init__(self, shards: int, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.shards = [Child(shard_name(index), index) for index in range(shards)]
        self.router = Child(ROUTER, -1)
        self.children = {child.name: child for child in [*self.shards, self.router]}
        self.ending = False
        self.served = False
        self.link = ""  # to the group's master: the state that the router told last; empty for a master
        self._heard = 0.0  # when the router last said something
        self._looked = 0.0
        self._exit_code = 0
        self._error = ""

    def begin(self, now: float) -> list[Action]:
        """Starts the shards and the router."""
        return [self._start(child) for child in self.children.values()]

    def tick(self, now: float) -> list[Action]:
        """Starts what waited long enough and kills what did not end in time."""
        actions: list[Action] = []
        for child in self.children.values():
            if child.state is State.STOPPING and now >= child.since:
                child.since = now + 1.0
                actions += [Log(f"{child.name} did not end in time and is killed"), Kill(child.name, signal.SIGKILL)]
            elif child.state is State.WAITING and now >= child.since and not self.ending:
                actions.append(self._start(child))
        return actions + self._look(now)

    def _look(self, now: float) -> list[Action]:
        """Kills a router that hangs."""
        if self.router.state is not State.READY:
            return []
        if now - self._looked > 2 * self.policy.look_s:
            self._heard = now  # we did not run ourselves (a stopped machine): its silence says nothing
        self._looked = now
        if now - self._heard < self.policy.router_silence_s:
            return []
        self.router.state = State.KILLED
        return [Log(f"{ROUTER} does not answer and is killed"), Kill(ROUTER, signal.SIGKILL)]

    def next_at(self) -> float | None:
        """When tick() next has something to do; None if only an event can change anything."""
        times = [child.since for child in self.children.values() if child.state is State.STOPPING]
        if self.router.state is State.READY:
            times.append(self._looked + self.policy.look_s)
        if not self.ending:
            times += [child.since for child in self.children.values() if child.state is State.WAITING]
        return min(times, default=None)

    def message(self, name: str, message: dict[str, Any], now: float) -> list[Action]:
        """A message from a child: ready, alive, fatal, wedged, shutdown, config or link."""
        child = self.children[name]
        if child is self.router:
            self._heard = now
        if message.get("ready"):
            return self._became_ready(child, message, now)
        if "fatal" in message:
            if child.was_ready:
                return [Log(f"{name}: {message['fatal']}")]
            return self._give_up(str(message["fatal"]), int(message.get("code", 2)), now)
        if "wedged" in message and child is self.router:
            return self._wedged(int(message["wedged"]), message.get("endpoint"))
        if "loading" in message and child is not self.router:
            return [Tell(ROUTER, {"shard": child.index, "loading": message["loading"]})] if self.router.running else []
        if "shutdown" in message:
            return [Log("shutdown was asked for by a client"), *self.stop(now)]
        if "link" in message and child is self.router:
            self.link = str(message["link"])
            return [Log(f"link to the master: {self.link}" if self.link else "this group is a master")]
        if "config" in message:
            return [Configure(dict(message["config"]))]
        return []

    def ready_shards(self) -> set[int]:
        """Which shards can be connected to; a router that starts is given the addresses of these."""
        return {shard.index for shard in self.shards if shard.state is State.READY}

    def exited(self, name: str, status: int, now: float) -> list[Action]:
        """A child's process ended. `status` is its exit code, or minus the signal that killed it."""
        child = self.children[name]
        if child is self.router:
            self.link = ""
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        served = child.state is State.READY and now - child.since >= self.policy.stable_s
        was = child.state
        child.state = State.GONE if self.ending else State.WAITING
        if self.ending:
            return self._after_stop(now)
        if not child.was_ready and child.incarnation >= self.policy.first_start_tries:
            child.state = State.GONE
            return self._give_up(f"{name} does not start ({how}); its log says why", 1, now)
        child.failures = 1 if served or was is State.KILLED else child.failures + 1
        delay = 0.0
        if child.failures > 1:
            delay = min(self.policy.backoff_s * 2 ** min(child.failures - 2, 16), self.policy.backoff_s_max)
        child.since = now + delay
        actions: list[Action] = [Log(f"{name} ended ({how}), restarting" + (f" in {delay:g} s" if delay else ""))]
        if child is not self.router and self.router.running and was in (State.READY, State.KILLED):
            actions.append(Tell(ROUTER, _down(child)))
        return actions + self.tick(now)

    def stop(self, now: float) -> list[Action]:
        """Ends the group cleanly. A second call changes nothing."""
        if self.ending:
            return []
        self.ending = True
        for child in self.children.values():
            if child.state is State.WAITING:
                child.state = State.GONE
        if self.router.running:
            self.router.state = State.STOPPING
            self.router.since = now + self.policy.stop_router_s
            return [Kill(ROUTER, signal.SIGTERM)]
        return self._after_stop(now)

    def _start(self, child: Child) -> Start:
        child.state = State.STARTING
        child.incarnation += 1
        return Start(child.name, child.incarnation)

    def _became_ready(self, child: Child, message: dict[str, Any], now: float) -> list[Action]:
        if child.state is not State.STARTING:
            return []
        child.state, child.since, child.details = State.READY, now, message
        again, child.was_ready = child.was_ready, True
        actions: list[Action] = []
        if again:
            actions.append(Log(f"{child.name} serves again"))
        if child is not self.router:
            if self.router.running:
                actions.append(Tell(ROUTER, {"shard": child.index, "state": "up", "incarnation": child.incarnation}))
            return actions + self.tick(now)
        self._looked = now
        if not self.served:
            self.served = True
            actions.append(Ready(message))
        return actions

    def _wedged(self, index: int, endpoint: str | None) -> list[Action]:
        if not 0 <= index < len(self.shards):
            return []
        shard = self.shards[index]
        # The word may be about a process that has been replaced since.
        if shard.state is not State.READY or endpoint not in (None, shard.details.get("endpoint", endpoint)):
            return []
        shard.state = State.KILLED
        return [Log(f"{shard.name} does not answer and is killed"), Kill(shard.name, signal.SIGKILL)]

    def _give_up(self, error: str, code: int, now: float) -> list[Action]:
        if not self.ending:
            self._error, self._exit_code = error, code
        return self.stop(now)

    def _after_stop(self, now: float) -> list[Action]:
        """The router has ended: the shards are next; when they have too, the group is over."""
        if self.router.running:
            return []
        actions: list[Action] = []
        for shard in self.shards:
            if shard.running and shard.state is not State.STOPPING:
                shard.state, shard.since = State.STOPPING, now + self.policy.stop_shards_s
                actions.append(Kill(shard.name, signal.SIGTERM))
        if not any(child.running for child in self.children.values()):
            actions.append(Exit(self._exit_code, self._error))
        return actions


def _down(shard: Child) -> dict[str, Any]:
    return {"shard": shard.index, "state": "down"}
