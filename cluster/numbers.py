"""Numbers as Redis reads and writes them, compiled.

Integers are what Redis's own writer would have written: no sign `+`, no leading zeros, no
blanks, 64 bits signed. Doubles are what C's `strtod` takes, without a leading blank and
without nan. INCRBYFLOAT and HINCRBYFLOAT calculate in the C compiler's `long double`, so
that 0.1 + 0.2 gives 0.3; a Python float cannot carry those, so that sum is made here.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.errno import ERANGE, errno  # noqa: F401  ruff does not see `global errno`
from cython.cimports.libc.math import HUGE_VAL, isinf, isnan, signbit
from cython.cimports.libc.stdio import snprintf
from cython.cimports.libc.stdlib import strtod, strtold
from cython.cimports.libc.string import memcpy

from cluster import errors
from cluster.errors import CommandError

INT64_MIN = -(1 << 63)
INT64_MAX = (1 << 63) - 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def string_to_longlong(
    text: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, value: cython.pointer(cython.longlong)
) -> cython.bint:
    """Redis's string2ll: whether `text` is exactly the decimal of a signed 64-bit integer."""
    at: cython.Py_ssize_t = 0
    digit: cython.uint
    total: cython.ulonglong = 0
    limit: cython.ulonglong = cython.cast(cython.ulonglong, 1) << 63
    negative: cython.bint = False
    if size == 0 or size > 20:
        return False
    if size == 1 and text[0] == 48:
        value[0] = 0
        return True
    if text[0] == 45:
        negative = True
        at = 1
        if size == 1:
            return False
    if text[at] < 49 or text[at] > 57:
        return False
    if size - at > 19:
        return False
    while at < size:  # 19 digits always fit an unsigned 64-bit integer
        digit = cython.cast(cython.uint, text[at]) - 48
        if digit > 9:
            return False
        total = total * 10 + digit
        at += 1
    if negative:
        if total > limit:
            return False
        value[0] = cython.cast(cython.longlong, 0 - total)
    else:
        if total >= limit:
            return False
        value[0] = cython.cast(cython.longlong, total)
    return True


@cython.ccall
@cython.exceptval(-1, check=True)
def parse_int(raw: bytes) -> cython.longlong:
    """A signed 64-bit integer. CommandError NOT_INTEGER."""
    value: cython.longlong = 0
    if not string_to_longlong(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), cython.address(value)):
        raise errors.not_integer()
    return value


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def write_unsigned(to: cython.p_char, value: cython.ulonglong) -> cython.int:
    """An integer in decimal into 20 bytes; how many it took."""
    digits: cython.char[20]
    at: cython.int = 20
    while True:
        at -= 1
        digits[at] = cython.cast(cython.char, 48 + value % 10)
        value //= 10
        if value == 0:
            break
    memcpy(to, cython.address(digits[0]) + at, 20 - at)
    return 20 - at


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def write_longlong(to: cython.p_char, value: cython.longlong) -> cython.int:
    """Like `write_unsigned`, with a sign."""
    if value >= 0:
        return write_unsigned(to, cython.cast(cython.ulonglong, value))
    to[0] = 45
    return 1 + write_unsigned(to + 1, 0 - cython.cast(cython.ulonglong, value))


@cython.cfunc
def longlong_text(value: cython.longlong) -> bytes:
    """An integer in decimal."""
    digits: cython.char[20]
    count: cython.int = write_longlong(digits, value)
    return PyBytes_FromStringAndSize(digits, count)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def write_double(to: cython.p_char, value: cython.double) -> cython.int:
    """A double as Redis 7.0 prints it, 17 significant digits, `inf`, `-inf`, `nan`, into DOUBLE_ROOM bytes;
    how many it took."""
    whole: cython.longlong
    if isnan(value):  # printf may print a sign
        memcpy(to, b"nan", 3)
        return 3
    if -1e17 < value < 1e17:
        whole = cython.cast(cython.longlong, value)
        if value == whole and not (whole == 0 and signbit(value)):
            return write_longlong(to, whole)
    return snprintf(to, DOUBLE_ROOM, b"%.17g", value)


@cython.ccall
def format_double(value: cython.double) -> bytes:
    """The text of `write_double`."""
    text: cython.char[DOUBLE_ROOM]
    count: cython.int = write_double(text, value)
    return PyBytes_FromStringAndSize(text, count)


def try_int(raw) -> object:
    """A signed 64-bit integer, or None (`raw` is bytes or bytearray)."""
    value: cython.longlong = 0
    text: bytes = bytes(raw)
    if string_to_longlong(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), cython.address(value)):
        return value
    return None


def parse_range(raw: bytes, lowest: cython.longlong, highest: cython.longlong, text: str = "") -> cython.longlong:
    """An integer in lowest..highest. `text` is the error for anything else; without it
    Redis's own two texts."""
    value: cython.longlong = 0
    if not string_to_longlong(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), cython.address(value)):
        raise CommandError(text) if text else errors.not_integer()
    if value < lowest or value > highest:
        raise CommandError(text or f"ERR value is out of range, value must between {lowest} and {highest}")
    return value


def parse_positive(raw: bytes, text: str = errors.NOT_POSITIVE) -> cython.longlong:
    """An integer of 0 or more. CommandError `text`."""
    return parse_range(raw, 0, 9223372036854775807, text)


def try_double(raw) -> object:
    """A double (inf allowed, nan not) as Python float, or None."""
    text: bytes = bytes(raw)
    start: cython.p_char = PyBytes_AS_STRING(text)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(text)
    end: cython.p_char = cython.NULL
    value: cython.double
    global errno
    if size == 0 or _blank(start[0]):
        return None
    errno = 0
    value = strtod(start, cython.address(end))
    if end - start != size or isnan(value):
        return None
    if errno == ERANGE and (value == HUGE_VAL or value == -HUGE_VAL or value == 0):
        return None
    return value


def parse_double(raw, text: str = errors.NOT_FLOAT) -> object:
    """A double (inf allowed, nan not). CommandError `text`."""
    value = try_double(raw)
    if value is None:
        raise CommandError(text)
    return value


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _blank(char: cython.char) -> cython.bint:
    return char == 32 or 9 <= char <= 13


@cython.cfunc
@cython.exceptval(check=False)
def string_to_long_double(raw: bytes, value: cython.pointer(cython.longdouble)) -> cython.bint:
    """Redis's string2ld: whether `raw` is a long double that is not nan."""
    start: cython.p_char = PyBytes_AS_STRING(raw)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    end: cython.p_char = cython.NULL
    found: cython.longdouble
    global errno
    if size == 0 or size >= 5120 or _blank(start[0]):
        return False
    errno = 0
    found = strtold(start, cython.address(end))
    if end - start != size or found != found:
        return False
    if errno == ERANGE and (found == HUGE_VAL or found == -HUGE_VAL or found == 0):
        return False
    value[0] = found
    return True


@cython.cfunc
def long_double_text(value: cython.longdouble) -> bytes:
    """Decimal without exponent, 17 places at most, no trailing zeros (Redis's LD_STR_HUMAN)."""
    text: cython.char[5120]
    size: cython.Py_ssize_t
    size = snprintf(text, 5120, b"%.17Lf", value)
    if size < 0 or size >= 5120:
        raise CommandError(errors.NAN_OR_INF)
    while text[size - 1] == 48:
        size -= 1
    if text[size - 1] == 46:
        size -= 1
    if size == 2 and text[0] == 45 and text[1] == 48:
        return b"0"
    return PyBytes_FromStringAndSize(text, size)


def is_long_double(raw) -> bool:
    """Whether INCRBYFLOAT takes it as an operand."""
    value: cython.longdouble = 0
    return string_to_long_double(bytes(raw), cython.address(value))


def parse_long_double_text(raw, text: str = errors.NOT_FLOAT) -> bytes:
    """A long double in its written form. CommandError `text`."""
    return add_long_doubles(b"0", raw, text, text)


def add_long_doubles(
    current, increment, current_text: str = errors.NOT_FLOAT, increment_text: str = errors.NOT_FLOAT
) -> bytes:
    """current + increment in long double, in its written form.

    CommandError `current_text` or `increment_text` when one is no float, NAN_OR_INF when the
    sum is none. The increment is looked at first, as Redis does in HINCRBYFLOAT.
    """
    left: cython.longdouble = 0
    right: cython.longdouble = 0
    if not string_to_long_double(bytes(increment), cython.address(right)):
        raise CommandError(increment_text)
    if not string_to_long_double(bytes(current), cython.address(left)):
        raise CommandError(current_text)
    left += right
    if left != left or left - left != 0:
        raise CommandError(errors.NAN_OR_INF)
    return long_double_text(left)


def parse_timeout(raw: bytes, now: cython.longlong = 0) -> cython.longlong:
    """A blocking command's timeout in seconds (may have a fraction) as milliseconds."""
    value: cython.longdouble = 0
    whole: cython.longlong
    if not string_to_long_double(raw, cython.address(value)):
        raise CommandError(errors.TIMEOUT_NOT_FLOAT)
    value *= 1000
    if value >= 9.223372036854775807e18:
        raise CommandError(errors.TIMEOUT_RANGE)
    if value < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    whole = cython.cast(cython.longlong, value)
    if whole < value:
        whole += 1
    if whole > 9223372036854775807 - now:
        raise CommandError(errors.TIMEOUT_RANGE)
    return whole


def double_is_finite(value: cython.double) -> bool:
    """Neither inf nor nan."""
    return not isinf(value) and not isnan(value)


def parse_cursor(raw: bytes) -> int:
    """An unsigned 64-bit integer as C's strtoul reads it: nothing is 0, a sign is allowed.
    CommandError."""
    if not raw:
        return 0
    digits = raw[1:] if raw[0] in b"+-" else raw
    if not digits.isdigit() or len(digits) > 20 or int(digits) >> 64:
        raise CommandError(errors.INVALID_CURSOR)
    return -int(digits) & 0xFFFFFFFFFFFFFFFF if raw[0] == 45 else int(digits)
