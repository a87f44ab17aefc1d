"""CONFIG GET, SET, REWRITE, RESETSTAT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.config_options import BOTH, OPTIONS, SHARD
from cluster.errors import SHARD_DOWN_UNKNOWN, CommandError, syntax_error
from cluster.replies import OK, MapReply
from router.asking import ask
from router.registry import LATER, handles

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@handles("CONFIG|GET")
def config_get(router: Router, session: Session, args: list[bytes]) -> Any:
    """CONFIG GET pattern [pattern ...]"""
    found = router.config.matching([_text(raw) for raw in args[2:]])
    return MapReply([_raw(part) for pair in found.items() for part in pair])


@handles("CONFIG|SET")
def config_set(router: Router, session: Session, args: list[bytes]) -> Any:
    """CONFIG SET name value [name value ...]: all or none; answered when all shards know, and taken back everywhere if
    one of them cannot do it (a journal that cannot be begun)."""
    if len(args) % 2:
        raise syntax_error()
    words = [_text(raw) for raw in args[2:]]
    protected = router.config["enable-protected-configs"]
    values = router.config.checked(
        zip(words[::2], words[1::2], strict=True), protected == "yes" or (protected == "local" and session.local)
    )
    if any(OPTIONS[name].who in (SHARD, BOTH) for name in values):
        for shard in range(router.shard_count):
            router.require(shard)
    if values.keys() & {"port", "bind"}:
        router.listen_elsewhere({name: values.get(name, router.config[name]) for name in ("port", "bind")})
    before = {name: router.config[name] for name in values}
    told = _apply(router, values)
    if not told:
        return OK
    place = session.reserve()

    def done(raws: dict[int, bytes | None]) -> None:
        lost = next((shard for shard, raw in raws.items() if raw is None), None)
        failed = next((raw for raw in raws.values() if raw is not None and raw[:1] == b"-"), None)
        if failed is not None:
            router.ask_all([b"SHARD.CONFIG", *_apply(router, before)], lambda raws: None)
            session.fulfil_raw(place, failed)
        elif lost is not None:
            session.fulfil(place, CommandError(SHARD_DOWN_UNKNOWN.format(shard=lost)))
        else:
            session.fulfil(place, OK)

    router.ask_all([b"SHARD.CONFIG", *told], done)
    return LATER


def _apply(router: Router, values: dict[str, Any]) -> list[bytes]:
    """Make values the router's and the supervisor's; what shards have to be told of them."""
    router.config.apply(values)
    router.settle_paths()
    texts = {name: router.config.text(name) for name in values}
    router.report({"config": texts})
    told = [part for name, text in texts.items() if OPTIONS[name].who in (SHARD, BOTH) for part in (name, text)]
    return [_raw(text) for text in told]


@handles("CONFIG|REWRITE")
def config_rewrite(router: Router, session: Session, args: list[bytes]) -> Any:
    """CONFIG REWRITE"""
    router.config.rewrite()
    return OK


@handles("CONFIG|RESETSTAT")
def config_resetstat(router: Router, session: Session, args: list[bytes]) -> Any:
    """CONFIG RESETSTAT: the router's and all shards' counters."""
    router.stats.reset()
    router.core.commands = 0
    return ask(router, session, [b"SHARD.DEBUG", b"RESETSTAT"], lambda values: OK)

