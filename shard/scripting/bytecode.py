"""Lua 5.1 bytecode, as far as it must be understood to turn tail calls into plain calls.

`return redis.call(...)` is a tail call. In Redis that calls a C function and the script's frame
stays on the stack, so an error knows its line. Here redis.call is a Lua function that would
replace the frame. OP_TAILCALL and OP_CALL have the same operands, so changing the opcode of each
is enough; what is lost is unbounded tail recursion (the limit is then that of plain calls).
Source of the format: ldump.c and lopcodes.h of Lua 5.1, for 64-bit little-endian builds.
"""

from __future__ import annotations

import struct

HEADER = b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"
OP_CALL, OP_TAILCALL = 28, 29
NIL, BOOLEAN, NUMBER, STRING = 0, 1, 3, 4


class _Patcher:
    def __init__(self, code: bytes) -> None:
        self.code = bytearray(code)
        self.at = len(HEADER)

    def integer(self) -> int:
        self.at += 4
        return struct.unpack_from("<i", self.code, self.at - 4)[0]

    def skip_string(self) -> None:
        (size,) = struct.unpack_from("<Q", self.code, self.at)
        self.at += 8 + size

    def function(self) -> None:
        self.skip_string()  # source
        self.at += 4 + 4 + 4  # first line, last line, four bytes of counts
        for _ in range(self.integer()):
            if self.code[self.at] & 0x3F == OP_TAILCALL:
                self.code[self.at] = self.code[self.at] & 0xC0 | OP_CALL
            self.at += 4
        for _ in range(self.integer()):
            kind = self.code[self.at]
            self.at += 1
            if kind == STRING:
                self.skip_string()
            else:
                self.at += {NIL: 0, BOOLEAN: 1, NUMBER: 8}[kind]
        for _ in range(self.integer()):
            self.function()
        count = self.integer()
        self.at += 4 * count  # lines
        for _ in range(self.integer()):
            self.skip_string()  # local variables
            self.at += 8
        for _ in range(self.integer()):
            self.skip_string()  # names of upvalues


def without_tail_calls(code: bytes) -> bytes:
    """The dumped function with plain calls in place of tail calls; as it is when the build of
    Lua lays its bytecode out in another way."""
    if not code.startswith(HEADER):
        return code
    patcher = _Patcher(code)
    patcher.function()
    return bytes(patcher.code)
