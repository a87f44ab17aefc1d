"""What clients saw, and whether one server could have shown it to them.

The checker for append histories: every value is the list of the ids that were appended to it,
in order, so a read says exactly which writes it saw. From that follow the dependencies between
transactions (after Adya; the idea of reading them off appended lists is that of Elle, Kingsbury
and Alvaro, VLDB 2020); together with real time they must have no cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Txn:
    """One operation. appended: key -> id; read: key -> ids seen. completed: step, or None."""

    id: str
    invoked: int
    completed: int | None = None
    acknowledged: bool = False
    appended: dict[str, str] = field(default_factory=dict)
    read: dict[str, list[str]] = field(default_factory=dict)


class Violation(AssertionError):
    """The history could not have come from one server."""


def check_appends(txns: list[Txn], final: dict[str, list[str]]) -> None:
    """Violation unless the history is strictly serialisable and nothing acknowledged is lost."""
    by_id = {txn.id: txn for txn in txns}
    for key, ids in final.items():
        if len(set(ids)) != len(ids):
            raise Violation(f"{key} has an id twice: {ids}")
    happened = set()
    for txn in txns:
        there = [txn.id in final[key] for key in txn.appended]
        if any(there) and not all(there):
            raise Violation(f"{txn.id} is on some of its keys only: {txn.appended}")
        if txn.acknowledged and not all(there):
            raise Violation(f"{txn.id} was acknowledged and is lost")
        if txn.acknowledged or any(there):
            happened.add(txn.id)
    edges: dict[str, set[str]] = {txn.id: set() for txn in txns}
    for ids in final.values():
        for before, after in zip(ids, ids[1:], strict=False):
            edges[before].add(after)
    for txn in txns:
        if not txn.acknowledged:
            continue
        for key, ids in txn.read.items():
            others = [one for one in ids if one != txn.id]
            if final[key][: len(ids)] != ids:
                raise Violation(f"{txn.id} read {ids} of {key}, which ended as {final[key]}")
            if others:
                edges[others[-1]].add(txn.id)
            if len(ids) < len(final[key]) and final[key][len(ids)] != txn.id:
                edges[txn.id].add(final[key][len(ids)])
    done = [txn for txn in txns if txn.completed is not None and txn.acknowledged]
    for before in done:
        for after in txns:
            if after.id in happened and before.completed < after.invoked:  # type: ignore[operator]
                edges[before.id].add(after.id)
    _no_cycle(edges, happened, by_id)


def _no_cycle(edges: dict[str, set[str]], happened: set[str], by_id: dict[str, Txn]) -> None:
    """Depth-first search; Violation names the transactions of a cycle."""
    state: dict[str, int] = {}
    for root in happened:
        if state.get(root):
            continue
        path = [root]
        iterators = [iter(sorted(edges[root]))]
        state[root] = 1
        while path:
            for follower in iterators[-1]:
                if follower == path[-1]:
                    continue
                if state.get(follower) == 1:
                    cycle = path[path.index(follower) :]
                    raise Violation("cycle: " + " -> ".join(repr(by_id[one]) for one in cycle))
                if not state.get(follower) and follower in happened:
                    state[follower] = 1
                    path.append(follower)
                    iterators.append(iter(sorted(edges[follower])))
                    break
            else:
                state[path.pop()] = 2
                iterators.pop()
