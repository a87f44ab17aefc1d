"""Values between RDB's encodings and their plain forms (see `shard.rdb.model`)."""

import struct

import cython
from cython.cimports.shard.rdb.packed import small_integer
from cython.cimports.shard.rdb.sink import Sink
from cython.cimports.shard.rdb.source import Source
from cython.cimports.shard.rdb.streams import decode_stream, encode_stream

from shard.rdb import model
from shard.rdb.model import HashData
from shard.rdb.packed import intset, intset_items, listpack, listpack_items, ziplist_items, zipmap_items

# Collections within these limits are written as one packed string, as Redis's defaults have it.
SMALL_ENTRIES = 128
SMALL_BYTES = 64
INTSET_ENTRIES = 512
NODE_BYTES = 8192  # list-max-listpack-size -2

PACKED = {
    model.LIST_ZIPLIST: ziplist_items,
    model.SET_INTSET: intset_items,
    model.SET_LISTPACK: listpack_items,
    model.ZSET_ZIPLIST: ziplist_items,
    model.ZSET_LISTPACK: listpack_items,
    model.HASH_ZIPMAP: zipmap_items,
    model.HASH_ZIPLIST: ziplist_items,
    model.HASH_LISTPACK: listpack_items,
}
TYPE_NAMES = {
    model.STRING: b"string",
    **dict.fromkeys((model.LIST, model.LIST_ZIPLIST, model.LIST_QUICKLIST, model.LIST_QUICKLIST_2), b"list"),
    **dict.fromkeys((model.SET, model.SET_INTSET, model.SET_LISTPACK), b"set"),
    **dict.fromkeys((model.ZSET, model.ZSET_2, model.ZSET_ZIPLIST, model.ZSET_LISTPACK), b"zset"),
    **dict.fromkeys((model.STREAM_1, model.STREAM_2, model.STREAM_3), b"stream"),
    **dict.fromkeys(
        (
            model.HASH,
            model.HASH_ZIPMAP,
            model.HASH_ZIPLIST,
            model.HASH_LISTPACK,
            model.HASH_FIELDS_PRE,
            model.HASH_LISTPACK_FIELDS_PRE,
            model.HASH_FIELDS,
            model.HASH_LISTPACK_FIELDS,
        ),
        b"hash",
    ),
}


@cython.cfunc
def _unpacked(source: Source, decoder: object) -> list:
    """The elements of the packed string that comes next."""
    offset = source.offset()
    raw: bytes = source.string()
    try:
        return decoder(raw)
    except ValueError as error:
        raise source.damaged(str(error), offset) from None


@cython.cfunc
def _strings(source: Source, count: cython.longlong) -> list:
    """`count` strings. The count may be a lie: memory is taken only as they come."""
    found: list = []
    while count > 0:
        found.append(source.string())
        count -= 1
    return found


@cython.cfunc
def _count(source: Source) -> cython.longlong:
    """How many elements follow; none is no value that Redis would have saved."""
    count: cython.longlong = source.length()
    if count <= 0 or source.encoded:
        raise source.damaged("an empty collection, or a damaged length")
    return count


@cython.cfunc
def _text_score(source: Source) -> float:
    """A score as Redis before 2.8 wrote it: length, digits; 253 NaN, 254 inf, 255 -inf."""
    size: cython.int = source.byte()
    if size == 255:
        return float("-inf")
    if size == 254:
        return float("inf")
    try:
        score: float = float(source.take(size)) if size != 253 else float("nan")
    except ValueError:
        raise source.damaged("a score is no number") from None
    return score


@cython.ccall
def decode(source: Source, kind: cython.int) -> object:
    """The plain form of the value of type `kind` that comes next. DamagedFile."""
    offset = source.offset()
    items: list
    count: cython.longlong
    if kind == 0:
        return source.string()
    name = TYPE_NAMES.get(kind)
    if name is None:
        reason = "values of modules" if kind in (model.MODULE, model.MODULE_2) else f"a value of unknown type {kind}"
        raise source.damaged(f"{reason} cannot be loaded", offset)
    if name == b"stream":
        return decode_stream(source, kind)
    if kind in PACKED:
        items = _unpacked(source, PACKED[kind])
    elif kind == model.LIST_QUICKLIST or kind == model.LIST_QUICKLIST_2:
        items = _quicklist(source, kind)
    elif kind == model.LIST or kind == model.SET:
        items = _strings(source, _count(source))
    elif kind == model.HASH:
        items = _strings(source, 2 * _count(source))
    elif kind == model.ZSET or kind == model.ZSET_2:
        items = []
        count = _count(source)
        while count > 0:
            member = source.string()
            items.append((member, _text_score(source) if kind == model.ZSET else struct.unpack("<d", source.take(8))[0]))
            count -= 1
        return _checked(source, b"zset", items, offset)
    else:
        return _hash_with_expiry(source, kind, offset)
    if name == b"zset":
        if len(items) & 1:
            raise source.damaged("a sorted set with a member and no score", offset)
        try:
            items = list(zip(items[::2], [float(score) for score in items[1::2]]))
        except ValueError:
            raise source.damaged("a score is no number", offset) from None
    return _checked(source, name, items, offset)


@cython.cfunc
def _checked(source: Source, name: bytes, items: list, offset: object) -> object:
    """The plain form, once it is known that nothing in it stands twice."""
    if not items:
        raise source.damaged("an empty collection", offset)
    if name == b"set" and len(set(items)) != len(items):
        raise source.damaged("a set with a member that stands twice", offset)
    if name == b"hash":
        if len(items) & 1:
            raise source.damaged("a hash with a field and no value", offset)
        if 2 * len(set(items[::2])) != len(items):
            raise source.damaged("a hash with a field that stands twice", offset)
        return HashData(items)
    if name == b"zset":
        if len({pair[0] for pair in items}) != len(items):
            raise source.damaged("a sorted set with a member that stands twice", offset)
        for pair in items:
            if pair[1] != pair[1]:
                raise source.damaged("a score is not a number", offset)
    return items


@cython.cfunc
def _quicklist(source: Source, kind: cython.int) -> list:
    items: list = []
    nodes: cython.longlong = _count(source)
    while nodes > 0:
        nodes -= 1
        if kind == model.LIST_QUICKLIST:
            items.extend(_unpacked(source, ziplist_items))
            continue
        form = source.length()
        if form == 1:
            items.append(source.string())
        elif form == 2:
            items.extend(_unpacked(source, listpack_items))
        else:
            raise source.damaged("a list node of an unknown form")
    return items


@cython.cfunc
def _hash_with_expiry(source: Source, kind: cython.int, offset: object) -> object:
    """Hashes with expiring fields, as Redis 7.4 writes them."""
    base: cython.longlong = 0
    count: cython.longlong
    items: list = []
    expiry: dict = {}
    final: cython.bint = kind == model.HASH_FIELDS or kind == model.HASH_LISTPACK_FIELDS
    if final:
        base = source.number(8)
    if kind == model.HASH_LISTPACK_FIELDS or kind == model.HASH_LISTPACK_FIELDS_PRE:
        triples: list = _unpacked(source, listpack_items)
        if len(triples) % 3:
            raise source.damaged("a hash with an incomplete field", offset)
        try:
            for i in range(0, len(triples), 3):
                items += triples[i : i + 2]
                if int(triples[i + 2]) > 0:
                    expiry[triples[i]] = int(triples[i + 2])
        except ValueError:
            raise source.damaged("a field's expiry is no number", offset) from None
    else:
        count = _count(source)
        while count > 0:
            count -= 1
            at = source.length()
            field = source.string()
            items.append(field)
            items.append(source.string())
            if at > 0:
                expiry[field] = base + at - 1 if final else at
    result = _checked(source, b"hash", items, offset)
    result.expiry = expiry
    return result


# -- writing -------------------------------------------------------------------------------


@cython.cfunc
def _all_small(items: list, most: cython.Py_ssize_t) -> cython.bint:
    text: bytes
    if len(items) > most:
        return False
    for text in items:
        if len(text) > SMALL_BYTES:
            return False
    return True


@cython.cfunc
def _all_integers(items: list) -> cython.bint:
    number: cython.longlong = 0
    text: bytes
    if len(items) > INTSET_ENTRIES:
        return False
    for text in items:
        if not small_integer(text, cython.address(number)):
            return False
    return True


@cython.ccall
@cython.exceptval(-1)
def kind_of(type_name: bytes, plain: object) -> cython.int:
    """The RDB type that `encode` writes a plain value as. Field expiry is not in it."""
    if type_name == b"string":
        return model.STRING
    if type_name == b"list":
        return model.LIST_QUICKLIST_2
    if type_name == b"set":
        return model.SET_INTSET if _all_integers(plain) else model.SET
    if type_name == b"hash":
        return model.HASH_LISTPACK if _all_small(plain.items, 2 * SMALL_ENTRIES) else model.HASH
    if type_name == b"zset":
        if _all_small([pair[0] for pair in plain], SMALL_ENTRIES):
            return model.ZSET_LISTPACK
        return model.ZSET_2
    if type_name == b"stream":
        return model.STREAM_2
    raise TypeError(f"no RDB type for {type_name!r}")


@cython.ccall
@cython.exceptval(-1)
def encode(sink: Sink, type_name: bytes, plain: object) -> cython.int:
    """Append a plain value (without its type byte) as the type that `kind_of` says."""
    kind: cython.int = kind_of(type_name, plain)
    if kind == 0:
        sink.string(plain)
    elif kind == model.LIST_QUICKLIST_2:
        _put_quicklist(sink, plain)
    elif kind == model.SET_INTSET:
        sink.string(intset(sorted([int(text) for text in plain])))
    elif kind == model.SET:
        sink.length(len(plain))
        for text in plain:
            sink.string(text)
    elif kind == model.HASH_LISTPACK:
        sink.string(listpack(plain.items))
    elif kind == model.HASH:
        sink.length(len(plain.items) // 2)
        for text in plain.items:
            sink.string(text)
    elif kind == model.ZSET_LISTPACK:
        flat: list = []
        # Redis takes the order of a packed sorted set as it finds it.
        for score, member in sorted([(score, member) for member, score in plain]):
            flat.append(member)
            flat.append(score_text(score))
        sink.string(listpack(flat))
    elif kind == model.ZSET_2:
        sink.length(len(plain))
        for member, score in plain:
            sink.string(member)
            sink.score(score)
    else:
        encode_stream(sink, plain)
    return 0


@cython.cfunc
def _put_quicklist(sink: Sink, items: list) -> cython.void:
    nodes: list = []
    node: list = []
    size: cython.Py_ssize_t = 0
    text: bytes
    for text in items:
        if node and size + len(text) + 11 > NODE_BYTES:
            nodes.append(node)
            node = []
            size = 0
        node.append(text)
        size += len(text) + 11
    if node:
        nodes.append(node)
    sink.length(len(nodes))
    for node in nodes:
        sink.length(2)
        sink.string(listpack(node))


def score_text(score: float) -> bytes:
    """A score as listpacks hold it: an integer where it is one, else 17 digits."""
    if score == score // 1 and -9e15 < score < 9e15:
        return b"%d" % int(score) if score or str(score)[0] != "-" else b"-0"
    return b"%.17g" % score
