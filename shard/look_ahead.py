"""What the batch loop knows of the commands behind the one that it runs. Compiled.

With many keys, or many elements of one, a command waits for memory longer than it computes. So while one is executed
the next are taken apart, and the memory that they will read is asked for in steps, each of which reads only what the
one before has asked for:

    15 ahead  the key's slot: its place in the list of tables        3  the collection that is the key's value
    12        the slot's table                                       2  where the element's hash leads in it
     8        the key's bucket                                       1  the element
     4        the key's item

The first commands of a message have nobody before them: each step is taken for all of them at once, so that they wait
for memory together. Without pipelining a message has some ten commands.

Nothing is decided here: keys and elements are looked up anew when their command is executed.
"""

import cython
from cython.cimports.cluster.wire import slot_of_bytes, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.cpython.list import PyList_GET_ITEM
from cython.cimports.cpython.ref import PyObject
from cython.cimports.libc.string import memcpy, memset
from cython.cimports.shard import slot_table
from cython.cimports.shard.direct import strings_of
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.entries import NOT_DIRECT, Entry
from cython.cimports.shard.key_hash import hash_of
from cython.cimports.shard.slot_table import SlotTable, elixir_prefetch, elixir_prefetch_place
from cython.cimports.shard.values.elements import Elements

AHEAD = cython.declare(cython.int, 15)
AHEAD_TABLE = cython.declare(cython.int, 12)
AHEAD_BUCKET = cython.declare(cython.int, 8)
AHEAD_ITEM = cython.declare(cython.int, 4)
AHEAD_VALUE = cython.declare(cython.int, 3)
# Larger commands are taken apart when their turn comes, so that copies of large values do not pile up.
AHEAD_SIZE = cython.declare(cython.uint, 4096)
# What is known of the value of a key: nothing; the object; that where the element leads has been asked for; that there
# is nothing more to ask for, as it is small and the command before reads it, too.
UNKNOWN = cython.declare(cython.int, 0)
NOTED = cython.declare(cython.int, 1)
ASKED = cython.declare(cython.int, 2)
HOT = cython.declare(cython.int, 3)
F_RESOLVE = cython.declare(cython.int, 16)


@cython.cclass
class LookAhead:
    """The commands ahead in one message, `done` of which have been executed."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.args = [None] * 16

    @cython.cfunc
    @cython.exceptval(check=False)
    def start(self, at: cython.Py_ssize_t) -> cython.void:
        """A message whose entries begin at an offset."""
        self.at = at
        self.count = self.done = 0
        memset(cython.address(self.offsets[0]), 0, cython.sizeof(self.offsets))
        memset(cython.address(self.states[0]), 0, cython.sizeof(self.states))

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def look(self, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """Go one command on."""
        table: cython.pointer(PyObject)
        first: cython.bint = self.count == 0
        while self.count < self.done + AHEAD and self.at + 12 <= size:
            self._take_apart(data)
        if first and self.count > 1:
            self._begin()
            return 0
        table = self._table(AHEAD_TABLE)
        if table != cython.NULL:
            elixir_prefetch(table)
        table = self._table(AHEAD_BUCKET)
        if table != cython.NULL:
            cython.cast(SlotTable, table).ask_bucket(self.hashes[(self.done + AHEAD_BUCKET) & 15])
        table = self._table(AHEAD_ITEM)
        if table != cython.NULL:
            cython.cast(SlotTable, table).ask_item(self.hashes[(self.done + AHEAD_ITEM) & 15])
        self._ask_place(2)
        self._ask_element(1)
        self._ask_value(AHEAD_VALUE)
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def _begin(self) -> cython.void:
        """All steps but the last for the first commands of a message, as far as they will not be taken in passing."""
        table: cython.pointer(PyObject)
        i: cython.int
        for i in range(AHEAD_TABLE + 1):
            table = self._table(i)
            if table != cython.NULL:
                elixir_prefetch(table)
        for i in range(AHEAD_BUCKET + 1):
            table = self._table(i)
            if table != cython.NULL:
                cython.cast(SlotTable, table).ask_bucket(self.hashes[(self.done + i) & 15])
        for i in range(AHEAD_ITEM + 1):
            table = self._table(i)
            if table != cython.NULL:
                cython.cast(SlotTable, table).ask_item(self.hashes[(self.done + i) & 15])
        for i in range(AHEAD_VALUE + 1):
            self._ask_value(i)
        for i in range(3):
            self._ask_place(i)
        for i in range(2):
            self._ask_element(i)

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    def _take_apart(self, data: cython.pointer(cython.const[cython.char])) -> cython.int:
        """Note the next command's arguments and where its key leads."""
        length: cython.uint = 0
        command: cython.ushort = 0
        place: cython.int = self.count & 15
        entry: Entry
        args: list
        key: bytes
        memcpy(cython.address(length), data + self.at, 4)
        memcpy(cython.address(command), data + self.at + 4, 2)
        entry = cython.cast(Entry, PyList_GET_ITEM(self.engine.entries, command))
        self.slots[place] = -1
        self.offsets[place] = 0
        self.kinds[place] = entry.direct
        self.members[place] = 0
        self.states[place] = UNKNOWN
        if entry.direct and not strings_of(
            entry.direct, data + self.at + 12, length, cython.address(self.strings[place])
        ):
            self.kinds[place] = NOT_DIRECT
        if self.kinds[place]:
            self.offsets[place] = self.at + 12
            self._note(place, self.strings[place].key, self.strings[place].key_size)
        elif entry.key_at and length <= AHEAD_SIZE and not data[self.at + 7] & F_RESOLVE:
            args = split_command(data + self.at + 12, length)
            self.args[place] = args
            self.offsets[place] = self.at + 12
            if len(args) > entry.key_at:
                key = args[entry.key_at]
                self._note(place, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
                if len(args) > entry.member_at:
                    self.members[place] = entry.member_at
        self.count += 1
        self.at += 12 + length
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _note(
        self, place: cython.int, key: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.void:
        """Note a key that is soon looked up, and ask for its slot's place in the list of tables."""
        self.hashes[place] = hash_of(key, size)
        self.slots[place] = slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), key), size)
        # A guess: of the database in use, as most clients use one.
        elixir_prefetch_place(self.engine.db.slots, self.slots[place])

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _table(self, ahead: cython.int) -> cython.pointer(PyObject):
        """The table of the slot of the command so many places ahead, NULL if there is none."""
        table: cython.pointer(PyObject)
        slot: cython.int
        if self.done + ahead >= self.count:
            return cython.NULL
        slot = self.slots[(self.done + ahead) & 15]
        if slot < 0:
            return cython.NULL
        table = PyList_GET_ITEM(self.engine.db.slots, slot)
        return cython.NULL if table == cython.cast(cython.pointer(PyObject), None) else table

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _ask_value(self, ahead: cython.int) -> cython.void:
        """Note the object that is the value of the key whose item is there now, and ask for it."""
        place: cython.int = (self.done + ahead) & 15
        before: cython.int = (place - 1) & 15
        table: cython.pointer(PyObject)
        key: bytes
        if self.done + ahead >= self.count or not self.members[place]:
            return
        self.releases[place] = slot_table.RELEASES
        if (
            self.states[before] != UNKNOWN
            and self.hashes[place] == self.hashes[before]
            and self.releases[before] == slot_table.RELEASES
        ):
            self.values[place] = self.values[before]
            self.states[place] = HOT if self.states[before] == HOT else NOTED
            return
        table = self._table(ahead)
        if table == cython.NULL:
            return
        key = cython.cast(bytes, PyList_GET_ITEM(cython.cast(list, self.args[place]), 1))
        self.values[place] = cython.cast(SlotTable, table).peek(
            PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), self.hashes[place]
        )
        if self.values[place] != cython.NULL:
            self.states[place] = NOTED
            elixir_prefetch(self.values[place])

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _ask_place(self, ahead: cython.int) -> cython.void:
        """Ask for what the hash of an element leads to. An object that a key has given up since it was noted may be gone."""
        place: cython.int = (self.done + ahead) & 15
        value: cython.pointer(PyObject)
        if self.states[place] == NOTED and self.done + ahead < self.count and self.releases[place] == slot_table.RELEASES:
            value = self.values[place]
            if isinstance(cython.cast(object, value), Elements) and cython.cast(Elements, value).ask(
                cython.cast(bytes, self._member(place)), 0
            ):
                self.states[place] = ASKED
            else:
                self.states[place] = HOT

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _ask_element(self, ahead: cython.int) -> cython.void:
        """Ask for the element itself."""
        place: cython.int = (self.done + ahead) & 15
        if self.states[place] == ASKED and self.done + ahead < self.count and self.releases[place] == slot_table.RELEASES:
            cython.cast(Elements, self.values[place]).ask(cython.cast(bytes, self._member(place)), 1)

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _member(self, place: cython.int) -> cython.pointer(PyObject):
        """The element's name among the arguments."""
        args: list = cython.cast(list, self.args[place])
        return PyList_GET_ITEM(args, self.members[place])
