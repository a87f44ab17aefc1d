"""The command line as a user meets it: its commands, their flags, and what is refused at the start."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.main import SERVERS, application
from cluster.config_options import OPTIONS

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(application()).commands
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def documented() -> set[str]:
    """What stands behind `elixircache` at the start of a line of code, or in backquotes."""
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    return set(re.findall(r"(?:^\s*|`|\$ |/)elixircache ([a-z][a-z-]*)", text, re.M))


def test_every_documented_command_exists():
    assert {"up", "master", "replica", "router", "shard", "status", "bench"} | documented() <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name):
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        assert parameter.param_type_name == "argument" or parameter.hidden or parameter.help, parameter.name
    shown = CliRunner().invoke(application(), [name, "--help"])
    assert shown.exit_code == 0


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_s_start_imports_little_and_has_its_command(name):
    assert name in typer.main.get_command(application(name)).commands
    program = f"import sys; from cli.main import application; application({name!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"redis", "zmq", "asyncio", "cli.bench"} & set(loaded.split())


@pytest.mark.parametrize("name", ["up", "master", "replica"])
def test_every_configuration_name_is_a_flag(name):
    flags = {flag for parameter in COMMANDS[name].params for flag in parameter.opts}
    assert {f"--{option}" for option in OPTIONS} <= flags


def start(directory, *words, **environment):
    """`elixircache up` in an empty place, on no port unless one is given."""
    words = ["up", "--replicas", "0", "--port", "0", "--ws-port", "0", "--dir", str(directory / "data"), *words]
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=90,
    )


def refused(result, text: str) -> None:
    assert result.returncode == 2
    assert result.stderr.startswith("elixircache: ") and result.stderr.count("\n") == 1, result.stderr
    assert text in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--shards", "0"], "--shards must be from 1 to 256, not 0"),
        (["--shards", "257"], "--shards must be from 1 to 256, not 257"),
        (["--shards", "-1"], "--shards must be from 1 to 256, not -1"),
        (["--replicas", "17"], "--replicas must be from 0 to 16, not 17"),
        (["--replicas", "1"], "replicas need a master with a TCP port"),
        (["--replicas", "1", "--port", "65535"], "--port 65535 leaves no port for 1 replica"),
        (["--replicas", "1", "--port", "7500", "--ws-port", "7501"], "port 7501 is asked for twice"),
        (["--config", "/nonexistent.conf"], "cannot read the configuration"),
        (["--config", "/proc/self/mem"], "cannot read the configuration"),
        (["--maxmemory", "much"], "--maxmemory: argument must be a memory value"),
        (["--appendfsync", "sometimes"], "--appendfsync: argument(s) must be one of the following"),
        (["--port", "65536"], "--port: argument must be between 0 and 65535"),
        (["--bind", "203.0.113.7", "--port", "7999"], "cannot serve 203.0.113.7:7999"),
        (["--unixsocket", "/nonexistent/socket"], "cannot serve /nonexistent/socket"),
        (["--dir", "/proc/nothing"], "cannot use directory /proc/nothing"),
        (["--logfile", "/nonexistent/log"], "cannot write the log file /nonexistent/log"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_started_is_one_clear_line_and_exit_code_2(tmp_path, words, text):
    refused(start(tmp_path, *words), text)
    assert not (tmp_path / "data" / "run").exists()


def test_a_wrong_line_of_a_configuration_file_is_named(tmp_path):
    file = tmp_path / "redis.conf"
    file.write_text("maxmemory 1gb\n\nappendfsync rarely\n")
    refused(start(tmp_path, "--config", str(file)), f"{file}:3: appendfsync: argument(s) must be one of")
    file.write_text("no-such-name 1\n")
    refused(start(tmp_path, "--config", str(file)), f"{file}:1: no-such-name: unknown configuration name")
    file.write_text('requirepass "open\n')
    refused(start(tmp_path, "--config", str(file)), f"{file}:1: unbalanced quotes")


def test_a_wrong_variable_is_named(tmp_path):
    refused(start(tmp_path, ELIXIRCACHE_MAXMEMORY="much"), "ELIXIRCACHE_MAXMEMORY: argument must be a memory value")
    refused(start(tmp_path, ELIXIRCACHE_SHARDS="many"), "ELIXIRCACHE_SHARDS must be a number from 1 to 256")


def test_a_unix_socket_that_is_served_is_not_taken_away(tmp_path):
    path = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        refused(start(tmp_path, "--unixsocket", str(path)), f"cannot serve {path}: another process serves it")
    assert path.exists()
