"""The compiled slot function against its definition."""

from binascii import crc_hqx

from hypothesis import given
from hypothesis import strategies as st

from cluster import wire
from cluster.slots import slot_of


@given(st.binary(max_size=300))
def test_the_compiled_slot_is_crc16_of_the_key_or_its_tag(key):
    opened = key.find(b"{")
    closed = key.find(b"}", opened + 1)
    hashed = key[opened + 1 : closed] if opened >= 0 and closed > opened + 1 else key
    assert wire.slot(key) == slot_of(key) == crc_hqx(hashed, 0) % 16384


def test_known_slots():
    assert [wire.slot(key) for key in (b"foo", b"{user}:a", b"user", b"", b"{}x", b"a{b}c{d}")] == [
        12182,
        wire.slot(b"user"),
        5474,
        0,
        crc_hqx(b"{}x", 0) % 16384,
        crc_hqx(b"b", 0) % 16384,
    ]
