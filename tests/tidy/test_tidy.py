"""House rules that a reader would otherwise have to check."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("cluster", "shard", "router", "cli")
LINES_MAX = 500
# What is longer needs a reason to be here, and may only get shorter.
LONGER = {
    "cluster/wire.py": 510,
    "router/frontdoor.py": 520,  # the compiled socket shell: one C-level class
    "router/core.py": 700,  # the compiled hot path: one C-level class
    "shard/values/streams.py": 640,
}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_compiled(path: Path) -> bool:
    return "import cython" in path.read_text().splitlines()


def test_files_are_short():
    long = {}
    for path in sources():
        lines = len(path.read_text().splitlines())
        if lines > LONGER.get(named(path), LINES_MAX) and "command_table" not in path.parts:
            long[named(path)] = lines
    assert not long


def test_every_module_opens_with_what_it_is_for():
    bare = [named(path) for path in sources() if not path.read_text().startswith(('"""', "# cython"))]
    assert not [name for name in bare if (ROOT / name).stat().st_size]


def test_the_hot_path_is_compiled():
    hot = ["cluster/wire.py", "router/core.py", "router/frontdoor.py", "shard/engine.py", "shard/keyspace.py", "shard/loop.py"]
    assert [name for name in hot if not is_compiled(ROOT / name)] == []


def test_every_declaration_file_belongs_to_a_compiled_module():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.pxd"):
            source = path.with_suffix(".py")
            # csocket.pxd and its like declare C functions of the system and have no source.
            assert not source.exists() or is_compiled(source), named(path)


def test_compiled_modules_keep_to_their_layer():
    for path in sources():
        text = path.read_text()
        if named(path).startswith("router/"):
            assert not re.search(r"cython\.cimports\.shard|^(from|import) shard\b", text, re.M), named(path)
        if named(path).startswith("shard/"):
            assert not re.search(r"cython\.cimports\.router|^(from|import) router\b", text, re.M), named(path)


def test_nothing_is_left_to_do_later():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    found = [named(path) for path in sources() if marks.search(path.read_text())]
    assert not found


def test_layers_import_only_what_is_below_them():
    pytest.importorskip("importlinter.cli", reason="import-linter comes with the test extra")
    # A process of its own: it configures logging, and other tests of this process read logs.
    program = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stdout


def test_ci_runs_the_tests():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")]).returncode == 0
