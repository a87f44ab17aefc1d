"""Python functions on one shard: calls, decoding, all or nothing, errors, storage."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import time
import types
import typing
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

import elixircache
from shard.scripting.foreign_code import HERE, is_own
from shard.scripting.python_calls import uses_whole_keyspace


def load(shard: Any, name: str, function: Any) -> Any:
    return shard.run("PY.LOAD", name, cloudpickle.dumps(function), "REPLACE")[0]


def reserve(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
    for key in keys:
        if int(db.get(key) or 0) < int(args[0]):
            raise ValueError("not enough of " + key.decode())
        db.decrby(key, int(args[0]))
    return [int(db.get(key)) for key in keys]


def test_a_call_runs_as_one_unit_and_its_effects_are_those_of_its_commands(shard):
    load(shard, "reserve", reserve)
    shard.run("MSET a 5 b 7")
    assert shard.run("PY.CALL reserve 2 a b 3") == ([2, 4], ["MULTI", "DECRBY a 3", "DECRBY b 3", "EXEC"])


def test_an_exception_leaves_nothing_half_done(shard):
    load(shard, "reserve", reserve)
    shard.run("SET a 5 PXAT 1800000000000")
    shard.run("SET b 1")
    reply, effects = shard.run("PY.CALL reserve 2 a b 3")
    assert reply.startswith("PYERR ValueError: not enough of b (reserve, line ")
    assert effects == []
    assert shard.reply("GET a") == b"5"
    assert shard.reply("GET b") == b"1"
    assert shard.engine.expire_at(b"a") == 1800000000000


def test_a_key_that_the_failed_call_made_is_gone(shard):
    def make(db: Any, keys: list[bytes], args: list[bytes]) -> None:
        db.set(keys[0], 1)
        raise RuntimeError("no")

    load(shard, "make", make)
    shard.reply("PY.CALL make 1 k")
    assert shard.reply("EXISTS k") == 0


def test_replies_are_decoded_as_redis_py_does(shard):
    def look(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
        assert db.set("s", "1", ex=100) is True
        assert db.get("none") is None
        assert db.mget("s", "none") == [b"1", None]
        assert db.execute("INCR", "n") == 1
        assert db.pipeline().incr("n").incr("n").execute() == [2, 3]
        return "ok"

    load(shard, "look", look)
    assert shard.reply("PY.CALL look 0") == "ok"


def test_an_error_reply_is_an_exception_that_the_function_can_catch(shard):
    def catch(db: Any, keys: list[bytes], args: list[bytes]) -> Any:
        db.set("word", "x")
        try:
            db.incr("word")
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    load(shard, "catch", catch)
    assert shard.reply("PY.CALL catch 0") == "ResponseError: ERR value is not an integer or out of range"


def test_a_read_only_call_cannot_write(shard):
    load(shard, "write", lambda db, keys, args: db.set("k", "v"))
    reply, effects = shard.run("PY.CALL_RO write 0")
    assert reply.startswith("PYERR ResponseError: ERR Write commands are not allowed from read-only scripts.")
    assert effects == []


def test_a_blob_of_another_python_says_which_made_it_and_which_runs(shard):
    blob = b'#!python {"python": "2.7"}\n' + cloudpickle.dumps(reserve)
    assert shard.reply("PY.LOAD", "old", blob) == (
        f"PYERR VersionError: the function was made by Python 2.7 and this server runs Python {HERE}"
    )
    assert shard.reply("PY.EVAL", b"rubbish", 0).startswith("PYERR UnpicklingError: ")


@pytest.mark.parametrize("version", [version for version in ("3.10", "3.12", "3.13") if version != HERE])
def test_bytecode_of_another_python_is_known_even_without_a_header_and_never_run(shard, version):
    """`lambda db, keys, args: db.get(keys[0])`, pickled by that Python."""
    blob = (Path(__file__).parent / "python_blobs" / f"{version}.pickle").read_bytes()
    for reply in (shard.reply("PY.EVAL", blob, 1, "k"), shard.reply("PY.LOAD", "f", blob)):
        assert reply.startswith(f"PYERR VersionError: the function was made by Python {version}")
        assert reply.endswith(f"and this server runs Python {HERE}")


def test_bytecode_of_this_python_is_taken_whatever_it_does():
    checked = 0
    for module in (argparse, asyncio.base_events, contextlib, dataclasses, json.decoder, typing):
        text = Path(module.__file__).read_text()
        waiting = [compile(text, module.__file__, "exec")]
        while waiting:
            code = waiting.pop()
            assert is_own(code.co_code), code
            waiting += [found for found in code.co_consts if isinstance(found, types.CodeType)]
            checked += 1
    assert checked > 500


def test_functions_are_listed_dumped_counted_and_deleted(shard):
    blob = elixircache.pack(reserve)
    assert shard.run("PY.LOAD", "r", blob, "DESCRIPTION", "takes")[0] == b"OK"
    assert shard.reply("PY.LOAD", "r", blob) == "ERR Function 'r' already exists"
    assert shard.reply("PY.DUMP", "r") == blob
    listed = shard.reply("PY.LIST")[0]
    assert listed[:6] == [b"name", b"r", b"description", b"takes", b"python", HERE.encode()]
    assert b"def reserve" in listed[7]
    shard.run("PY.CALL r 1 missing 1")
    assert shard.reply("PY.STATS")[0][:6] == [b"name", b"r", b"calls", 1, b"errors", 1]
    assert shard.reply("PY.DELETE r") == 1
    assert shard.reply("PY.CALL r 0") == "NOFUNCTION No Python function 'r'. Please use PY.LOAD."


def test_what_a_function_prints_goes_into_the_log(shard, caplog):
    caplog.set_level("INFO", "elixircache.python")
    load(shard, "say", lambda db, keys, args: print("hello", 5))
    shard.reply("PY.CALL say 0")
    assert "say: hello 5" in caplog.text


def test_a_runaway_function_is_ended_and_undone(shard):
    class Controls:
        def poll(self) -> bytes:
            return b"kill"

    def spin(db: Any, keys: list[bytes], args: list[bytes]) -> None:
        db.set("k", "v")
        while True:
            pass

    shard.engine.controls = Controls()
    load(shard, "spin", spin)
    started = time.monotonic()
    assert shard.reply("PY.CALL spin 0") == "PYERR Killed: the function was ended by PY.KILL"
    assert time.monotonic() - started < 5
    assert shard.reply("EXISTS k") == 0


def test_undoing_is_not_interrupted_however_long_it_takes(shard):
    class Controls:
        client = 0

        def poll(self) -> bytes:
            return b"kill" if len(shard.engine.dbs[0]) >= 30_000 else b""

    def fill(db: Any, keys: list[bytes], args: list[bytes]) -> None:
        for number in range(30_000):
            db.set(f"k{number}", 1)
        while True:
            pass

    shard.engine.controls = Controls()
    assert shard.reply("PY.EVAL", cloudpickle.dumps(fill), 0) == "PYERR Killed: the function was ended by PY.KILL"
    assert shard.reply("DBSIZE") == 0 and shard.effects() == []


def test_a_value_without_a_form_in_resp_is_an_error(shard):
    load(shard, "odd", lambda db, keys, args: object())
    assert shard.reply("PY.CALL odd 0").startswith("PYERR TypeError: a function cannot return a object")


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("def f(db, keys, args): return db.keys('*')", True),
        ("def f(db, keys, args): return [db.get(k) for k in db.scan_iter()]", True),
        ("def f(db, keys, args): return (lambda: db.keys())()", True),
        ("def f(db, keys, args): return db.execute('dbsize')", True),
        ("def f(db, keys, args): db.flushall()", True),
        ("def f(db, keys, args): return list({'a': 1}.keys())", False),
        ("def f(db, keys, args):\n x = dict(args)\n return [keys, x.keys()]", False),
        ("def f(db, keys, args): return db.execute('GET', 'keys')", True),  # too careful: slower, not wrong
        ("def f(db, keys, args): return db.hget(keys[0], 'keys')", False),
    ],
)
def test_calls_on_the_whole_keyspace_are_read_off_the_bytecode(source, uses):
    names = {}
    exec(source, names)
    assert uses_whole_keyspace(cloudpickle.dumps(names["f"])) is uses


def test_a_pickle_that_is_only_looked_at_runs_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    assert uses_whole_keyspace(cloudpickle.dumps([Evil(), {1: Evil()}])) is False
    assert uses_whole_keyspace(b"no pickle") is False
    assert not (tmp_path / "touched").exists()


def test_a_failed_call_brings_back_whole_databases(shard):
    def f(db, keys, args):
        db.set("a", 2)
        db.swapdb(0, 1)
        db.set("b", 1)
        db.flushall()
        db.set("c", 1)
        raise ValueError("no")

    shard.reply("SET a 1")
    shard.effects()
    reply, effects = shard.run("PY.EVAL", cloudpickle.dumps(f), 0)
    assert reply.startswith("PYERR ValueError: no") and effects == []
    assert (shard.reply("GET a"), shard.reply("DBSIZE")) == (b"1", 1)
    assert [db.size for db in shard.engine.dbs[:3]] == [1, 0, 0]
    assert not shard.engine.free_some()
    assert shard.reply("GET a") == b"1"
