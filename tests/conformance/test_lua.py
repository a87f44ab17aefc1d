"""The same scripts on an engine and on a real redis-server give the same replies, byte for byte."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.wire import command, encoded
from elixircache import free_port
from shard.engine import Engine

SCRIPTS = [
    r"""getmetatable(_G).__index = nil""",
    r"""return pairs()""",
    r"""return pairs(nil)""",
    r"""return redis.call('XREAD', 'BLOCK', 0, 'STREAMS', 's', '$')""",
    r"""return redis.call('SELECT', 'x')""",
    r"""return redis.call('PING', 'a', 'b')""",
    r"""return load(string.dump(function() return 1 end))()""",
    r"""return load()""",
    r"""return redis.acl_check_cmd()""",
    r"""return redis.call('RANDOMKEY')""",
    r"""return redis.call('SCAN', 0)""",
    r"""return cjson.encode({1,2,{a=1.5},cjson.null,true,'x/y"\1\127'})""",
    r"""return cjson.encode({}) .. cjson.encode({[1]=1,[2]=2,[4]=3}) .. cjson.encode({[1.5]=1})""",
    r"""return cjson.encode(1e15) .. ' ' .. cjson.encode(0.1) .. cjson.encode(1/3) .. cjson.encode(-0.0)""",
    r"""return cjson.encode({[true]=1})""",
    r"""return cjson.encode(0/0)""",
    r"""local t={} for i=1,1100 do t={t} end return cjson.encode(t)""",
    r"""return cjson.decode('{"a":[1,2,null],"b":tru}')""",
    r"""return cjson.decode('')""",
    r"""return cjson.decode('{a:1}')""",
    r"""return cjson.decode('{"a" 1}')""",
    r"""return cjson.decode('"ab')""",
    r"""return cjson.decode('[1,]')""",
    r"""return cjson.decode('1 2')""",
    r"""return cjson.decode('{"a":1')""",
    r"""return cjson.decode(string.rep('[',1001)..string.rep(']',1001))""",
    r"""return {cjson.decode('"\\u00e9\\ud83d\\ude00\\n"'), tostring(cjson.decode('0x10')), tostring(cjson.decode('-15e1'))}""",
    r"""return cjson.decode('[[1,"a"],[],[true,false,3.7]]')""",
    r"""local t = cjson.decode('{"b":{"c":[1,2]},"n":null}') return {t.b.c, tostring(t.n), type(t.n), t.n == cjson.null}""",
    r"""return cmsgpack.pack({1,2,{a=1.5},true,'xx',300,70000,5000000000,-5,-70000,0.1,-128,-129,-40000})""",
    r"""return cmsgpack.pack({[1]=1,[3]=2})""",
    r"""return cmsgpack.pack({}, 1, 'a', nil, false)""",
    r"""return cmsgpack.pack(string.rep('x', 40)) .. cmsgpack.pack(string.rep('y', 300))""",
    r"""local t = {} for i=1,20 do t[i]=i end return cmsgpack.pack(t)""",
    r"""return cmsgpack.unpack(cmsgpack.pack({1,-2,300,-70000,'abc',{1,2,3},5000000000}))""",
    r"""return tostring(cmsgpack.unpack(cmsgpack.pack(0.1))) .. tostring(cmsgpack.unpack(cmsgpack.pack(1.5)))""",
    r"""return {cmsgpack.unpack_one('\1\2\3')}""",
    r"""return {cmsgpack.unpack_limit('\1\2\3', 2, 1)}""",
    r"""return {cmsgpack.unpack_one('\1\2\3', 9)}""",
    r"""return cmsgpack.unpack('\147\1')""",
    r"""return cmsgpack.unpack('\193')""",
    r"""return struct.pack('>I2hBs', 1, -2, 3, 'ab')""",
    r"""return struct.pack('<i4!8c3xbd', 1, 'abc', 3, 0.5)""",
    r"""return {struct.unpack('>I2hBs', struct.pack('>I2hBs', 1, -2, 3, 'ab'))}""",
    r"""return {struct.unpack('<I3', 'abcd', 2)}""",
    r"""return {struct.unpack('I4', 'abc')}""",
    r"""return {struct.unpack('bc0', '\3abcdef')}""",
    r"""return {struct.size('!4bi'), struct.size('bI8'), struct.size('fdlLTH')}""",
    r"""return struct.size('s')""",
    r"""return struct.pack('y', 1)""",
    r"""return struct.pack('c5', 'ab')""",
    r"""return struct.pack('i')""",
    r"""return struct.unpack('s','abc')""",
    r"""return {bit.band(0xff00ff, 0xf0f0), bit.bor(1,2,4), bit.bxor(255,15), bit.bnot(0), bit.lshift(1,31)}""",
    r"""return {bit.rshift(-1,28), bit.arshift(-256,4), bit.rol(0x12345678,8), bit.ror(0x12345678,8), bit.bswap(1)}""",
    r"""return {bit.tobit(2^33+5), bit.tobit(1.5), bit.tobit(2.5), bit.tobit(-1.5), bit.tohex(255,-4), bit.tohex(1,2)}""",
    r"""return bit.band()""",
    r"""return {1, 'a', {ok='x'}, {err='E y'}, {2, {3, false}}, true}""",
    r"""return redis.error_reply('no')""",
    r"""return {redis.call('set','k','v'), redis.call('get','k'), redis.call('get','none'), redis.call('mget','k','none')}""",
    r"""redis.call('set','k','v') local r = redis.pcall('incr','k') return r.err""",
    "redis.call('set','k','v')\nlocal x = 1\nreturn redis.call('incr','k')",
    r"""return pcall(redis.call, 'nosuch')""",
    r"""local ok, e = pcall(redis.call, 'nosuch') return {tostring(ok), type(e), e.err}""",
    r"""local t = {} for k in pairs(string) do t[#t+1] = k end table.sort(t) return t""",
    r"""setmetatable(_G, {}) return 1""",
    r"""local s = 0 for i, v in ipairs({1,2,3}) do s = s + v end return s""",
    r"""error({err='My own', a=1})""",
    r"""local function f() error('deep') end f()""",
    r"""return tostring(1e15) .. tostring(3.0) .. tostring(2^53)""",
    r"""return redis.call('echo', 12.5)""",
    r"""return {3.99, -3.99, 1e15, 0/0 ~= 0/0, 1/0 > 1}""",
    r"""return {1, nil, 3}""",
    r"""return {nil}""",
    r"""return {a=1, b=2}""",
    r"""return {{}, {{}}, ''}""",
    r"""return {redis.call('hgetall', 'no'), redis.call('lrange', 'no', 0, -1), redis.call('type', 'no')}""",
    r"""redis.setresp(3) redis.call('hset','h','f','v') local h = redis.call('hgetall','h') return {type(h.map), h.map.f}""",
    r"""redis.setresp(3) redis.call('sadd','s','m') local s = redis.call('smembers','s') return tostring(s.set.m)""",
    r"""redis.setresp(3) redis.call('zadd','z','1.5','m') return redis.call('zscore','z','m')""",
    r"""redis.setresp(3) return tostring(redis.call('get','none'))""",
    r"""return redis.setresp(1)""",
    r"""return redis.setresp()""",
    r"""return redis.sha1hex()""",
    r"""return redis.log('x')""",
    r"""return redis.status_reply(1)""",
    r"""return redis.error_reply({})""",
    r"""return tostring(redis.replicate_commands())""",
    r"""return redis.set_repl(redis.REPL_ALL)""",
    r"""return {redis.LOG_DEBUG, redis.LOG_WARNING, redis.REPL_NONE, redis.REPL_SLAVE, redis.REPL_ALL}""",
    r"""return type(loadfile)""",
    r"""return type(dofile)""",
    r"""return type(require)""",
    r"""return _G.x""",
    r"""_G.x = 1""",
    r"""x = 1""",
    r"""return os.time""",
    r"""local a = {} a.b.c = 1""",
    r"""return redis.pcall('set', 'k')""",
    r"""return redis.call('select', 99)""",
    r"""return tostring(redis.pcall('hset','k1','f').err)""",
    r"""return cjson.encode({[1]='a',[3]='c'})""",
    r"""return cjson.decode('{"a":[],"b":{}}').a""",
    r"""return cjson.encode(cjson.decode('[1.0,2.50,1e3,-0]'))""",
    r"""return {bit.tohex(-1), bit.bor(-1, 0), bit.band(1.9, 3)}""",
    r"""return {struct.unpack('>hhl', struct.pack('>hhl', 1, -1, 5))}""",
    "#!lua flags=no-writes\nreturn redis.call('set','k','v')",
    "#!lua flags=no-writes,allow-stale\nreturn 1",
    "#!lua flags=bad\nreturn 1",
    "#!lua name=x\nreturn 1",
    "#!python\nreturn 1",
    r"""return string.format('%5.2f|%q|%s', 3.14159, 'a', 'b')""",
    r"""local t = {3,1,2} table.sort(t, function(a, b) return a > b end) return t""",
    r"""return select('#', unpack({1,2,3}))""",
    r"""return {math.floor(-1.5), math.ceil(1.2), math.max(1,5,3), math.huge > 1 and 1 or 0}""",
]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    """A connection to a real redis-server of our own."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on this machine to compare with")
    port, directory = free_port(), tmp_path_factory.mktemp("redis")
    arguments = [
        binary,
        "--port",
        str(port),
        "--save",
        "",
        "--dir",
        str(directory),
        "--logfile",
        str(directory / "log"),
    ]
    process = subprocess.Popen(arguments)
    try:
        while "Ready to accept" not in (Path(directory / "log").read_text() if (directory / "log").exists() else ""):
            assert process.poll() is None
        with socket.create_connection(("127.0.0.1", port)) as connection:
            yield connection
    finally:
        process.terminate()
        process.wait()


def ask(connection: socket.socket, *args: bytes) -> bytes:
    """A reply as raw bytes; an ECHO behind the command marks its end."""
    connection.sendall(command(*args) + command(b"ECHO", b"the-end"))
    raw = b""
    while not raw.endswith(b"$7\r\nthe-end\r\n"):
        raw += connection.recv(65536)
    return raw[: -len(b"$7\r\nthe-end\r\n")]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_gives_what_it_gives_on_redis(oracle: socket.socket, script: str) -> None:
    ours = encoded(Engine().run([b"EVAL", script.encode("latin-1"), b"0"]))
    assert ours == ask(oracle, b"EVAL", script.encode("latin-1"), b"0")


LIBRARIES = [
    b"#!lua name=one\nredis.register_function('f', function(keys, args) return args[1] end)",
    b"#!lua name=two\n"
    + b"-- a comment that compresses well\n" * 40
    + b"redis.register_function('g', function() return 7 end)",
]


def test_function_dump_goes_from_us_to_redis_and_back(oracle: socket.socket) -> None:
    ours = Engine()
    for code in LIBRARIES:
        ours.run([b"FUNCTION", b"LOAD", code])
    assert ask(oracle, b"FUNCTION", b"RESTORE", ours.run([b"FUNCTION", b"DUMP"]), b"FLUSH") == b"+OK\r\n"
    assert ask(oracle, b"FCALL", b"f", b"0", b"x") == b"$1\r\nx\r\n"
    assert ask(oracle, b"FCALL", b"g", b"0") == b":7\r\n"
    raw = ask(oracle, b"FUNCTION", b"DUMP")
    payload = raw[raw.index(b"\r\n") + 2 : -2]
    other = Engine()
    assert other.run([b"FUNCTION", b"RESTORE", payload]) == b"OK"
    assert other.run([b"FCALL", b"g", b"0"]) == 7
    assert sorted(other.scripts.lua_libraries()) == sorted(LIBRARIES)
