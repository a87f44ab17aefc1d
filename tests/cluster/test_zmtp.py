"""Our end of a ZeroMQ link, against itself, against libzmq, and against bytes that are none of it."""

import os
import random
import socket
import time

import pytest
import zmq

from cluster import zmtp
from cluster.zmtp import Acceptor, LocalPeer


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "link")


@pytest.fixture
def acceptor(path):
    end = Acceptor(path)
    yield end
    end.close()


@pytest.fixture
def dealer():
    """A socket of libzmq."""
    context = zmq.Context()
    made = context.socket(zmq.DEALER)
    made.linger = 0
    yield made
    made.close(0)
    context.term()


def received(end, others=(), seconds=10.0):
    """The next message of an end; the others are served meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = end.receive()
        if message is not None:
            return message
        for other in others:
            other.flush()
            assert other.receive() is None
        end.wait(1, -1)
    raise AssertionError("no message has come")


SIZES = [0, 1, 255, 256, 8191, 8192, 70_000, 131_072, 5_000_000, 3]


def test_messages_of_any_size_go_both_ways_in_order(path, acceptor):
    peer = zmtp.connect(path)
    messages = [os.urandom(size) for size in SIZES]
    for message in messages:
        peer.send(message)
    assert [received(acceptor, [peer]) for _ in messages] == messages
    for message in messages:
        acceptor.send(message)
    got = []
    while len(got) < len(messages):
        acceptor.wait(0, -1)  # sends what it has kept
        message = peer.receive()
        if message is None:
            peer.wait(1, -1)
        else:
            got.append(message)
    assert got == messages
    peer.close()


def test_a_socket_of_libzmq_connects_to_it(path, acceptor, dealer):
    dealer.connect(f"ipc://{path}")
    messages = [os.urandom(size) for size in SIZES]
    for message in messages:
        dealer.send(message)
    assert [received(acceptor) for _ in messages] == messages
    for message in messages:
        acceptor.send(message)
        while not dealer.poll(1):
            acceptor.wait(0, -1)
        assert dealer.recv() == message


def test_it_connects_to_a_socket_of_libzmq_and_answers_its_heartbeat(path, dealer):
    dealer.heartbeat_ivl = 50
    dealer.heartbeat_timeout = 200
    dealer.bind(f"ipc://{path}")
    stood_still_s = 1.0
    while stood_still_s > 0.1:  # we may not be run for so long that no answer is in time
        peer = zmtp.connect(path)
        peer.send(b"first")
        stood_still_s, last = 0.0, time.monotonic()
        until = last + 0.6
        while last < until and not peer.ended:
            assert peer.receive() is None
            peer.wait(5, -1)
            stood_still_s, last = max(stood_still_s, time.monotonic() - last), time.monotonic()
    assert not peer.ended
    assert dealer.recv() == b"first"
    dealer.send(b"second")
    assert received(peer) == b"second"
    peer.close()


def test_who_answers_no_heartbeat_is_closed_by_libzmq(path, dealer):
    """What the test before would miss."""
    dealer.heartbeat_ivl = 50
    dealer.heartbeat_timeout = 200
    dealer.bind(f"ipc://{path}")
    peer = zmtp.connect(path)
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        peer.receive()
        time.sleep(0.01)
    time.sleep(0.8)
    while not peer.ended and time.monotonic() < until + 5:
        peer.receive()
    assert peer.ended
    peer.close()


def test_bytes_may_come_in_any_pieces(path, acceptor):
    """What a peer sends, handed on a few bytes at a time."""
    ours, theirs = socket.socketpair()
    peer = LocalPeer(ours)
    sender_end, relay = socket.socketpair()
    sender = LocalPeer(sender_end)
    messages = [os.urandom(size) for size in (0, 3, 255, 256, 300, 9000)]
    for message in messages:
        sender.send(message)
    dice, got, raw = random.Random(5), [], b""
    theirs.setblocking(False)
    relay.setblocking(False)
    while len(got) < len(messages):
        try:
            raw += relay.recv(1 << 16)
        except BlockingIOError:
            pass
        piece = raw[: dice.randint(1, 40)]
        raw = raw[len(piece) :]
        theirs.send(piece)
        message = peer.receive()
        if message is not None:
            got.append(message)
        try:
            relay.send(theirs.recv(1 << 16))  # greets back
        except BlockingIOError:
            pass
        assert sender.receive() is None
    assert got == messages
    for end in (peer, sender, theirs, relay):
        end.close()


GREETING = zmtp.GREETING + bytes([4, len(zmtp.READY)]) + zmtp.READY


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n".ljust(64),
        b"\xff" + bytes(63),
        zmtp.GREETING[:10] + b"\x02" + zmtp.GREETING[11:],
        zmtp.GREETING.replace(b"NULL", b"CURV"),
        zmtp.GREETING + b"\x00\x02hi",
        zmtp.GREETING + b"\x04\x06\x05HELLO",
        GREETING + b"\x01\x02hi",
        GREETING + b"\x02\xff\xff\xff\xff\xff\xff\xff\xff",
        GREETING + b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_who_speaks_something_else_is_closed_and_the_next_one_is_served(path, acceptor, raw):
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(path)
        stranger.sendall(raw)
        stranger.settimeout(5)
        acceptor.wait(100, -1)
        acceptor.send(b"not for strangers")
        for _ in range(3):
            assert acceptor.receive() is None
            acceptor.wait(10, -1)
        heard = b""
        while piece := stranger.recv(1 << 16):
            heard += piece
        assert heard.startswith(zmtp.SIGNATURE)
    peer = zmtp.connect(path)
    peer.send(b"hello")
    assert received(acceptor, [peer]) == b"hello"
    peer.close()


def test_who_connects_last_is_the_other_end(path, acceptor):
    first = zmtp.connect(path)
    first.send(b"1")
    assert received(acceptor, [first]) == b"1"
    second = zmtp.connect(path)
    second.send(b"2")
    assert received(acceptor, [second]) == b"2"
    acceptor.send(b"to the second")
    assert received(second) == b"to the second"
    assert first.receive() is None and first.ended
    first.send(b"dropped")
    first.close()
    second.close()


def test_nobody_at_the_path_is_an_error(path):
    with pytest.raises(OSError):
        zmtp.connect(path)


def test_waiting_ends_with_a_message_and_with_the_other_descriptor(path, acceptor):
    ours, theirs = socket.socketpair()
    began = time.monotonic()
    theirs.send(b"x")
    acceptor.wait(5000, ours.fileno())
    peer = zmtp.connect(path)
    peer.send(b"hello")
    assert received(acceptor, [peer]) == b"hello"
    assert acceptor.receive() is None
    peer.send(b"again")
    acceptor.wait(5000, -1)
    assert acceptor.receive() == b"again"
    assert time.monotonic() - began < 4
    for end in (peer, ours, theirs):
        end.close()


def test_a_connection_let_go_wakes_nobody_though_a_child_has_it_open(path, acceptor):
    """A forked child shares the open file, which so stays in the set of what is slept for unless it is taken out."""
    before = set(os.listdir("/proc/self/fd"))
    peer = zmtp.connect(path)
    peer.send(b"hello")
    assert received(acceptor, [peer]) == b"hello"
    accepted = [int(fd) for fd in set(os.listdir("/proc/self/fd")) - before if int(fd) != peer.fileno()]
    shared = [os.dup(fd) for fd in accepted if os.path.exists(f"/proc/self/fd/{fd}")]
    peer.close()
    deadline = time.monotonic() + 5
    while acceptor.receive() is not None or time.monotonic() < deadline - 4.9:
        acceptor.wait(10, -1)
    began = time.monotonic()
    acceptor.wait(300, -1)
    assert time.monotonic() - began > 0.25
    for fd in shared:
        os.close(fd)
