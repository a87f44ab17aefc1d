"""The command table as transactions and commands with many keys read it: a row of numbers for each command. Compiled.

kind: what a command is to `router/multi.py`. first, last, step: where its keys stand. home: where it runs when its keys lie
on several shards and feed each other. merge: how the replies of its parts are joined (router/gather.py). blind: it reads only its first key.
"""

import cython
from cython.cimports.cluster.wire import read_number, slot_of_bytes
from cython.cimports.router.connection import Conn
from cython.cimports.router.core import Core

from cluster.command_table import BY_ID
from cluster.command_table.model import At, F, Merge, Range, Spread
from router.placement import stores_first

KINDS = cython.declare(Kind[2048])


def _fill():
    merges = {Merge.SUM: 1, Merge.SCATTER: 2, Merge.ALL_OK: 3}
    named = {"MULTI": BEGIN, "EXEC": COMMIT, "WATCH": OBSERVE}
    kind: cython.pointer(Kind)
    for row in BY_ID:
        kind = cython.address(KINDS[cython.cast(cython.int, row.id)])
        kind.kind = named.get(row.name, OTHER)
        kind.home = NOWHERE
        kind.arity = row.arity
        kind.write = bool(row.flags & F.WRITE) or not row.flags & F.READONLY
        kind.merge = merges.get(row.merge, 0)
        if (
            row.at is At.SHARD
            and isinstance(row.keys, Range)
            and row.spread is not Spread.ALL
            and "|" not in row.name
            and not row.container
            and not row.flags & (F.NO_MULTI | F.INTERNAL | F.BLOCKING)
            and row.group not in ("scripting", "python")
        ):
            kind.first, kind.last, kind.step = row.keys.first, row.keys.last, row.keys.step
            splits = row.spread is Spread.SPLIT and kind.merge and kind.first == 1 and kind.last == -1
            kind.kind = SPLIT if splits else KEYED
            if row.spread is Spread.ONE and row.name not in ("COPY", "MOVE"):  # those reach into other databases
                kind.home = AT_FIRST if stores_first(row) else AT_MOST
                kind.blind = row.name == "RENAME"


_fill()


@cython.cfunc
@cython.exceptval(check=False)
def kind_of(command: cython.int) -> cython.pointer(Kind):
    """The row of a command's number."""
    return cython.address(KINDS[command])


@cython.cfunc
@cython.exceptval(check=False)
def one_of(core: Core, conn: Conn, at: cython.int, data: cython.pointer(cython.const[cython.char])) -> cython.int:
    """The shard of one of the first four words of the command that a client's scanner has just found."""
    key: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), data + conn.arg_at[at]
    )
    return core.owner[slot_of_bytes(key, conn.arg_size[at])]


@cython.cfunc
@cython.exceptval(check=False)
def one_shard(
    core: Core,
    kind: cython.pointer(Kind),
    conn: Conn,
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.int:
    """The shard of the keys of the command that a client's scanner has just found, -1 if they lie on several."""
    argc: cython.Py_ssize_t = conn.scan_argc
    if kind.first == kind.last and 0 < kind.first < 4:
        return one_of(core, conn, kind.first, data)
    last: cython.Py_ssize_t = kind.last if kind.last >= 0 else argc + kind.last
    at: cython.Py_ssize_t = 1
    length: cython.Py_ssize_t
    i: cython.Py_ssize_t
    shard: cython.int = -1
    owner: cython.int
    read_number(data, size, cython.address(at))
    for i in range(argc):
        if i > last:
            break
        at += 1
        length = read_number(data, size, cython.address(at))
        if i >= kind.first and (i - kind.first) % kind.step == 0:
            owner = core.owner[
                slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), data + at), length)
            ]
            if shard >= 0 and owner != shard:
                return -1
            shard = owner
        at += length + 2
    return shard if shard >= 0 else 0
