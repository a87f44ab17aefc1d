"""The lock on a data directory."""

import os
import subprocess
import sys

import pytest

from cluster.locks import DirectoryInUse, DirectoryLock


def test_a_second_instance_is_told_who_holds_the_directory(tmp_path):
    lock = DirectoryLock(tmp_path)
    with pytest.raises(DirectoryInUse, match=f"{tmp_path} is in use by process {os.getpid()}"):
        DirectoryLock(tmp_path)
    lock.release()


def test_a_released_directory_can_be_locked_again(tmp_path):
    DirectoryLock(tmp_path).release()
    lock = DirectoryLock(tmp_path)
    assert (tmp_path / "elixircache.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_lock_file_that_a_crash_left_behind_holds_nothing(tmp_path):
    (tmp_path / "elixircache.lock").write_text("999999999\n")
    DirectoryLock(tmp_path).release()


def test_a_child_that_outlives_its_supervisor_keeps_the_directory(tmp_path):
    lock = DirectoryLock(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.fileno(),))
    os.close(lock.fileno())
    (tmp_path / "elixircache.lock").write_text("999999999\n")
    with pytest.raises(DirectoryInUse):
        DirectoryLock(tmp_path, wait_s=0.2)
    child.communicate(b"\n")
    DirectoryLock(tmp_path).release()


def test_a_missing_directory_is_made(tmp_path):
    lock = DirectoryLock(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    lock.release()
