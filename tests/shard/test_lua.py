"""Lua scripts on one shard. The texts are those of a real server."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from cluster.wire import encoded


def run(shard: Any, script: str, *args: str | bytes | int, keys: int = 0) -> bytes:
    """The reply of EVAL as RESP2 bytes."""
    raw = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
    return encoded(shard.engine.run([b"EVAL", script.encode("latin-1"), b"%d" % keys, *raw]))


def sha(script: str) -> str:
    return hashlib.sha1(script.encode("latin-1")).hexdigest()


def test_keys_and_arguments_reach_the_script_and_its_commands_the_data(shard):
    assert run(shard, "return redis.call('set', KEYS[1], ARGV[1])", "k", "v", keys=1) == b"+OK\r\n"
    assert run(shard, "return redis.call('get', KEYS[1])", "k", keys=1) == b"$1\r\nv\r\n"
    assert run(shard, "return #ARGV", *range(1000)) == b":1000\r\n"


def test_effects_of_a_script_are_its_commands_as_one_unit(shard):
    script = "redis.call('set', KEYS[1], 1) redis.call('incr', KEYS[1]) return redis.call('get', KEYS[1])"
    assert shard.run("EVAL", script, 1, "k") == (b"2", ["MULTI", "set k 1", "incr k", "EXEC"])
    assert shard.run("EVAL", "return redis.call('get', KEYS[1])", 1, "k") == (b"2", [])


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ("return 3.99", b":3\r\n"),
        ("return -3.99", b":-3\r\n"),
        ("return 1e30", b":-9223372036854775808\r\n"),
        ("return true", b":1\r\n"),
        ("return false", b"$-1\r\n"),
        ("return nil", b"$-1\r\n"),
        ("return {1,2.7,-3.9,nil,4}", b"*3\r\n:1\r\n:2\r\n:-3\r\n"),
        ("return {true,false,'a',{ok='fine'},{err='bad'},{1,{2}}}",
         b"*6\r\n:1\r\n$-1\r\n$1\r\na\r\n+fine\r\n-bad\r\n*2\r\n:1\r\n*1\r\n:2\r\n"),
        ("return {double=3.5}", b"$3\r\n3.5\r\n"),
        ("return {map={a=1}}", b"*2\r\n$1\r\na\r\n:1\r\n"),
        ("return {set={a=true}}", b"*1\r\n$1\r\na\r\n"),
        ("return redis.status_reply('AB')", b"+AB\r\n"),
        ("return redis.error_reply('My Err')", b"-My Err\r\n"),
        ("return redis.error_reply('MYERR')", b"-ERR MYERR\r\n"),
        ("return redis.error_reply('-MYERR x')", b"-MYERR x\r\n"),
        ("return redis.sha1hex('')", b"$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709\r\n"),
        ("return redis.pcall('nosuch')", b"-ERR Unknown Redis command called from script\r\n"),
        ("return type(redis.call('get', 'missing'))", b"$7\r\nboolean\r\n"),
        ("redis.setresp(3) return type(redis.call('get', 'missing'))", b"$3\r\nnil\r\n"),
        ("redis.call('set','n',0.1) return redis.call('get','n')", b"$19\r\n0.10000000000000001\r\n"),
        ("return {math.random(1000), math.random(1000)}", b"*2\r\n:397\r\n:841\r\n"),
        ("return getmetatable('').__index == string", b":1\r\n"),
        ("return loadstring('return 3')()", b":3\r\n"),
        ("return loadstring(string.dump(function() return 1 end))", b"$-1\r\n"),
        ("return coroutine.wrap(function() return redis.call('ping') end)().ok", b"$4\r\nPONG\r\n"),
    ],
)  # fmt: skip
def test_values_become_replies_as_redis_converts_them(shard, script, reply):
    assert run(shard, script) == reply


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("return foo", "user_script:1: Script attempted to access nonexistent global variable 'foo'"),
        ("return print", "user_script:1: Script attempted to access nonexistent global variable 'print'"),
        ("return os", "user_script:1: Script attempted to access nonexistent global variable 'os'"),
        ("foo=1", "user_script:1: Attempt to modify a readonly table"),
        ("redis.call=1", "user_script:1: Attempt to modify a readonly table"),
        ("rawset(_G,'a',1)", "Attempt to modify a readonly table"),
        ("table.insert(string,1)", "Attempt to modify a readonly table"),
        ("return redis.call('nosuch')", "Unknown Redis command called from script"),
        ("return redis.call('get')", "Wrong number of args calling Redis command from script"),
        ("return redis.call()", "Please specify at least one argument for this redis lib call"),
        ("return redis.call('get', {})", "Lua redis lib command arguments must be strings or integers"),
        ("return redis.call('subscribe','a')", "This Redis command is not allowed from script"),
        ("error('boo')", "user_script:1: boo"),
        ("local x = nil; return x.y", "user_script:1: attempt to index local 'x' (a nil value)"),
        ("redis.setresp(4)", "RESP version must be 2 or 3."),
        ("redis.log(9,'a')", "Invalid debug level."),
        ("redis.set_repl(9)", "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE."),
        ("return cjson.decode('[1,2')",
         "user_script:1: Expected comma or array end but found T_END at character 5"),
        ("return cjson.encode({[1]=1,[2]=2,[20]=3})",
         "user_script:1: Cannot serialise table: excessively sparse array"),
        ("return bit.band('a')", "user_script:1: bad argument #1 to 'band' (number expected, got string)"),
        ("return struct.pack('i33', 1)", "user_script:1: integral size 33 is larger than limit of 32"),
        ("return cmsgpack.pack()", "user_script:1: bad argument #0 to 'pack' (MessagePack pack needs input.)"),
        ("return math.random(0)", "user_script:1: bad argument #1 to 'random' (interval is empty)"),
    ],
)  # fmt: skip
def test_errors_have_redis_texts_and_say_script_and_line(shard, script, text):
    assert run(shard, script).decode() == f"-ERR {text} script: {sha(script)}, on @user_script:1.\r\n"


def test_an_error_table_keeps_its_own_code(shard):
    script = "redis.call('set','k','x')\nreturn redis.call('pfcount','k')"
    text = "WRONGTYPE Key is not a valid HyperLogLog string value."
    assert run(shard, script).decode() == f"-{text} script: {sha(script)}, on @user_script:2.\r\n"


def test_a_script_that_does_not_compile_says_where(shard):
    text = "ERR Error compiling script (new function): user_script:1: '=' expected near '1'"
    assert shard.reply("EVAL", "retrn 1", 0) == text
    assert shard.reply("SCRIPT", "LOAD", "retrn 1") == text


def test_the_script_cache(shard):
    digest = shard.reply("SCRIPT", "LOAD", "return 7")
    assert digest == sha("return 7").encode()
    assert shard.reply("EVALSHA", digest, 0) == 7
    assert shard.reply("EVALSHA", digest.upper(), 0) == 7
    assert shard.reply("SCRIPT", "EXISTS", digest, "x") == [1, 0]
    assert shard.reply("SCRIPT", "FLUSH") == b"OK"
    assert shard.reply("EVALSHA", digest, 0) == "NOSCRIPT No matching script. Please use EVAL."


def test_numkeys_is_checked(shard):
    assert shard.reply("EVAL", "return 1", 3) == "ERR Number of keys can't be greater than number of args"
    assert shard.reply("EVAL", "return 1", -1) == "ERR Number of keys can't be negative"
    assert shard.reply("EVAL", "return 1", "a") == "ERR value is not an integer or out of range"


def test_evalsha_checks_numkeys_before_it_looks_for_what_may_be_a_sha1(shard):
    for name in ("EVALSHA", "EVALSHA_RO"):
        assert shard.reply(name, "0" * 40, 3) == "ERR Number of keys can't be greater than number of args"
        assert shard.reply(name, "0" * 40, "a") == "ERR value is not an integer or out of range"
        assert shard.reply(name, "0" * 39, "a") == "NOSCRIPT No matching script. Please use EVAL."


def test_read_only_scripts_cannot_write(shard):
    script = "return redis.call('set','a',1)"
    text = "ERR Write commands are not allowed from read-only scripts."
    assert shard.run("EVAL_RO", script, 0) == (f"{text} script: {sha(script)}, on @user_script:1.", [])
    script = "#!lua flags=no-writes\nreturn redis.call('set','a',1)"
    assert shard.run("EVAL", script, 0) == (f"{text} script: {sha(script)}, on @user_script:2.", [])


def test_shebang_lines_are_checked(shard):
    assert shard.reply("EVAL", "#!lua flags=nope\nreturn 1", 0) == "ERR Unexpected flag in script shebang: nope"
    assert shard.reply("EVAL", "#!lux\nreturn 1", 0) == "ERR Unexpected engine in script shebang: #!lux"
    assert shard.reply("EVAL", "#!lua foo=1\nreturn 1", 0) == "ERR Unknown lua shebang option: foo=1"
    assert shard.reply("EVAL", "#!lua", 0) == "ERR Invalid script shebang"


@pytest.mark.parametrize("name", ["SHARD.INFO", "shard.swapdb", "SHARD.LOAD", "SHARD.COMMIT"])
def test_what_routers_say_to_shards_is_unknown_to_scripts(shard, name):
    reply = shard.reply("EVAL", f"return redis.call('{name}', 0, 1)", 0)
    assert reply.startswith("ERR Unknown Redis command called from script script: ")


def test_commands_on_the_whole_keyspace_run_where_one_shard_has_it_all(shard):
    shard.reply("SET k v")
    assert shard.reply("EVAL", "return redis.call('RANDOMKEY')", 0) == b"k"
    assert (
        shard.reply("EVAL", "return redis.call('SCAN', 0, 'MATCH', 'k*')", 0) == b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"
    )
    shard.reply("EVAL", "return redis.call('SWAPDB', 0, 1)", 0)
    assert shard.reply("EXISTS k") == 0


@pytest.mark.parametrize("command", ["'RANDOMKEY'", "'SCAN', 0", "'SWAPDB', 0, 1", "'DBSIZE'", "'FLUSHALL'"])
def test_commands_on_the_whole_keyspace_are_refused_where_a_shard_runs_a_script_by_itself(shard, command):
    shard.engine.worker_shards = 2
    reply = shard.reply("EVAL", f"return redis.call({command})", 0)
    assert reply.startswith("ERR this command concerns every shard, and the script's text does not show that it is called")


def test_a_key_of_another_shard_is_named(shard):
    shard.engine.owns = lambda key: key != b"far"
    reply = shard.reply("EVAL", "return redis.call('get', 'far')", 0)
    assert reply.startswith("ERR key 'far' was not declared and lives on another shard; declare it among the keys")
    assert shard.reply("EVAL", "return redis.call('get', 'near')", 0) is None


def test_a_script_is_ended_when_the_shard_is_told_to_even_if_it_catches_errors(shard):
    class Controls:
        def poll(self) -> bytes:
            return b"kill"

    shard.engine.controls = Controls()
    reply = shard.reply("EVAL", "while true do pcall(function() while true do end end) end", 0)
    assert reply.startswith("ERR Error running script, Script killed by user with SCRIPT KILL.")
    shard.engine.controls = None
    assert shard.reply("EVAL", "return 1", 0) == 1


def test_a_scripts_select_does_not_outlive_it(shard):
    shard.reply("EVAL", "redis.call('select', 3) redis.call('set', 'k', 'v')", 0)
    assert shard.run("GET k")[0] is None
    assert shard.engine.run([b"GET", b"k"], 3) == b"v"


def test_libraries_are_loaded_called_listed_and_restored(shard):
    code = (
        "#!lua name=lib\n"
        "redis.register_function('f', function(keys, args) return redis.call('set', keys[1], args[1]) end)\n"
        "redis.register_function{function_name='g', "
        "callback=function() return 5 end, flags={'no-writes'}, description='d'}"
    )
    assert shard.run("FUNCTION", "LOAD", code)[0] == b"lib"
    assert shard.run("FCALL f 1 k v") == (b"+OK\r\n", ["set k v"])
    assert shard.reply("FCALL_RO g 0") == 5
    assert shard.reply("FCALL_RO f 0") == "ERR Can not execute a script with write flag using *_ro command."
    assert shard.reply("FUNCTION", "LOAD", code) == "ERR Library 'lib' already exists"
    assert shard.reply("FUNCTION", "LIST") == [
        [b"library_name", b"lib", b"engine", b"LUA", b"functions", [
            [b"name", b"f", b"description", None, b"flags", []],
            [b"name", b"g", b"description", b"d", b"flags", [b"no-writes"]],
        ]]
    ]  # fmt: skip
    payload = shard.reply("FUNCTION", "DUMP")
    assert shard.reply("FCALL G 0") == 5  # in any case of letters, as in Redis
    assert shard.reply("FUNCTION", "LOAD", code.replace("lib", "LIB", 1)) == "ERR Function f already exists"
    assert shard.reply("FUNCTION", "RESTORE", payload) == "ERR Library lib already exists"
    assert shard.reply("FUNCTION DELETE Lib") == "ERR Library not found"  # their names are not
    assert shard.run("FUNCTION DELETE lib") == (b"OK", ["FUNCTION DELETE lib"])
    assert shard.reply("FCALL g 0") == "ERR Function not found"
    assert shard.reply("FUNCTION", "RESTORE", payload) == b"OK"
    assert shard.reply("FCALL g 0") == 5
    assert shard.reply("FUNCTION", "RESTORE", payload[:-1] + b"?") == "ERR DUMP payload version or checksum are wrong"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("return 1", "ERR No functions registered"),
        ("redis.call('get','x')",
         "ERR Error registering functions: ERR user_function:2: "
         "Script attempted to access nonexistent global variable 'call'"),
        ("redis.register_function('a-b', function() end)",
         "ERR Error registering functions: ERR Library names can only contain letters, numbers, or underscores(_) "
         "and must be at least one character long"),
        ("redis.register_function('x', 1)",
         "ERR Error registering functions: ERR second argument to redis.register_function must be a function"),
        ("retrn foo", "ERR Error compiling function: user_function:2: '=' expected near 'foo'"),
    ],
)  # fmt: skip
def test_a_faulty_library_is_refused_and_leaves_nothing(shard, body, text):
    assert shard.run("FUNCTION", "LOAD", "#!lua name=lib\n" + body) == (text, [])
    assert shard.reply("FUNCTION", "LIST") == []
