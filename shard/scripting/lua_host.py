"""Lua beside the data: one Lua 5.1 state for each shard, and the bridge between it and the engine.

What crosses the border is kept small: bytes and numbers pass as they are, arrays of a reply
become tables in one call, and a script's result comes back as one plain value or as RESP
bytes that Lua has put together itself. Compiled.
"""

import hashlib
import logging
import struct
from pathlib import Path

import cython
from cython.cimports.shard.scripting.context import Context
from lupa.lua51 import LuaError, LuaRuntime

from cluster.errors import CommandError
from cluster.numbers import format_double
from cluster.replies import NIL_ARRAY, MapReply, Raw, SetReply, Status, Verbatim
from shard.scripting import bit_operations
from shard.scripting.bytecode import without_tail_calls
from shard.scripting.resp_values import parse_reply

log = logging.getLogger("elixircache.script")
HERE = Path(__file__).parent
ARGUMENTS_ON_STACK = 200
REDIS_VERSION = "7.2.0"
REDIS_VERSION_NUM = 0x070200
LEVELS = (logging.DEBUG, logging.DEBUG, logging.INFO, logging.WARNING)

NO_ARGUMENTS = b"ERR Please specify at least one argument for this redis lib call"
BAD_ARGUMENT = b"ERR Lua redis lib command arguments must be strings or integers"
KILLED = b"ERR Error running script, Script killed by user with SCRIPT KILL."
KILLED_FUNCTION = b"ERR Error running script, Script killed by user with FUNCTION KILL."

# Tags that say what a value is to become in Lua (see `special` in sandbox.lua).
TAG_STATUS = 1
TAG_ERROR = 2
TAG_DOUBLE = 3
TAG_MAP = 4
TAG_SET = 5
TAG_VERBATIM = 6

LCG_FACTOR = cython.declare(cython.ulonglong, 0x5DEECE66D)  # POSIX lrand48
LCG_MASK = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFF)
_OK = cython.declare(tuple, (b"OK", TAG_STATUS))


def refuse_attributes(instance, name, is_setting):
    """Lua code never looks into a Python object."""
    raise AttributeError("not available")


@cython.cfunc
def number_text(number: object) -> bytes:
    """A Lua number as a command's argument: 17 significant digits."""
    if type(number) is int and -100000000000000000 < number < 100000000000000000:
        return b"%d" % number
    return b"%.17g" % float(number)


@cython.cclass
class LuaHost:
    """A shard's Lua state."""

    def __init__(self, engine, context):
        self.engine = engine
        self.context = context
        self.runtime = LuaRuntime(
            encoding=None,
            source_encoding="latin-1",
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=refuse_attributes,
        )
        self.table_from = self.runtime.table_from
        self.seed_state = 0x1234ABCD330E  # where drand48 starts when nobody seeds it
        bridge = self.table_from(
            {
                b"call": self.call,
                b"load": without_tail_calls,
                b"log": self.log,
                b"sha1hex": self.sha1hex,
                b"setresp": self.setresp,
                b"poll": self.poll,
                b"random": self.random,
                b"seed": self.seed,
                b"acl": self.acl,
            }
        )
        version = self.table_from({b"text": REDIS_VERSION.encode(), b"number": REDIS_VERSION_NUM})
        parts = self._source("sandbox.lua")(bridge, version)
        self.run_few, self.run_many, self.compile_text, self.load_text, install = parts
        helpers = self.table_from(
            {
                b"pack_double": lambda layout, number: struct.pack(layout.decode(), number),
                b"unpack_double": lambda layout, data, at: struct.unpack_from(layout.decode(), data, at)[0],
            }
        )
        install(b"cjson", self._source("cjson.lua")(helpers))
        install(b"cmsgpack", self._source("cmsgpack.lua")(helpers))
        install(b"struct", self._source("struct.lua")(helpers))
        operations = self.table_from({name.encode(): f for name, f in bit_operations.OPERATIONS.items()})
        install(b"bit", self._source("bit.lua")(operations))

    def _source(self, name):
        """One of our Lua files as a function."""
        return self.runtime.compile((HERE / name).read_bytes(), name=b"=[elixircache]", mode="t")

    # -- what Lua calls ------------------------------------------------------------------

    def call(self, *args):
        """redis.call and redis.pcall: the reply as Lua shall see it, see `to_lua`."""
        command: list = list(args)
        i: cython.Py_ssize_t
        if not command:
            return (NO_ARGUMENTS, TAG_ERROR)
        for i in range(len(command)):
            kind: object = type(command[i])
            if kind is not bytes:
                if kind is not int and kind is not float:
                    return (BAD_ARGUMENT, TAG_ERROR)
                command[i] = number_text(command[i])
        try:
            reply: object = self.context.execute(command)
        except CommandError as error:
            return (error.text.encode("utf-8", "surrogateescape"), TAG_ERROR)
        except Exception as error:
            log.exception("command in a script failed")
            return (f"ERR internal error: {type(error).__name__}: {error}".encode(), TAG_ERROR)
        kind = type(reply)
        if kind is bytes or kind is int:
            return reply
        if kind is Status and reply == b"OK":
            return _OK
        return self.to_lua(reply)

    @cython.cfunc
    def to_lua(self, reply: object) -> object:
        """A reply at top level: a plain value, or (value, tag)."""
        kind: object = type(reply)
        if kind is bytes or kind is int:
            return reply
        if reply is None or reply is NIL_ARRAY:
            # RESP3's null is nil, RESP2's is false.
            return None if self.context.resp >= 3 else False
        if kind is Status:
            return (bytes(reply), TAG_STATUS)
        if kind is list or kind is tuple:
            return self.array(reply)
        if kind is bool:
            return reply if self.context.resp >= 3 else int(reply)
        if kind is float:
            return (reply, TAG_DOUBLE) if self.context.resp >= 3 else format_double(reply)
        if kind is bytearray:
            return bytes(reply)
        if kind is str:
            return reply.encode()
        if kind is Verbatim:
            return (bytes(reply), TAG_VERBATIM) if self.context.resp >= 3 else bytes(reply)
        if kind is MapReply or kind is dict:
            flat: list = list(reply) if kind is MapReply else [part for pair in reply.items() for part in pair]
            if self.context.resp < 3:
                return self.array(flat)
            pairs = {self.element(flat[i]): self.element(flat[i + 1]) for i in range(0, len(flat), 2)}
            return (self.table_from(pairs), TAG_MAP)
        if kind is SetReply:
            if self.context.resp < 3:
                return self.array(list(reply))
            return (self.table_from({self.element(item): True for item in reply}), TAG_SET)
        if kind is Raw:
            return self.to_lua(parse_reply(bytes(reply)))
        if isinstance(reply, CommandError):
            return (reply.text.encode("utf-8", "surrogateescape"), TAG_ERROR)
        return self.array(list(reply))

    @cython.cfunc
    def element(self, reply: object) -> object:
        """A reply inside another one: a value that Lua can take as it is."""
        kind: object = type(reply)
        if kind is bytes or kind is int:
            return reply
        value: object = self.to_lua(reply)
        if type(value) is not tuple:
            return False if value is None else value
        inner, tag = value
        if tag == TAG_VERBATIM:
            return self.table_from({b"verbatim_string": self.table_from({b"string": inner, b"format": b"txt"})})
        names = {TAG_STATUS: b"ok", TAG_ERROR: b"err", TAG_DOUBLE: b"double", TAG_MAP: b"map", TAG_SET: b"set"}
        return self.table_from({names[tag]: inner})

    @cython.cfunc
    def array(self, reply: object) -> object:
        items: list = []
        for item in reply:
            items.append(item if type(item) is bytes else self.element(item))
        return self.table_from(items)

    def log(self, level, message):
        log.log(LEVELS[int(level)], "%s", message.decode("utf-8", "replace"))

    def sha1hex(self, text):
        return hashlib.sha1(text).hexdigest().encode()

    def setresp(self, version):
        self.context.resp = int(version)

    def poll(self):
        """Called by the count hook: b"" to go on, or the error that ends the script."""
        context: Context = self.context
        if context.kill is None:
            poll = getattr(self.engine.controls, "poll", None) or getattr(self.engine.worker, "poll", None)
            if poll is not None and poll() == b"kill" and not context.wrote:
                context.kill = True
        if context.kill:
            return KILLED_FUNCTION if context.kind == "function" else KILLED
        return b""

    def acl(self, *args):
        """redis.acl_check_cmd: (the command exists, it is allowed)."""
        try:
            self.context.resolve([arg if type(arg) is bytes else number_text(arg) for arg in args])
        except (CommandError, AttributeError, TypeError):
            return (False, False)
        return (True, True)

    @cython.cfunc
    def _seed(self, seed: cython.longlong) -> object:
        self.seed_state = (cython.cast(cython.ulonglong, cython.cast(cython.uint, seed)) << 16) + 0x330E
        return None

    def seed(self, number):
        """math.randomseed."""
        self._seed(int(number))

    def random(self):
        """The next number in [0, 1) of the 48-bit linear congruential generator (POSIX lrand48)."""
        self.seed_state = (self.seed_state * LCG_FACTOR + 0xB) & LCG_MASK
        return ((self.seed_state >> 17) % 2147483647) / 2147483647.0

    # -- what scripts.py calls -------------------------------------------------------------

    def compile(self, text: bytes):
        """An EVAL script as a Lua function. CommandError with Lua's complaint."""
        function = self.compile_text(text)
        if type(function) is tuple:
            problem = (function[1] or b"").decode("utf-8", "replace")
            raise CommandError(f"ERR Error compiling script (new function): {problem}")
        return function

    def load(self, text: bytes):
        """Run a library's top level: [(name, function, [flags], description), ...]. CommandError."""
        found = self.load_text(text)
        if found is None:
            raise CommandError("ERR No functions registered")
        if found[0] is None:
            problem = found[2].decode("utf-8", "replace")
            if found[1] == b"compiling":
                raise CommandError(f"ERR Error compiling function: {problem}")
            raise CommandError(f"ERR Error registering functions: {problem}")
        return [
            (found[i], found[i + 1], [flag.decode() for flag in found[i + 2].split(b",") if flag], found[i + 3])
            for i in range(0, len(found), 4)
        ]

    @cython.ccall
    def run(self, function: object, is_eval: cython.bint, nkeys: cython.Py_ssize_t, command: list) -> object:
        """Run a compiled script on keys and arguments: `command` from its fourth word on, `nkeys` of them keys."""
        resp: cython.int = self.engine.resp
        count: cython.Py_ssize_t = len(command) - 3
        try:
            if nkeys == 1 and count <= 2:  # most scripts: no tuple to be joined
                if count == 2:
                    result: object = self.run_few(function, is_eval, resp, 1, command[3], command[4])
                else:
                    result = self.run_few(function, is_eval, resp, 1, command[3])
            elif count <= ARGUMENTS_ON_STACK:
                result = self.run_few(function, is_eval, resp, nkeys, *command[3:])
            else:
                result = self.run_many(function, is_eval, resp, nkeys, self.table_from(command[3:]))
        except LuaError as error:
            text = str(error).split("\n")[0]
            raise CommandError(f"ERR Error running script {self.context.name.decode()}, {text}") from None
        kind: object = type(result)
        if kind is bytes or result is None or kind is int or kind is bool:
            return result if kind is not int else in_range(result)
        if kind is tuple:
            if result[0] == 1:
                return Raw(result[1])
            failed = CommandError(result[1].decode("utf-8", "surrogateescape"))
            if len(result) > 2 and result[2] is not None:
                source = result[2].decode("utf-8", "replace")
                failed = CommandError(f"{failed.text} script: {self.context.name.decode()}, on {source}:{int(result[3])}.")
                failed.counted = True  # by the command in the script that failed
            raise failed
        return in_range(result)


def in_range(number):
    """A Lua number as an integer reply: cut towards zero, as C casts it."""
    if number != number or not -9223372036854775808 <= number < 9223372036854775808:
        return -9223372036854775808
    return int(number)
