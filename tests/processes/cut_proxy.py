"""A TCP proxy on a port of its own whose links can be cut, held (half-open) or slowed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

CHUNK = 1 << 16


class CutProxy:
    """Everybody who connects to `port` reaches 127.0.0.1:target, until it is told otherwise.

    cut(): connections are closed and new ones refused. refuse(): new ones are refused, those that are there go on. hold(): nothing passes any more, nothing is closed.
    pace: bytes a second in each direction, 0 for as fast as it goes. resume(): as in the beginning.
    """

    def __init__(self, target: int):
        self.target = target
        self.pace = 0
        self.held = threading.Event()
        self.closed = False
        self.refusing = False
        self.links: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> CutProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True
        self.held.clear()
        self.listener.close()
        self._close_links()

    def refuse(self) -> None:
        self.refusing = True

    def cut(self) -> None:
        self.refuse()
        self._close_links()

    def hold(self) -> None:
        self.held.set()

    def resume(self) -> None:
        self.refusing = False
        self.pace = 0
        self.held.clear()

    def _close_links(self) -> None:
        links, self.links = self.links, []
        for link in links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def _accept(self) -> None:
        while not self.closed:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.links += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                while self.held.is_set() and not self.closed:
                    time.sleep(0.01)
                if self.pace:
                    time.sleep(len(data) / self.pace)
                sink.sendall(data)
        for link in (source, sink):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
