"""The records that another participant may lack: a line that is let go of at its beginning."""

from cluster.records import Record
from shard.records import Records


def blob(number: int) -> bytes:
    return Record((1, number), {0: b"", 1: b""}, 5).pack()


def test_what_the_watermark_passes_is_let_go_and_the_rest_kept():
    records = Records()
    for number in range(1, 10_001):
        records.add(blob(number))
        if number % 3 == 0:
            records.trim(1, number // 3)
    assert records.last == (1, 10_000)
    assert [number for (_, number), _ in records.kept] == list(range(3334, 10_001))
    records.trim(1, 9_999)
    assert records.kept == [((1, 10_000), blob(10_000))]
    records.trim(1, 10_000)
    assert records.kept == []
    records.add(blob(10_001))
    assert records.kept == [((1, 10_001), blob(10_001))]


def test_a_packed_record_is_lacked_until_it_is_applied():
    records = Records()
    records.add(blob(7))
    assert not records.lacks_packed(blob(7)) and not records.lacks_packed(blob(6))
    assert records.lacks_packed(blob(8)) and records.lacks((2, 1))
