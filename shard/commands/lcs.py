"""LCS: the longest common subsequence of two strings. Compiled."""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING
from cython.cimports.libc.stdint import uint32_t
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.shard.engine import Engine

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int
from cluster.replies import MapReply
from shard.registry import handles


@handles("LCS")
def lcs(engine: Engine, args: list):
    """LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]"""
    strings = []
    for key in args[1:3]:
        value = engine.lookup(key)
        if value is not None and not isinstance(value, (bytes, bytearray)):
            raise CommandError(errors.LCS_NOT_STRINGS)
        strings.append(b"" if value is None else bytes(value))
    want_len, want_idx, with_len, shortest = False, False, False, 0
    at = 3
    while at < len(args):
        option = args[at].upper()
        if option == b"IDX":
            want_idx = True
        elif option == b"LEN":
            want_len = True
        elif option == b"WITHMATCHLEN":
            with_len = True
        elif option == b"MINMATCHLEN" and at + 1 < len(args):
            at += 1
            shortest = max(parse_int(args[at]), 0)
        else:
            raise errors.syntax_error()
        at += 1
    if want_idx and want_len:
        raise CommandError(errors.LCS_BOTH)
    length, common, matches = _solve(strings[0], strings[1], not want_len)
    if want_len:
        return length
    if not want_idx:
        return common
    shown = []
    for a_start, a_end, b_start, b_end in matches:
        size = a_end - a_start + 1
        if size >= shortest:
            shown.append([[a_start, a_end], [b_start, b_end]] + ([size] if with_len else []))
    return MapReply([b"matches", shown, b"len", length])


@cython.cfunc
def _solve(a: bytes, b: bytes, trace: cython.bint) -> tuple:
    """(length, the subsequence, matching ranges from the end) by dynamic programming."""
    rows: cython.size_t = len(a) + 1
    width: cython.size_t = len(b) + 1
    i: cython.size_t
    j: cython.size_t
    up: uint32_t
    left: uint32_t
    pa: cython.p_char = PyBytes_AS_STRING(a)
    pb: cython.p_char = PyBytes_AS_STRING(b)
    if rows * width > 1 << 30:
        raise CommandError(errors.LCS_MEMORY)
    table: cython.pointer(uint32_t) = cython.cast(cython.pointer(uint32_t), malloc(rows * width * 4))
    if table == cython.NULL:
        raise CommandError(errors.LCS_MEMORY)
    try:
        for i in range(rows):
            for j in range(width):
                if i == 0 or j == 0:
                    table[i * width + j] = 0
                elif pa[i - 1] == pb[j - 1]:
                    table[i * width + j] = table[(i - 1) * width + j - 1] + 1
                else:
                    up = table[(i - 1) * width + j]
                    left = table[i * width + j - 1]
                    table[i * width + j] = up if up > left else left
        length: uint32_t = table[rows * width - 1]
        if not trace:
            return length, b"", []
        common: bytearray = bytearray()
        matches: list = []
        a_end: cython.Py_ssize_t = -1  # the open range, backwards; -1 when there is none
        b_end: cython.Py_ssize_t = -1
        i = rows - 1
        j = width - 1
        while i > 0 and j > 0:
            if pa[i - 1] == pb[j - 1]:
                common.append(cython.cast(cython.uchar, pa[i - 1]))
                if a_end < 0:
                    a_end = i - 1
                    b_end = j - 1
                i -= 1
                j -= 1
                continue
            if a_end >= 0:
                matches.append((i, a_end, j, b_end))
                a_end = -1
            if table[(i - 1) * width + j] > table[i * width + j - 1]:
                i -= 1
            else:
                j -= 1
        if a_end >= 0:
            matches.append((i, a_end, j, b_end))
        common.reverse()
        return length, bytes(common), matches
    finally:
        free(table)
