"""Glob patterns as Redis matches them (KEYS, SCAN, PSUBSCRIBE, CONFIG GET), compiled.

`*` any run, `?` any byte, `[abc]`, `[^a]`, `[a-z]`, and a backslash that takes the meaning
away from what follows. One place to go back to (the last `*`) is enough, so a pattern costs at most
its length times the text's.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _lower(char: cython.uchar) -> cython.uchar:
    return char + 32 if 65 <= char <= 90 else char


@cython.cfunc
@cython.exceptval(check=False)
def _class(
    p: cython.pointer(cython.const[cython.uchar]),
    at: cython.pointer(cython.Py_ssize_t),
    size: cython.Py_ssize_t,
    char: cython.uchar,
    nocase: cython.bint,
) -> cython.bint:
    """Whether the class after `[` at p[at] takes `char`; `at` moves behind its `]`."""
    i: cython.Py_ssize_t = at[0]
    negated: cython.bint = i < size and p[i] == 94
    found: cython.bint = False
    low: cython.uchar
    high: cython.uchar
    if negated:
        i += 1
    if nocase:
        char = _lower(char)
    while i < size:
        if p[i] == 92 and i + 1 < size:
            i += 1
            low = p[i]
            high = low
        elif p[i] == 93:
            break
        elif i + 2 < size and p[i + 1] == 45:
            low = p[i]
            high = p[i + 2]
            i += 2
            if low > high:
                low, high = high, low
        else:
            low = p[i]
            high = low
        if nocase:
            low = _lower(low)
            high = _lower(high)
        if low <= char <= high:
            found = True
        i += 1
    at[0] = i + 1
    return found != negated


@cython.cfunc
@cython.exceptval(check=False)
def match_bytes(pattern: bytes, text: bytes, nocase: cython.bint) -> cython.bint:
    """Whether the whole text matches."""
    p: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(pattern)
    )
    s: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(text)
    )
    psize: cython.Py_ssize_t = PyBytes_GET_SIZE(pattern)
    ssize: cython.Py_ssize_t = PyBytes_GET_SIZE(text)
    i: cython.Py_ssize_t = 0
    j: cython.Py_ssize_t = 0
    star: cython.Py_ssize_t = -1
    resume: cython.Py_ssize_t = 0
    next_i: cython.Py_ssize_t
    taken: cython.bint
    while j < ssize:
        if i < psize and p[i] == 42:
            star = i
            resume = j
            i += 1
            continue
        taken = False
        next_i = i + 1
        if i < psize:
            if p[i] == 63:
                taken = True
            elif p[i] == 91:
                taken = _class(p, cython.address(next_i), psize, s[j], nocase)
            else:
                if p[i] == 92 and i + 1 < psize:
                    i += 1
                    next_i = i + 1
                taken = p[i] == s[j] or (nocase and _lower(p[i]) == _lower(s[j]))
        if taken:
            i = next_i
            j += 1
        elif star >= 0:
            resume += 1
            j = resume
            i = star + 1
        else:
            return False
    while i < psize and p[i] == 42:
        i += 1
    return i >= psize


def matches(pattern: bytes, text: bytes, nocase: bool = False) -> bool:
    """Whether the whole text matches the pattern."""
    return match_bytes(pattern, text, nocase)
