"""Flags of the configuration: several words, the order of the sources, errors in one line."""

import pytest
from typer.testing import CliRunner

from cli.main import application
from cli.settings import joined_words


def run(*arguments: str, **environment: str):
    return CliRunner().invoke(application(), list(arguments), env=environment)


def test_the_words_after_a_configuration_flag_are_one_value():
    assert joined_words(["--save", "900", "1", "--shards", "2"]) == ["--save", "900 1", "--shards", "2"]


def test_an_empty_word_is_a_value():
    assert joined_words(["--save", "", "--port", "0"]) == ["--save", "", "--port", "0"]


def test_names_are_taken_in_any_case():
    assert joined_words(["--AppendFsync", "always"]) == ["--appendfsync", "always"]


def test_other_flags_are_left_alone():
    assert joined_words(["--of", "localhost:1", "--", "x"]) == ["--of", "localhost:1", "--", "x"]


@pytest.mark.parametrize("command", ["up", "master", "replica"])
def test_every_configuration_name_is_a_flag_with_help(command):
    text = run(command, "--help", COLUMNS="200", TERM="dumb").output
    for name in ("--appendfsync", "--maxmemory-policy", "--client-output-buffer-limit", "--requirepass", "--ws-port"):
        assert name in text


@pytest.mark.parametrize("shards", ["0", "-1", "257"])
def test_a_wrong_number_of_shards_is_one_line_and_code_2(shards, tmp_path):
    result = run("up", "--shards", shards, "--dir", str(tmp_path / "data"))
    assert result.exit_code == 2
    assert result.stderr == f"elixircache: --shards must be from 1 to 256, not {shards}\n"
    assert not (tmp_path / "data").exists()


def test_a_wrong_value_is_one_line_and_code_2():
    result = run("up", "--appendfsync", "sometimes")
    assert result.exit_code == 2
    assert result.stderr.startswith("elixircache: --appendfsync: argument(s) must be one of the following:")
    assert result.stderr.count("\n") == 1


def test_an_unknown_flag_is_refused():
    assert run("up", "--no-such-name", "1").exit_code == 2


def test_an_unreadable_configuration_is_one_line_and_code_2(tmp_path):
    result = run("up", "--config", str(tmp_path / "missing.conf"))
    assert result.exit_code == 2
    assert "missing.conf" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_wrong_line_of_a_file_is_named(tmp_path):
    file = tmp_path / "elixir.conf"
    file.write_text("port 7000\nappendfsync sometimes\n")
    result = run("up", "--config", str(file))
    assert result.exit_code == 2
    assert ":2" in result.stderr
    assert "appendfsync" in result.stderr


def test_variables_win_over_flags(tmp_path):
    result = run("up", "--shards", "2", ELIXIRCACHE_SHARDS="0")
    assert result.exit_code == 2
    assert "not 0" in result.stderr


def test_a_replica_without_a_master_is_refused():
    result = run("replica")
    assert result.exit_code == 2
    assert "--of HOST:PORT" in result.stderr


def test_a_masters_address_needs_a_port():
    assert "must be HOST:PORT, not 'localhost'" in run("replica", "--of", "localhost").stderr


def test_the_version_is_printed():
    assert run("--version").output == "elixircache 0.1.0\n"


def test_the_status_of_nobody_is_one_line_and_code_1():
    result = run("status", "--port", "1")
    assert result.exit_code == 1
    assert result.stderr.startswith("elixircache: cannot ask 127.0.0.1:1:")
