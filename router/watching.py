"""What shards are told of a client's WATCH, and when it is over (router/watched.py). Compiled."""

import cython
from cython.cimports.cluster.wire import Buffer, encode_command
from cython.cimports.router.connection import Conn, Link, Parts
from cython.cimports.router.core import Core
from cython.cimports.router.gather import put
from cython.cimports.router.watched import Watch

from cluster.command_table import TABLE
from router.watched import Watch as _Watch

WATCH = cython.declare(cython.int, TABLE["SHARD.WATCH"].id)
UNWATCH = cython.declare(cython.int, TABLE["SHARD.UNWATCH"].id)
IGNORED = cython.declare(Parts, Parts())  # nobody waits for this answer


@cython.cfunc
@cython.exceptval(-1, check=True)
def watch_more(core: Core, conn: Conn, words: list) -> cython.bint:
    """Note the keys of a WATCH, which the shards are to be told of; False if one of them is away."""
    i: cython.Py_ssize_t
    for i in range(1, len(words)):
        if not cython.cast(Link, core.links[core.shard_of(words[i])]).up:
            return False
    if conn.watch is None:
        conn.watch = _Watch()
    watch: Watch = conn.watch
    for i in range(1, len(words)):
        watch.untold.append((conn.db, words[i]))
    return True


@cython.ccall
@cython.exceptval(-1, check=True)
def tell_shards(core: Core, conn: Conn, watch: Watch) -> cython.int:
    """Tell each shard which of its keys are watched now. A shard that is away breaks the watch."""
    by_db: dict = {}
    shard: cython.int
    db: cython.int
    for place in watch.untold:
        shard = core.shard_of(place[1])
        by_db.setdefault((shard, place[0]), [b"SHARD.WATCH", b"%d" % conn.id]).append(place[1])
        watch.places.add(place)
    watch.untold.clear()
    core.watches.begin(watch)
    out: Buffer = Buffer(128)
    for (shard, db), words in by_db.items():
        watch.shards.add(shard)
        if not cython.cast(Link, core.links[shard]).up:
            watch.broken = True
            continue
        out.size = 0
        encode_command(out, words)
        watch.waiting += 1
        # Nobody waits for it by itself: it goes with what follows.
        put(core, watch, shard, WATCH, db, 0, conn.id, out.data, out.size, cython.cast(cython.ulonglong, 1) << (shard & 63))
    return 0


@cython.ccall
@cython.exceptval(-1, check=True)
def forget_watch(core: Core, conn: Conn, watch: Watch) -> cython.int:
    """A client watches nothing any more."""
    shard: cython.int
    out: Buffer = Buffer(64)
    if watch.shards:
        core.watches.end(watch)
        encode_command(out, [b"SHARD.UNWATCH", b"%d" % conn.id])
    for shard in watch.shards:
        if cython.cast(Link, core.links[shard]).up:
            put(core, IGNORED, shard, UNWATCH, 0, 0, conn.id, out.data, out.size, cython.cast(cython.ulonglong, 1) << (shard & 63))
    return 0
