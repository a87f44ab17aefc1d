"""CLIENT TRACKING, CACHING, TRACKINGINFO, GETREDIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster import errors
from cluster.errors import CommandError
from cluster.replies import OK, MapReply, SetReply
from router.registry import handles
from router.tracking import State

if TYPE_CHECKING:
    from router.router import Router
    from router.session import Session


@handles("CLIENT|TRACKING")
def tracking(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]"""
    word = args[2].upper()
    if word not in (b"ON", b"OFF"):
        raise errors.syntax_error()
    state = _options(router, args[3:])
    if word == b"OFF":


        def stopped() -> Any:
            router.tracking.stop(session)
            return OK

        return router.tracking.once_told(session, stopped)
    now = session.tracking
    if state.prefixes and not state.bcast:
        raise CommandError("ERR PREFIX option requires BCAST mode to be enabled")
    if now is not None and now.bcast != state.bcast:
        raise CommandError(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it "
            "with a different mode."
        )
    if state.bcast and (state.optin or state.optout):
        raise CommandError("ERR OPTIN and OPTOUT are not compatible with BCAST")
    if state.optin and state.optout:
        raise CommandError("ERR You can't specify both OPTIN mode and OPTOUT mode")
    if now is not None and ((state.optin and now.optout) or (state.optout and now.optin)):
        raise CommandError(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it "
            "with a different mode."
        )
    before = now.prefixes if now is not None else []
    if state.prefixes:
        _no_overlap(before, state.prefixes)
        state.prefixes = [*before, *state.prefixes]
    elif state.bcast:
        state.prefixes = sorted({*before, b""})  # all keys, beside those that were named before

    def started() -> Any:
        router.tracking.start(session, state)
        return OK

    return router.tracking.once_told(session, started)


def _options(router: Router, words: list[bytes]) -> State:
    state = State()
    at = 0
    while at < len(words):
        word = words[at].upper()
        if word == b"REDIRECT" and at + 1 < len(words):
            try:
                state.redirect = int(words[at + 1])
            except ValueError:
                raise errors.not_integer() from None
            if state.redirect not in router.clients:
                raise CommandError("ERR The client ID you want redirect to does not exist")
            at += 1
        elif word == b"PREFIX" and at + 1 < len(words):
            state.prefixes.append(words[at + 1])
            at += 1
        elif word in (b"BCAST", b"OPTIN", b"OPTOUT", b"NOLOOP"):
            setattr(state, word.decode().lower(), True)
        else:
            raise errors.syntax_error()
        at += 1
    return state


def _no_overlap(existing: list[bytes], prefixes: list[bytes]) -> None:
    """Each prefix is looked at beside those that the client has, then beside those given behind it."""
    for at, one in enumerate(prefixes):
        for which, others in (("an existing", existing), ("another provided", prefixes[at + 1 :])):
            for other in others:
                if one.startswith(other) or other.startswith(one):
                    shown = one.decode("utf-8", "replace"), other.decode("utf-8", "replace")
                    raise CommandError(
                        f"ERR Prefix '{shown[0]}' overlaps with {which} prefix '{shown[1]}'. "
                        "Prefixes for a single client must not overlap."
                    )


@handles("CLIENT|CACHING")
def caching(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT CACHING YES|NO: of the next command, in OPTIN or OPTOUT mode."""
    state = session.tracking
    if state is None:
        raise CommandError(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        )
    word = args[2].upper()
    if word == b"YES":
        if not state.optin:
            raise CommandError("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
        state.caching = True
    elif word == b"NO":
        if not state.optout:
            raise CommandError("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
        state.caching = False
    else:
        raise errors.syntax_error()
    return OK


@handles("CLIENT|TRACKINGINFO")
def trackinginfo(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT TRACKINGINFO: flags, redirect, prefixes."""
    state = session.tracking
    if state is None:
        return MapReply([b"flags", SetReply([b"off"]), b"redirect", -1, b"prefixes", []])
    flags = [b"on"]
    for name in ("bcast", "optin", "optout", "noloop"):
        if getattr(state, name):
            flags.append(name.encode())
    if state.caching is True:
        flags.append(b"caching-yes")
    elif state.caching is False:
        flags.append(b"caching-no")
    if state.broken:
        flags.append(b"broken_redirect")
    return MapReply([b"flags", SetReply(flags), b"redirect", state.redirect, b"prefixes", sorted(state.prefixes)])


@handles("CLIENT|GETREDIR")
def getredir(router: Router, session: Session, args: list[bytes]) -> Any:
    """CLIENT GETREDIR: -1 tracking is off, 0 no redirection, or the client's id."""
    return -1 if session.tracking is None else session.tracking.redirect
