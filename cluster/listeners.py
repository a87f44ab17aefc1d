"""Binds the sockets of the front door: TCP on every `bind` address, and the unix socket.

They are bound before anything starts, so a taken port is one clear error, and listen only when a router serves.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any, Protocol


class Settings(Protocol):
    """A configuration, or a plain dictionary of it."""

    def __getitem__(self, name: str, /) -> Any: ...


class AddressTaken(Exception):
    """An address cannot be bound; the text says which one and why."""


def addresses(bind: Any) -> list[str]:
    """The words of a `bind` value: a string or a list."""
    words = bind.split() if isinstance(bind, str) else [str(word) for word in bind or []]
    return words or ["*"]


def open_listeners(config: Settings) -> list[socket.socket]:
    """Bound sockets, not yet listening, for `port`, `bind` and `unixsocket`. Port 0 opens no TCP socket.

    An address with a leading "-" may be missing on this machine, as in redis.conf. Raises AddressTaken.
    """
    opened: list[socket.socket] = []
    try:
        port = int(config["port"] or 0)
        if port:
            for address in addresses(config["bind"]):
                try:
                    opened.append(_bind_tcp(address.removeprefix("-"), port))
                except OSError as error:
                    if not address.startswith("-"):
                        raise AddressTaken(f"cannot serve {address}:{port}: {_words(error)}") from None
        path = str(config["unixsocket"] or "")
        if path:
            opened.append(_bind_unix(path, int(config["unixsocketperm"])))
    except BaseException:
        for listener in opened:
            listener.close()
        raise
    if port and not any(listener.family != socket.AF_UNIX for listener in opened):
        raise AddressTaken(f"cannot serve port {port}: no address of `bind` is on this machine")
    return opened


def exchanged(old: list[socket.socket], config: Settings, backlog: int) -> list[socket.socket]:
    """Listening TCP sockets for another `port` or `bind`, in place of the `old` ones, which the caller closes.

    AddressTaken: the old ones listen as before.
    """
    for listener in old:
        # Also for other processes that have it: an address of the new ones may overlap with this one's.
        listener.shutdown(socket.SHUT_RDWR)
    opened: list[socket.socket] = []
    try:
        opened += open_listeners({"port": config["port"], "bind": config["bind"], "unixsocket": ""})
        for listener in opened:
            listener.setblocking(False)
            listener.listen(backlog)
    except (AddressTaken, OSError) as error:
        for listener in opened:
            listener.close()
        for listener in old:
            listener.listen(backlog)
        raise error if isinstance(error, AddressTaken) else AddressTaken(_words(error)) from None
    return opened


def check_port(host: str, port: int) -> None:
    """Raises AddressTaken if a port that another process will bind is not free."""
    if port:
        try:
            _bind_tcp(host, port).close()
        except OSError as error:
            raise AddressTaken(f"cannot serve {host}:{port}: {_words(error)}") from None


def _bind_tcp(address: str, port: int) -> socket.socket:
    host = {"*": "0.0.0.0", "::*": "::"}.get(address, address)
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(where)
    except BaseException:
        listener.close()
        raise
    return listener


def _bind_unix(path: str, permissions: int) -> socket.socket:
    place = Path(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if place.exists() and stat.S_ISSOCK(place.stat().st_mode):
            if listener.connect_ex(path) == 0:
                raise AddressTaken(f"cannot serve {path}: another process serves it")
            listener.close()
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            place.unlink()  # left by a process that is gone
        listener.bind(path)
        if permissions:
            os.chmod(path, permissions)
    except OSError as error:
        listener.close()
        raise AddressTaken(f"cannot serve {path}: {_words(error)}") from None
    return listener


def _words(error: OSError) -> str:
    return error.strerror or str(error)
