"""CLUSTER: the truth for a client that asks: one endpoint owns all slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.errors import CommandError
from cluster.numbers import try_int
from cluster.replies import MapReply, Verbatim
from cluster.wire import slot
from router.asking import ask
from router.commands.server import NO_CLUSTER
from router.registry import handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session

SLOTS = 16384


def node_id(router: Router) -> bytes:
    """40 characters that name this group: its replication id."""
    return str(router.master.feed.replid).encode()


def endpoint(router: Router, session: Session) -> tuple[bytes, int]:
    """The address that this client reached us at."""
    host, _, port = session.laddr.rpartition(":")
    number = int(port) if port.isdigit() else 0
    if session.laddr.startswith("/") or not number:
        return b"127.0.0.1", int(router.config["port"])
    return host.strip("[]").encode(), number


@handles("CLUSTER|INFO")
def info(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER INFO"""
    up = sum(1 for link in router.core.links if link.up) == router.shard_count
    fields = {
        "cluster_enabled": 0,
        "cluster_state": "ok" if up else "fail",
        "cluster_slots_assigned": SLOTS,
        "cluster_slots_ok": SLOTS if up else 0,
        "cluster_slots_pfail": 0,
        "cluster_slots_fail": 0 if up else SLOTS,
        "cluster_known_nodes": 1,
        "cluster_size": 1,
        "cluster_current_epoch": 0,
        "cluster_my_epoch": 0,
        "cluster_stats_messages_sent": 0,
        "cluster_stats_messages_received": 0,
        "total_cluster_links_buffer_limit_exceeded": 0,
    }
    return Verbatim("".join(f"{name}:{value}\r\n" for name, value in fields.items()).encode())


@handles("CLUSTER|MYID", "CLUSTER|MYSHARDID")
def myid(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER MYID"""
    return node_id(router)


@handles("CLUSTER|KEYSLOT")
def keyslot(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER KEYSLOT key"""
    return slot(args[2])


@handles("CLUSTER|SLOTS")
def slots(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER SLOTS: one range, one node."""
    host, port = endpoint(router, session)
    return [[0, SLOTS - 1, [host, port, node_id(router), []]]]


@handles("CLUSTER|SHARDS")
def shards(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER SHARDS"""
    host, port = endpoint(router, session)
    node = MapReply(
        [
            b"id", node_id(router),
            b"port", port,
            b"ip", host,
            b"endpoint", host,
            b"role", b"replica" if router.replica_of is not None else b"master",
            b"replication-offset", router.master.feed.offset,
            b"health", b"online" if router.serving else b"loading",
        ]
    )  # fmt: skip
    return [MapReply([b"slots", [0, SLOTS - 1], b"nodes", [node]])]


@handles("CLUSTER|NODES")
def nodes(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER NODES"""
    host, port = endpoint(router, session)
    role = "slave" if router.replica_of is not None else "master"
    address = f"{host.decode()}:{port}@{port + 10000}"
    text = f"{node_id(router).decode()} {address} myself,{role} - 0 0 0 connected 0-{SLOTS - 1}"
    return Verbatim(text.encode() + b"\n")


def _slot(raw: bytes) -> int:
    number = try_int(raw)
    if number is None or not 0 <= number < SLOTS:
        raise CommandError("ERR Invalid slot")
    return number


@handles("CLUSTER|COUNTKEYSINSLOT")
def countkeysinslot(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER COUNTKEYSINSLOT slot"""
    number = _slot(args[2])
    return ask(router, session, [b"SHARD.DEBUG", b"SLOT", b"%d" % number, b"-1"], lambda values: sum(values.values()))


@handles("CLUSTER|GETKEYSINSLOT")
def getkeysinslot(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER GETKEYSINSLOT slot count"""
    number, count = _slot(args[2]), try_int(args[3])
    if count is None or count < 0:
        raise CommandError("ERR Invalid number of keys")
    question = [b"SHARD.DEBUG", b"SLOT", b"%d" % number, b"%d" % count]
    return ask(router, session, question, lambda values: [key for keys in values.values() for key in keys])


@handles("CLUSTER|LINKS")
def links(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER LINKS: no other nodes, no links."""
    return []


@handles("CLUSTER|COUNT-FAILURE-REPORTS")
def failures(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLUSTER COUNT-FAILURE-REPORTS node"""
    if args[2] != node_id(router):
        raise CommandError("ERR Unknown node " + args[2].decode("utf-8", "replace"))
    return 0


@handles(
    "CLUSTER|ADDSLOTS", "CLUSTER|ADDSLOTSRANGE", "CLUSTER|BUMPEPOCH", "CLUSTER|DELSLOTS", "CLUSTER|DELSLOTSRANGE",
    "CLUSTER|FAILOVER", "CLUSTER|FLUSHSLOTS", "CLUSTER|FORGET", "CLUSTER|MEET", "CLUSTER|REPLICAS", "CLUSTER|REPLICATE",
    "CLUSTER|RESET", "CLUSTER|SAVECONFIG", "CLUSTER|SET-CONFIG-EPOCH", "CLUSTER|SETSLOT", "CLUSTER|SLAVES",
)  # fmt: skip
def steer(router: Router, session: Session, args: list[bytes]) -> Any:
    """Slots are spread over shards by the group itself; there are no nodes to steer."""
    raise CommandError(NO_CLUSTER)
