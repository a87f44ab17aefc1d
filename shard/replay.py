"""Applying a stream of effects to an engine: a journal's, unit by unit. Compiled."""

import cython
from cython.cimports.cluster.wire import command_end, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE

from cluster import records
from cluster.errors import CommandError


class DamagedStream(ValueError):
    """Bytes that are no command, or a command that cannot be applied. `offset` counts from the
    start of what was given."""

    def __init__(self, offset: int, reason: str):
        super().__init__(f"offset {offset}: {reason}")
        self.offset = offset
        self.reason = reason


def apply_command(engine, args: list) -> None:
    """Apply one command of a stream. CommandError if it cannot be applied.

    MULTI and EXEC only frame; an ECHO that carries a multi-shard record notes that the record
    has been applied here, another one that records up to some id have been applied everywhere.
    """
    name: bytes = args[0].upper()
    if name == b"SELECT":
        engine.select(int(args[1]))
    elif name == b"ECHO":
        if args[1].startswith(records.MAGIC):
            engine.records.add(args[1])
        elif args[1].startswith(records.DONE):
            engine.records.passed(records.done_id(args[1]))
        elif args[1].startswith(records.PLACE):
            records.noted_place(args[1])  # ValueError: the file is damaged
            engine.records.note = args[1]
    elif name not in (b"MULTI", b"EXEC", b"PING"):
        engine.records.note = None  # until the note behind it
        engine.apply(args)


def whole_units(data: bytes) -> int:
    """How many bytes at the start of `data` are whole commands and whole MULTI ... EXEC units.
    DamagedStream if something there is no command."""
    raw: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(data)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(data)
    at: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t = 0
    length: cython.Py_ssize_t
    inside: cython.bint = False
    while at < size:
        length = command_end(raw + at, size - at)
        if length == 0:
            break
        if length < 0:
            if not data[at:].strip(b"\0"):
                break  # a file system's zeros behind the last write before a power cut
            raise DamagedStream(at, "this is no command")
        # "*1\r\n$5\r\nMULTI\r\n" and "*1\r\n$4\r\nEXEC\r\n" are exactly what the engine writes.
        if length == 15 and data[at : at + 15].upper() == b"*1\r\n$5\r\nMULTI\r\n":
            inside = True
        elif length == 14 and data[at : at + 14].upper() == b"*1\r\n$4\r\nEXEC\r\n":
            inside = False
        at += length
        if not inside:
            end = at
    return end


def record_units(data: bytes, db: cython.int) -> tuple:
    """The multi-shard records in whole units, as `shard.stream.segments` wants them, and the database
    that is selected at the end. `db`: the one at the start."""
    raw: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(data)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(data)
    at: cython.Py_ssize_t = 0
    start: cython.Py_ssize_t = 0
    body: cython.Py_ssize_t = -1
    before: cython.int = db
    length: cython.Py_ssize_t
    units: list = []
    while at < size:
        length = command_end(raw + at, size - at)
        if length <= 0:
            raise DamagedStream(at, "this is no command")
        args: list = split_command(raw + at, length)
        name: bytes = args[0].upper()
        if name == b"MULTI":
            start, before, body = at, db, -1
        elif name == b"SELECT":
            db = int(args[1])
        elif name == b"ECHO" and args[1].startswith(records.MAGIC):
            body = at + length
        elif name == b"EXEC" and body >= 0:
            units.append((start, body, at, at + length, before, db))
            body = -1
        at += length
    return units, db


def replay(engine, data: bytes) -> int:
    """Apply the whole units at the start of `data`; how many bytes they are. DamagedStream."""
    end: cython.Py_ssize_t = whole_units(data)
    raw: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(data)
    at: cython.Py_ssize_t = 0
    length: cython.Py_ssize_t
    while at < end:
        length = command_end(raw + at, end - at)
        try:
            apply_command(engine, split_command(raw + at, length))
        except CommandError as error:
            raise DamagedStream(at, f"a command cannot be applied: {error.text}") from None
        except Exception as error:
            # Arguments that no router lets through: the bytes are damaged, whatever trips over them.
            raise DamagedStream(at, f"a command cannot be applied: {type(error).__name__}: {error}") from None
        at += length
    # What applying had for effects of its own is in the stream already.
    engine.unit = []
    engine.stream.clear()
    engine.units = []
    engine.changes = 0
    return end
