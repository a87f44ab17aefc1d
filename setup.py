"""Builds the compiled data path. Every module that imports cython is compiled."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).parent
JOBS = int(os.environ.get("ELIXIRCACHE_BUILD_JOBS", os.cpu_count() or 1))
PACKAGES = ("cluster", "shard", "router", "cli")


def compiled_sources() -> list[str]:
    """Sources of the packages that import cython, or C declarations from it, at the top level."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            lines = path.read_text().splitlines()
            if any(line == "import cython" or line.startswith("from cython.cimports") for line in lines):
                found.append(str(path.relative_to(ROOT)))
    return found


def extension(source: str) -> Extension:
    name = source.removesuffix(".py").replace("/", ".")
    # Debug information (Python's own flags ask for it) is a quarter of the compiler's time.
    flags = ["-O2", "-g0", "-fno-strict-aliasing", "-Wno-unreachable-code"]
    return Extension(name, [source], extra_compile_args=os.environ.get("ELIXIRCACHE_CFLAGS", "").split() or flags)


setup(
    # Each module is a compiler run of its own.
    options={"build_ext": {"parallel": JOBS}},
    # `make` installs first and compiles afterwards, incrementally; pip alone would throw its objects away.
    ext_modules=[]
    if os.environ.get("ELIXIRCACHE_COMPILE") == "later"
    else cythonize(
        [extension(source) for source in compiled_sources()],
        build_dir="build/cython",
        nthreads=JOBS,
        compiler_directives={
            "language_level": "3",
            "cdivision": True,
            "binding": True,
            "embedsignature": False,
        },
    )
)
