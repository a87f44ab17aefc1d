"""What a link waits for: who gets the next reply, first in first out. Compiled.

A ring of (target, number) that doubles when it is full; it makes no Python objects, since every run of commands
passes it. Invariant: targets between head and tail are owned by the ring.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc
from cython.cimports.cpython.ref import Py_DECREF, Py_INCREF, PyObject


@cython.cclass
class Expected:
    """Targets of replies, each with a number (the place in a client's ring)."""

    def __cinit__(self):
        self.mask = 63
        self.places = cython.cast(cython.pointer(Place), PyMem_Malloc(64 * cython.sizeof(Place)))
        if self.places == cython.NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.places != cython.NULL:
            while self.head != self.tail:
                self.pop()
            PyMem_Free(self.places)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def push(self, target: object, number: cython.ulonglong) -> cython.int:
        """Another reply is to come."""
        larger: cython.pointer(Place)
        i: cython.size_t
        if self.tail - self.head > self.mask:
            larger = cython.cast(cython.pointer(Place), PyMem_Malloc(2 * (self.mask + 1) * cython.sizeof(Place)))
            if larger == cython.NULL:
                raise MemoryError
            for i in range(self.mask + 1):
                larger[i] = self.places[(self.head + i) & self.mask]
            PyMem_Free(self.places)
            self.places = larger
            self.head = 0
            self.tail = self.mask + 1
            self.mask = 2 * self.mask + 1
        Py_INCREF(target)
        self.places[self.tail & self.mask].target = cython.cast(cython.pointer(PyObject), target)
        self.places[self.tail & self.mask].number = number
        self.tail += 1
        return 0

    @cython.cfunc
    def pop(self) -> object:
        """The target of the reply that is here; its number is in `number`. IndexError when none was expected."""
        target: object
        if self.head == self.tail:
            raise IndexError("a reply that nobody waits for")
        target = cython.cast(object, self.places[self.head & self.mask].target)
        self.number = self.places[self.head & self.mask].number
        self.head += 1
        Py_DECREF(target)
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
