"""A replica group and a scripted master: what the link does to it, byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

import elixircache
from cluster.wire import command
from tests.processes.waiting import until

ID = "a" * 40
EMPTY_RDB = b"REDIS0010\xff" + bytes(8)


class ScriptedMaster:
    """Answers the handshake; each connection's PSYNC is answered by the next of `answers`
    (then the link is cut, except after the last)."""

    def __init__(self, answers: list[bytes]):
        self.answers = answers
        self.asked: list[list[bytes]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.socks: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for number, answer in enumerate(self.answers):
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.socks.append(sock)
            file = sock.makefile("rb")
            while True:
                words = [file.read(int(file.readline()[1:]) + 2)[:-2] for _ in range(int(file.readline()[1:]))]
                if words[0] == b"PSYNC":
                    break
                sock.sendall(b"+PONG\r\n" if words[0] == b"PING" else b"+OK\r\n")
            self.asked.append(words)
            sock.sendall(answer)
            if number < len(self.answers) - 1:
                file.close()
                sock.close()

    def close(self) -> None:
        self.listener.close()
        for sock in self.socks:
            sock.close()


@pytest.fixture(scope="module")
def replica() -> Iterator[elixircache.LocalCluster]:
    with elixircache.LocalCluster(shards=2, save="") as group:
        yield group


def full(stream: bytes) -> bytes:
    return b"+FULLRESYNC %s 1000\r\n$%d\r\n" % (ID.encode(), len(EMPTY_RDB)) + EMPTY_RDB + stream


def test_a_link_cut_within_a_command_a_unit_and_a_database_goes_on_at_the_byte(replica):
    unit = command("MULTI") + command("SET", "left", 1) + command("SET", "right", 1) + command("EXEC")
    stream = command("SELECT", 3) + command("SET", "before", 1) + unit + command("INCR", "after")
    inside_unit = len(stream) - len(unit) + 20  # within the unit's second command
    cuts = [stream[:30], stream[30:inside_unit], stream[inside_unit:]]
    go_on = b"+CONTINUE\r\n"
    master = ScriptedMaster([full(cuts[0]), go_on + cuts[1], go_on + cuts[2]])
    client = replica.client(db=3)
    try:
        client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        until(lambda: client.get("after") == b"1")
        assert client.mget("before", "left", "right") == [b"1"] * 3
        assert [int(words[2]) for words in master.asked] == [-1, 1031, 1001 + inside_unit]
        assert client.execute_command("ROLE")[4] == 1000 + len(stream)
    finally:
        client.execute_command("REPLICAOF", "NO", "ONE")
        master.close()


def test_a_promoted_replica_drops_half_a_unit_and_does_not_count_it(replica):
    whole = command("SELECT", 0) + command("SET", "whole", 1)
    half = command("MULTI") + command("SET", "half", 1) + command("SET", "cut", 1)[:-4]
    master = ScriptedMaster([full(whole + half)])
    client = replica.client()
    try:
        client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        until(lambda: client.get("whole") == b"1")
        until(lambda: client.execute_command("ROLE")[4] == 1000 + len(whole + half))
        client.execute_command("REPLICAOF", "NO", "ONE")
        info = client.info("replication")
        assert (info["master_repl_offset"], info["second_repl_offset"]) == (1000 + len(whole), 1001 + len(whole))
        assert info["master_replid2"] == ID
        assert client.get("half") is None
    finally:
        client.execute_command("REPLICAOF", "NO", "ONE")
        master.close()
