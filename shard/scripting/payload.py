"""FUNCTION DUMP's payload: RDB function opcodes, then the RDB version and a CRC-64.

    0xF5 <length> <library code> ... <version, 2 bytes LE> <crc64, 8 bytes LE>

Codes are written as plain strings; LZF-compressed ones (as a real Redis writes them) are read.
Source: rdb.h and the DUMP format of Redis 7.
"""

from __future__ import annotations

from cluster.crc64 import crc64
from cluster.errors import CommandError

OPCODE_FUNCTION2 = 0xF5
RDB_VERSION = 10
DAMAGED = "ERR DUMP payload version or checksum are wrong"


def _length(size: int) -> bytes:
    if size < 64:
        return bytes([size])
    if size < 16384:
        return bytes([0x40 | size >> 8, size & 0xFF])
    return b"\x80" + size.to_bytes(4, "big")


def dump_libraries(codes: list[bytes]) -> bytes:
    """The payload of these library codes."""
    body = b"".join(bytes([OPCODE_FUNCTION2]) + _length(len(code)) + code for code in codes)
    body += RDB_VERSION.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")


def _read_length(data: bytes, at: int) -> tuple[int, int, bool]:
    """(length or encoding, next offset, whether it is an encoding)."""
    first = data[at]
    kind = first >> 6
    if kind == 0:
        return first, at + 1, False
    if kind == 1:
        return (first & 0x3F) << 8 | data[at + 1], at + 2, False
    if kind == 2:
        width = 8 if first == 0x81 else 4
        return int.from_bytes(data[at + 1 : at + 1 + width], "big"), at + 1 + width, False
    return first & 0x3F, at + 1, True


def lzf_decompress(data: bytes, size: int) -> bytes:
    """Undo LZF: control bytes below 32 start a run of literals, others a copy from behind."""
    out = bytearray()
    at = 0
    while at < len(data):
        control = data[at]
        at += 1
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[at]
            at += 1
        start = len(out) - ((control & 0x1F) << 8) - data[at] - 1
        at += 1
        for i in range(length + 2):
            out.append(out[start + i])
    if len(out) != size:
        raise ValueError("damaged compressed string")
    return bytes(out)


def parse_libraries(payload: bytes) -> list[bytes]:
    """The library codes in a payload. CommandError if it is damaged or too new."""
    if len(payload) < 10:
        raise CommandError(DAMAGED)
    body, crc = payload[:-8], int.from_bytes(payload[-8:], "little")
    if int.from_bytes(body[-2:], "little") > 11 or (crc and crc64(body) != crc):
        raise CommandError(DAMAGED)
    data = body[:-2]
    codes: list[bytes] = []
    at = 0
    try:
        while at < len(data):
            if data[at] != OPCODE_FUNCTION2:
                raise CommandError("ERR given type is not a function")
            size, at, encoded = _read_length(data, at + 1)
            if encoded:
                if size != 3:
                    raise ValueError("not a compressed string")
                packed, at, _ = _read_length(data, at)
                size, at, _ = _read_length(data, at)
                codes.append(lzf_decompress(data[at : at + packed], size))
                at += packed
            else:
                codes.append(data[at : at + size])
                at += size
    except (IndexError, ValueError):
        raise CommandError("ERR failed loading functions payload") from None
    return codes
