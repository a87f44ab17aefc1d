"""SUBSCRIBE and its kin, PUBLISH, PUBSUB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.errors import CommandError, subcommand_syntax
from router.registry import LATER, handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


def _refuse_in_multi(session: Session) -> None:
    if session.multi is not None and session.resp == 2:
        raise CommandError("ERR SUBSCRIBE isn't allowed inside a transaction for RESP2 clients")


@handles("SUBSCRIBE")
def subscribe(router: Router, session: Session, args: list[bytes]) -> Any:
    """SUBSCRIBE channel [channel ...]"""
    _refuse_in_multi(session)
    router.pubsub.subscribe(session, b"subscribe", router.pubsub.channels, session.channels, args[1:])
    return LATER


@handles("PSUBSCRIBE")
def psubscribe(router: Router, session: Session, args: list[bytes]) -> Any:
    """PSUBSCRIBE pattern [pattern ...]"""
    _refuse_in_multi(session)
    router.pubsub.subscribe(session, b"psubscribe", router.pubsub.patterns, session.patterns, args[1:])
    return LATER


@handles("SSUBSCRIBE")
def ssubscribe(router: Router, session: Session, args: list[bytes]) -> Any:
    """SSUBSCRIBE shardchannel [shardchannel ...]"""
    _refuse_in_multi(session)
    router.pubsub.subscribe(session, b"ssubscribe", router.pubsub.shard_channels, session.shard_channels, args[1:])
    return LATER


@handles("UNSUBSCRIBE")
def unsubscribe(router: Router, session: Session, args: list[bytes]) -> Any:
    """UNSUBSCRIBE [channel ...]"""
    router.pubsub.unsubscribe(session, b"unsubscribe", router.pubsub.channels, session.channels, args[1:])
    return LATER


@handles("PUNSUBSCRIBE")
def punsubscribe(router: Router, session: Session, args: list[bytes]) -> Any:
    """PUNSUBSCRIBE [pattern ...]"""
    router.pubsub.unsubscribe(session, b"punsubscribe", router.pubsub.patterns, session.patterns, args[1:])
    return LATER


@handles("SUNSUBSCRIBE")
def sunsubscribe(router: Router, session: Session, args: list[bytes]) -> Any:
    """SUNSUBSCRIBE [shardchannel ...]"""
    router.pubsub.unsubscribe(session, b"sunsubscribe", router.pubsub.shard_channels, session.shard_channels, args[1:])
    return LATER


@handles("PUBLISH")
def publish(router: Router, session: Session, args: list[bytes]) -> Any:
    """PUBLISH channel message: how many clients of this group got it; replicas pass it to theirs."""
    router.master.tell_replicas(args)
    return router.pubsub.publish(args[1], args[2])


@handles("SPUBLISH")
def spublish(router: Router, session: Session, args: list[bytes]) -> Any:
    """SPUBLISH shardchannel message"""
    router.master.tell_replicas(args)
    return router.pubsub.publish_shard(args[1], args[2])


@handles("PUBSUB|CHANNELS")
def pubsub_channels(router: Router, session: Session, args: list[bytes]) -> Any:
    """PUBSUB CHANNELS [pattern]"""
    return router.pubsub.names(router.pubsub.channels, _pattern(args))


@handles("PUBSUB|SHARDCHANNELS")
def pubsub_shardchannels(router: Router, session: Session, args: list[bytes]) -> Any:
    """PUBSUB SHARDCHANNELS [pattern]"""
    return router.pubsub.names(router.pubsub.shard_channels, _pattern(args))


@handles("PUBSUB|NUMSUB")
def pubsub_numsub(router: Router, session: Session, args: list[bytes]) -> Any:
    """PUBSUB NUMSUB [channel ...]: channel, count, channel, count, ..."""
    return _counts(router.pubsub.channels, args[2:])


@handles("PUBSUB|SHARDNUMSUB")
def pubsub_shardnumsub(router: Router, session: Session, args: list[bytes]) -> Any:
    """PUBSUB SHARDNUMSUB [shardchannel ...]"""
    return _counts(router.pubsub.shard_channels, args[2:])


def _pattern(args: list[bytes]) -> bytes | None:
    """The one pattern that there may be."""
    if len(args) > 3:
        raise subcommand_syntax(args)
    return args[2] if len(args) > 2 else None


def _counts(table: Any, names: list[bytes]) -> list[Any]:
    return [item for name in names for item in (name, len(table.get(name, ())))]


@handles("PUBSUB|NUMPAT")
def pubsub_numpat(router: Router, session: Session, args: list[bytes]) -> Any:
    """PUBSUB NUMPAT: how many patterns have listeners."""
    return len(router.pubsub.patterns)
