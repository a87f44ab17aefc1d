"""Disks that are full, read-only or broken, for real processes: small file systems, and calls that fail when told to."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# Loaded before libc into the processes: fsync and write of files fail while the control file names them.
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int broken(const char *call, int fd) {
    char path[4096];
    struct stat about;
    if (fstat(fd, &about) || !S_ISREG(about.st_mode)) return 0;
    snprintf(path, sizeof path, "%s/%s", CONTROL, call);
    return access(path, F_OK) == 0;
}

int fsync(int fd) {
    if (broken("fsync", fd)) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

ssize_t write(int fd, const void *data, size_t size) {
    if (fd > 2 && broken("write", fd)) { errno = EROFS; return -1; }
    return ((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, data, size);
}
"""


@contextlib.contextmanager
def mounted(directory: Path, *words: str) -> Iterator[None]:
    """`mount WORDS... DIRECTORY`, undone at the end. Skips the test where that is not allowed."""
    done = subprocess.run(["mount", *words, str(directory)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


class Faults:
    """Makes calls fail for processes that are started with `LD_PRELOAD` set to `library`."""

    def __init__(self, directory: Path):
        self.control = directory / "faults"
        self.control.mkdir()
        source = directory / "faults.c"
        source.write_text(SOURCE)
        self.library = directory / "faults.so"
        command = [os.environ.get("CC", "cc").split()[-1], "-shared", "-fPIC", f'-DCONTROL="{self.control}"']
        subprocess.run([*command, "-o", str(self.library), str(source), "-ldl"], check=True, capture_output=True)

    @contextlib.contextmanager
    def failing(self, call: str) -> Iterator[None]:
        """`fsync` (EIO) or `write` (EROFS) of regular files fails meanwhile."""
        (self.control / call).touch()
        try:
            yield
        finally:
            (self.control / call).unlink()
