"""The hash of keys, of which the slots' tables are made. Compiled."""

import cython
from cython.cimports.libc.string import memcpy

# Odd numbers with as many ones as zeros.
MIX_1 = cython.declare(cython.ulonglong, 0xA0761D6478BD642F)
MIX_2 = cython.declare(cython.ulonglong, 0xE7037ED1A0B428DB)
MIX_3 = cython.declare(cython.ulonglong, 0x8EBC6AF09C88C6E3)
SEED = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)


def seed(number: int):
    """Whoever knows the hash can choose keys that collide: a server draws a number (64 bits) before its first key.
    Without one the order of keys is the same in every process, as simulations want it."""
    global SEED
    SEED = number | 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def hash_of(key: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.uint:
    """A hash of 32 bits: 16 bytes a step, each folded into the product."""
    state: cython.ulonglong = SEED ^ cython.cast(cython.ulonglong, size)
    first: cython.ulonglong
    second: cython.ulonglong
    while size > 16:
        memcpy(cython.address(first), key, 8)
        memcpy(cython.address(second), key + 8, 8)
        state = elixir_fold(first ^ MIX_1, second ^ state)
        key += 16
        size -= 16
    first = second = 0
    if size > 8:
        memcpy(cython.address(first), key, 8)
        memcpy(cython.address(second), key + 8, size - 8)
    else:
        memcpy(cython.address(first), key, size)
    state = elixir_fold(first ^ MIX_2, second ^ state)
    state = elixir_fold(state ^ MIX_3, SEED)
    return cython.cast(cython.uint, state ^ (state >> 32))
