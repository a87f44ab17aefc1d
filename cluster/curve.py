"""Who may speak on a link: CURVE keys on tcp, the file system's permissions on ipc.

    elixircache keys DIR     router.key_secret, router.key, shard.key_secret, shard.key

A process reads the secret of its own role from `curve-keys`, and takes every `*.key` there for the public key
of somebody who may connect: a shard refuses anybody else at the handshake. Who connects checks that the other
end has the secret of `shard.key`. A tcp link without keys is refused unless it stays on this machine or
`insecure-links` is yes.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cluster import zmtp
from cluster.listeners import Settings
from cluster.peer import Peer, ZmqPeer

# libzmq is imported only where it is used: a process with links of our own kind starts in half the time.
if TYPE_CHECKING:
    import zmq
    from zmq.auth.thread import ThreadAuthenticator

ROLES = ("router", "shard")
LISTENER = "shard"  # the role whose sockets are connected to
# A host that vanished says nothing: without these a connection to it would stay for hours.
HEARTBEAT_MS = 1000
HEARTBEAT_TIMEOUT_MS = 5000


class LinkRefused(Exception):
    """A link may not be opened like this; the text says why."""


def make_keys(directory: Path) -> list[Path]:
    """New key pairs for all roles; their files. FileExistsError if there are some already, OSError."""
    import zmq.auth

    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    present = [path for role in ROLES for path in sorted(directory.glob(f"{role}.key*"))]
    if present:
        raise FileExistsError(f"{present[0]} exists already")
    made = []
    before = os.umask(0o077)
    try:
        for role in ROLES:
            made += [Path(name) for name in zmq.auth.create_certificates(directory, role)]
    finally:
        os.umask(before)
    for path in made:
        if path.suffix == ".key":
            path.chmod(0o644)
    return made


class Links:
    """Opens the links of one process: ours on ipc, libzmq's on tcp. `role`: "router" or "shard". LinkRefused: the
    keys cannot be read."""

    def __init__(self, config: Settings, role: str):
        self._made: zmq.Context[Any] | None = None
        self._insecure = bool(config["insecure-links"])
        self._directory = str(config["curve-keys"] or "")
        self._authenticator: ThreadAuthenticator | None = None
        self._public = self._secret = self._listener = b""
        if self._directory:
            self._public, self._secret = _pair(Path(self._directory) / f"{role}.key_secret")
            self._listener, _ = _pair(Path(self._directory) / f"{LISTENER}.key", public=True)

    def bind(self, endpoint: str) -> Peer:
        """Wait on an endpoint for whoever has a key that is known. LinkRefused, OSError (zmq.ZMQError is one)."""
        if endpoint.startswith(zmtp.PREFIX):
            return zmtp.Acceptor(endpoint.removeprefix(zmtp.PREFIX))
        socket = self._socket()
        if self._guarded(socket, endpoint):
            self._authenticate()
            socket.curve_publickey, socket.curve_secretkey = self._public, self._secret
            socket.curve_server = True
        socket.bind(endpoint)
        return self._peer(socket)

    def connect(self, endpoint: str) -> Peer:
        """Connect to a shard that has the key of shards; where nobody waits, to nobody. LinkRefused, zmq.ZMQError."""
        if endpoint.startswith(zmtp.PREFIX):
            try:
                return zmtp.connect(endpoint.removeprefix(zmtp.PREFIX))
            except OSError:
                return Peer()
        socket = self._socket()
        if self._guarded(socket, endpoint):
            socket.curve_publickey, socket.curve_secretkey = self._public, self._secret
            socket.curve_serverkey = self._listener
        socket.connect(endpoint)
        return self._peer(socket)

    def close(self) -> None:
        """The connections must be closed already."""
        if self._authenticator is not None:
            self._authenticator.stop()
            self._authenticator = None
        if self._made is not None:
            self._made.term()

    @staticmethod
    def _peer(socket: zmq.Socket[Any]) -> Peer:
        import zmq

        return ZmqPeer(socket, socket.getsockopt(zmq.FD))

    def _socket(self) -> zmq.Socket[Any]:
        import zmq

        if self._made is None:
            self._made = zmq.Context(io_threads=1)
        socket = self._made.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        return socket

    def _guarded(self, socket: zmq.Socket[Any], endpoint: str) -> bool:
        """Whether keys apply to this endpoint."""
        if not endpoint.startswith("tcp:"):
            return False
        socket.heartbeat_ivl = HEARTBEAT_MS
        socket.heartbeat_timeout = HEARTBEAT_TIMEOUT_MS
        if not self._directory:
            check_endpoint(endpoint, self._insecure)
        return bool(self._directory)

    def _authenticate(self) -> None:
        """Has this context's listening sockets take known keys only."""
        from zmq.auth.thread import ThreadAuthenticator

        if self._authenticator is None:
            self._authenticator = ThreadAuthenticator(self._made)
            self._authenticator.start()
            self._authenticator.configure_curve(domain="*", location=self._directory)


def check_endpoint(endpoint: str, insecure: bool = False) -> None:
    """LinkRefused if a link without keys would leave this machine."""
    if not endpoint.startswith("tcp:") or insecure:
        return
    host = urlsplit(endpoint).hostname or "*"
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        raise LinkRefused(
            f"the link {endpoint} leaves this machine and has no keys: make some with `elixircache keys DIR` and give "
            "--curve-keys DIR to every process, or say --insecure-links yes if the network itself is trusted"
        )


def _pair(path: Path, public: bool = False) -> tuple[bytes, bytes]:
    """(public key, secret key) of a key file. LinkRefused."""
    import zmq.auth

    try:
        found, secret = zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise LinkRefused(f"cannot read the key {path}: {error}") from None
    if not public and not secret:
        raise LinkRefused(f"{path} holds no secret key")
    return found, secret or b""
