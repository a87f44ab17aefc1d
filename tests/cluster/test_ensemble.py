"""Which of several groups is the master when all start again."""

import json

from cluster.ensemble import ROLE_NAME, note_role, noted_master, noted_role


def directories(tmp_path, *notes):
    found = []
    for number, note in enumerate(notes):
        directory = tmp_path / str(number)
        directory.mkdir()
        if note is not None:
            (directory / ROLE_NAME).write_text(json.dumps({"replicaof": note[0], "since_ms": note[1]}))
        found.append(directory)
    return found


def test_the_first_is_the_master_when_nothing_was_noted(tmp_path):
    assert noted_master(directories(tmp_path, None, None)) == 0


def test_the_group_that_was_promoted_last_is_the_master(tmp_path):
    """The old master died before anybody told it that it is a replica now."""
    assert noted_master(directories(tmp_path, ("", 100), ("", 200), ("127.0.0.1 6379", 300))) == 1


def test_a_note_that_is_cut_off_counts_as_none(tmp_path):
    places = directories(tmp_path, None, ("", 100))
    (places[0] / ROLE_NAME).write_text("{")
    assert noted_master(places) == 1 and noted_role(places[0]) is None


def test_a_role_is_noted_and_read(tmp_path):
    note_role(tmp_path, "127.0.0.1 6380")
    assert noted_role(tmp_path) == "127.0.0.1 6380"
    note_role(tmp_path, "")
    assert noted_role(tmp_path) == ""
