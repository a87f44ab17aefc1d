"""The router's sockets: nothing that has come stays unread."""

import socket
import time

import pytest
import zmq

from cluster import frames
from cluster.peer import Peer, ZmqPeer
from cluster.zmtp import Acceptor, connect
from router.connection import Conn
from router.core import Core
from router.frontdoor import FrontDoor
from router.replication.inflow import Inflow


@pytest.fixture
def front(tmp_path):
    """A front door with one link, the shard's end of it, and the messages taken."""
    context = zmq.Context()
    shard, own = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
    shard.bind(f"ipc://{tmp_path}/link")
    own.connect(f"ipc://{tmp_path}/link")
    door = FrontDoor(Core([0] * 16384), lambda: 1)
    received = []
    door.on_link_message = lambda shard, message: received.append(message)
    link = door.core.links[0]
    door.add_link(link, ZmqPeer(own, own.getsockopt(zmq.FD)))
    yield door, link, shard, received
    door.remove_link(link)
    shard.close(0)
    context.term()


def wait_for(door, received, count):
    deadline = time.monotonic() + 5
    while len(received) < count and time.monotonic() < deadline:
        door.turn()
        time.sleep(0.001)


def test_messages_of_a_link_are_taken_as_they_come(front):
    door, _, shard, received = front
    for i in range(3):
        shard.send(b"message %d" % i)
        wait_for(door, received, i + 1)
    assert received == [b"message 0", b"message 1", b"message 2"]


def test_sending_hides_no_message_that_has_come(front):
    """ZeroMQ signals a message once, and whatever looks at the socket takes the signal."""
    door, link, shard, received = front
    shard.send(b"first")
    wait_for(door, received, 1)
    shard.send(b"second")
    deadline = time.monotonic() + 5
    while not link.peer.socket.getsockopt(zmq.EVENTS) & zmq.POLLIN and time.monotonic() < deadline:
        time.sleep(0.001)  # this takes the signal, as sending may
    door.turn()
    assert received == [b"first"]
    door.send(link, b"heartbeat")
    door.flush()
    assert received == [b"first", b"second"]


def test_an_end_that_has_gone_is_told_once(tmp_path):
    end = Acceptor(str(tmp_path / "link"))
    door = FrontDoor(Core([0] * 16384), lambda: 1)
    ended = []
    door.on_link_ended = lambda shard, peer: ended.append((shard, peer))
    peer = connect(str(tmp_path / "link"))
    door.add_link(door.core.links[0], peer)
    assert end.receive() is None
    door.turn()
    assert not ended
    end.close()
    wait_for(door, ended, 1)
    door.send(door.core.links[0], b"nobody reads it")
    door.turn()
    door.flush()
    assert ended == [(0, peer)]
    door.remove_link(door.core.links[0])


def test_an_address_where_nobody_waits_is_no_end_that_has_gone():
    door = FrontDoor(Core([0] * 16384), lambda: 1)
    door.add_link(door.core.links[0], Peer())
    door.send(door.core.links[0], b"dropped")
    door.flush()
    door.turn()
    door.remove_link(door.core.links[0])


@pytest.mark.parametrize(("size", "behind"), [(1000, 0), ((1 << 19) + 1000, frames.BEHIND)])
def test_shards_hear_that_a_masters_stream_has_piled_up(size, behind):
    core = Core([0] * 16384)
    core.links[0].up = True
    conn = Conn(1)
    conn.fast = conn.writer = conn.trusted = True
    master, replica = socket.socketpair()
    with master, replica:
        for end in (master, replica):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, 1 << 22)
        front = FrontDoor(core, lambda: 0)
        front.add_inflow(Inflow(replica.fileno(), core, conn, lambda data: core.receive_data(conn, data), pytest.fail))
        master.setblocking(False)
        sent = 0
        while sent < size:
            sent += master.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8\r\n12345678\r\n" * 20)
        core.links[0].up = True
        front.turn()
        assert core.take_batch(0)[4] & frames.BEHIND == behind
