"""The compiled scanner against a plain decoder: whole, byte by byte, and cut anywhere."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.slots import slot_map
from cluster.wire import command
from router.connection import Conn
from router.core import Core
from tests.router.reference import Reference


def scanned(pieces):
    """The events of the compiled scanner when it is fed these pieces."""
    events = []
    core = Core(slot_map(2))
    core.all_slow = True
    core.on_command = lambda conn, args: events.append(("command", args))
    core.on_protocol_error = lambda conn, text: events.append(("error", text))
    conn = Conn(1)
    conn.trusted = True
    for piece in pieces:
        if not conn.closing:
            core.receive_data(conn, piece)
    return events


def decoded(data):
    return Reference().feed(data)


arguments = st.lists(
    st.binary(max_size=20) | st.sampled_from([b"GET", b"set", b"\r\n", b"$3\r\nabc\r\n"]), min_size=1, max_size=5
)
whole_commands = arguments.map(lambda args: command(*args))
inline_words = st.text(alphabet="abcXYZ019 \"'\\\\xn", max_size=20)
inline_commands = inline_words.map(lambda text: text.encode()).flatmap(
    lambda text: st.sampled_from([b"\n", b"\r\n"]).map(lambda end: b"PING " + text + end)
)
junk = st.sampled_from(
    [
        b"*0\r\n",
        b"*-1\r\n",
        b"*-3\r\n",
        b"\r\n",
        b"*x\r\n",
        b"*\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$x\r\n",
        b"*1\r\n$\r\n",
        b"*01\r\n",
        b"*1\r\n$04\r\nPING\r\n",
        b"*-0\r\n",
        b"*1048577\r\n",
        b"*9999999999\r\n",
        b"*1\r\n$536870913\r\n",
        b"*1\r\n$1\r\nabc",
        b"*1\r\n$1\r\nax\r\n",
        b"*3\r\n$3\r\nSET\r\n",
        b"*1\r\n$18446744073709551617\r\n",
        b"*1\r\n$9223372036854775808\r\n",
        b"*1\r\n$4\rxPING\r\n",
        b"* 1\r\n",
        b"*+1\r\n",
    ]
)
streams = st.lists(st.one_of(whole_commands, whole_commands, inline_commands, junk), max_size=6).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(data=streams, tail=st.binary(max_size=4))
def test_the_scanner_sees_what_a_plain_decoder_sees(data, tail):
    assert scanned([data]) == decoded(data)


@settings(max_examples=200, deadline=None)
@given(data=streams)
def test_bytes_that_come_one_by_one_make_the_same_commands(data):
    assert scanned([data[i : i + 1] for i in range(len(data))]) == decoded(data)


@settings(max_examples=200, deadline=None)
@given(data=streams, cuts=st.lists(st.integers(0, 200), max_size=4))
def test_bytes_may_be_cut_anywhere(data, cuts):
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    assert scanned([data[a:b] for a, b in zip(places, places[1:], strict=False)]) == decoded(data)


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=80) | st.text(alphabet="*$0123456789-\r\nabc", max_size=60).map(lambda text: text.encode())
)
def test_any_bytes_at_all_are_read_the_same_whole_and_one_by_one(data):
    assert scanned([data]) == scanned([data[i : i + 1] for i in range(len(data))])


def test_an_inline_request_of_more_than_64_kb_is_refused():
    assert scanned([b"a" * 70_000]) == [("error", "ERR Protocol error: too big inline request")]


def test_the_command_after_a_protocol_error_is_not_executed():
    assert scanned([b"*1\r\n:1\r\n*1\r\n$4\r\nPING\r\n"]) == [("error", "ERR Protocol error: expected '$', got ':'")]
