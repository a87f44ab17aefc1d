"""Listening sockets of a router."""

from __future__ import annotations

import os
import socket
from typing import Any


def open_listeners(config: Any) -> list[socket.socket]:
    """TCP on every bind address and the unix socket. OSError names the address that is taken."""
    found: list[socket.socket] = []
    port = int(config["port"])
    for host in str(config["bind"]).split():
        optional = host.startswith("-")
        try:
            found.append(_tcp(host.removeprefix("-"), port))
        except OSError as error:
            if not optional:
                raise OSError(error.errno, f"{host}:{port}: {error.strerror}") from error
    if config["unixsocket"]:
        found.append(_unix(str(config["unixsocket"]), config["unixsocketperm"]))
    return found


def _tcp(host: str, port: int) -> socket.socket:
    if host == "*":
        host = "0.0.0.0"
    elif host == "::*":
        host = "::"
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in host:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setblocking(False)
    sock.bind((host, port))
    sock.listen(511)
    return sock


def _unix(path: str, mode: Any) -> socket.socket:
    if os.path.exists(path):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX)
    sock.setblocking(False)
    sock.bind(path)
    if mode:
        os.chmod(path, int(str(mode), 8))
    sock.listen(511)
    return sock
