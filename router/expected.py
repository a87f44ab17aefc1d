"""What a link waits for: who gets the next reply, first in first out. Compiled.

A ring of (target, number) that doubles when it is full; it makes no Python objects, since every run of commands
passes it. The targets stand in a list, so that the cyclic collector sees them: whole routers come and go in a simulation.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc


@cython.cclass
class Expected:
    """Targets of replies, each with a number (the place in a client's ring)."""

    def __cinit__(self):
        self.mask = 63
        self.targets = [None] * 64
        self.numbers = cython.cast(cython.pointer(cython.ulonglong), PyMem_Malloc(64 * cython.sizeof(cython.ulonglong)))
        if self.numbers == cython.NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.numbers)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _grow(self) -> cython.int:
        size: cython.size_t = self.mask + 1
        i: cython.size_t
        larger: cython.pointer(cython.ulonglong) = cython.cast(
            cython.pointer(cython.ulonglong), PyMem_Malloc(2 * size * cython.sizeof(cython.ulonglong))
        )
        if larger == cython.NULL:
            raise MemoryError
        for i in range(size):
            larger[i] = self.numbers[(self.head + i) & self.mask]
        PyMem_Free(self.numbers)
        self.numbers = larger
        first: cython.size_t = self.head & self.mask
        self.targets = self.targets[first:] + self.targets[:first] + [None] * size
        self.head = 0
        self.tail = size
        self.mask = 2 * size - 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.boundscheck(False)
    @cython.wraparound(False)
    def push(self, target: object, number: cython.ulonglong) -> cython.int:
        """Another reply is to come."""
        if self.tail - self.head > self.mask:
            self._grow()
        self.targets[cython.cast(cython.Py_ssize_t, self.tail & self.mask)] = target
        self.numbers[self.tail & self.mask] = number
        self.tail += 1
        return 0

    @cython.cfunc
    @cython.boundscheck(False)
    @cython.wraparound(False)
    def pop(self) -> object:
        """The target of the reply that is here; its number is in `number`. IndexError when none was expected."""
        target: object
        at: cython.Py_ssize_t = self.head & self.mask
        if self.head == self.tail:
            raise IndexError("a reply that nobody waits for")
        target = self.targets[at]
        self.targets[at] = None
        self.number = self.numbers[at]
        self.head += 1
        return target

    def append(self, target, number: int):
        """`push`, for Python."""
        self.push(target, number)

    def take_all(self) -> list:
        """Everything that is waited for, [(target, number)]; nothing is any more."""
        found: list = []
        while self.head != self.tail:
            target = self.pop()
            found.append((target, self.number))
        return found

    def __len__(self):
        return self.tail - self.head
