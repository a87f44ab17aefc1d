"""What a generated sequence may not hold."""

import pytest

from tests.conformance.sequences import waits_long


@pytest.mark.parametrize(
    ("words", "long"),
    [
        ("BRPOP list 0.001 0", True),  # a disturbed one: its last argument is the time
        ("blpop list 0", True),
        ("BLMOVE a b LEFT LEFT 10", True),
        ("BLMPOP 0 1 list LEFT", True),
        ("XREAD BLOCK 0 STREAMS a 0", True),
        ("XREAD BLOCK 1 STREAMS a 0", False),
        ("BRPOP list 0.01", False),
        ("BRPOP list 1e400", False),
        ("BLPOP list x", False),
        ("BLMPOP", False),
        ("GET 0", False),
    ],
)
def test_a_sequence_waits_for_nothing_that_does_not_come(words: str, long: bool) -> None:
    assert waits_long([word.encode() for word in words.split()]) == long
