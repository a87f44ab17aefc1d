"""Python functions as clients meet them: who may send them, the helper without the server's libraries, the examples
of docs/scripting.md."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
import redis

import elixircache
from tests.processes.addresses import outside_address

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=[1, 2])
def cluster(request: pytest.FixtureRequest) -> Iterator[elixircache.LocalCluster]:
    with elixircache.LocalCluster(shards=request.param, bind="0.0.0.0", requirepass="secret") as running:
        yield running


def call(client: redis.Redis) -> list[str]:
    """What PY.EVAL and PY.CALL answer, each sent on its own and both in a pipeline."""
    found = []
    blob = cloudpickle.dumps(lambda db, keys, args: "ran")
    for command in (["PY.EVAL", blob, 1, "k"], ["PY.CALL", "missing", 1, "k"], ["PY.CALL", "missing", 0]):
        try:
            found.append(client.execute_command(*command).decode())
        except redis.ResponseError as error:
            found.append(str(error).split()[0] if str(error).startswith("NOFUNCTION") else str(error))
    return found


def test_only_whom_enable_python_functions_names_may_send_pickles(cluster: elixircache.LocalCluster) -> None:
    far = cluster.client(host=outside_address())
    near = cluster.client()
    allowed = ["ran", "NOFUNCTION", "NOFUNCTION"]
    assert call(near) == allowed  # `local` is the default
    assert all("taken only from the loopback interface" in text for text in call(far))
    near.config_set("enable-python-functions", "yes")
    assert call(near) == call(far) == allowed
    near.config_set("enable-python-functions", "no")
    assert all("are disabled" in text for text in call(near) + call(far))
    near.config_set("enable-python-functions", "local")
    assert call(near) == allowed


def bare_environment(place: Path) -> Path:
    """The Python of a new environment that has redis-py, cloudpickle and `elixircache`, and nothing else."""
    venv.create(place, with_pip=False, symlinks=True)
    packages = place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for package in (redis, cloudpickle):
        assert package.__file__ is not None
        (packages / package.__name__).symlink_to(Path(package.__file__).parent)
    if sys.version_info < (3, 11, 3):  # redis-py's own need there
        (packages / "async_timeout").symlink_to(Path(str(find_spec("async_timeout").origin)).parent)  # type: ignore[union-attr]
    shutil.copy(elixircache.__file__, packages)
    return place / "bin" / "python"


def test_the_helper_needs_none_of_the_servers_libraries(cluster: elixircache.LocalCluster, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import sys
import elixircache
assert "redis" not in sys.modules and "cloudpickle" not in sys.modules
import redis

@elixircache.function
def add(db, keys, args):
    return db.incrby(keys[0], int(args[0]))

client = redis.Redis(port={cluster.port}, password="secret")
client.delete("sum")
assert [add(client, ["sum"], [n]) for n in (1, 2, 3)] == [1, 3, 6]
assert len(client.execute_command("PY.LIST")) == 1
client.execute_command("PY.DELETE", add.name)
for name in ("zmq", "uvloop", "lupa", "typer", "websockets", "prometheus_client", "cluster"):
    try:
        __import__(name)
    except ImportError:
        continue
    raise AssertionError(name + " is here")
print("fine")
"""
    )
    python = bare_environment(tmp_path / "bare")
    done = subprocess.run([python, "-I", program], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.stdout == "fine\n", done.stderr


def test_the_examples_of_the_documentation_run(cluster: elixircache.LocalCluster, tmp_path: Path) -> None:
    text = (ROOT / "docs/scripting.md").read_text()
    lua = re.findall(r"```lua\n(.*?)```", text, re.S)
    python = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    client = cluster.client()
    client.flushall()
    limiter, board, reservation = map(client.register_script, lua)
    assert [limiter(["visits"], [2, 60_000]) for _ in range(3)] == [1, 1, 0]
    assert 0 < client.pttl("visits") <= 60_000
    assert board(["best"], ["ann", 10]) == [1, b"10"]
    assert board(["best"], ["bob", 20]) == [1, b"20"]
    assert board(["best"], ["ann", 5]) == [2, b"10"]
    client.mset({"stock:bolts": 8, "stock:nuts": 7})
    assert reservation(["stock:bolts", "stock:nuts"], [3]) == [5, 4]
    with pytest.raises(redis.ResponseError, match="OUTOFSTOCK not enough of stock:nuts"):
        reservation(["stock:bolts", "stock:nuts"], [5])
    assert client.mget("stock:bolts", "stock:nuts") == [b"5", b"4"]
    module = tmp_path / "examples.py"
    module.write_text(python.replace("redis.Redis()", f"redis.Redis(port={cluster.port}, password='secret')"))
    names: dict[str, Any] = {}
    exec(compile(module.read_text(), str(module), "exec"), names)
    assert client.mget("stock:bolts", "stock:nuts") == [b"2", b"1"]  # the page itself calls `reserve`
    with pytest.raises(redis.ResponseError, match=r"PYERR ValueError: not enough of stock:nuts \(reserve, line \d+\)"):
        names["reserve"](client, ["stock:bolts", "stock:nuts"], [2])
    assert client.mget("stock:bolts", "stock:nuts") == [b"2", b"1"]
    names["submit"](client, ["board"], ["ann", 10])
    names["submit"](client, ["board"], ["bob", 20])
    assert names["submit"](client, ["board"], ["ann", 5]) in ({b"rank": 2, b"best": 10.0}, [b"rank", 2, b"best", b"10"])
    assert [bool(names["allow"](client, ["limit"], [2, 1000])) for _ in range(3)] == [True, True, False]
