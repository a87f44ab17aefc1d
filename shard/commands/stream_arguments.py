"""What the stream commands share: ids, intervals, trimming options, groups. Compiled."""

import cython
from cython.cimports.cluster.numbers import longlong_text, parse_int
from cython.cimports.cluster.words import is_word
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.pending import Group
from cython.cimports.shard.values.stream_nodes import id_text, node_entries
from cython.cimports.shard.values.streams import StreamValue

from cluster import errors
from cluster.errors import CommandError
from shard.signals import N_STREAM

MAX = (1 << 64) - 1
INVALID_ID = "ERR Invalid stream ID specified as stream command argument"


def unsigned(raw: bytes) -> int:
    """An unsigned 64-bit number. CommandError."""
    if not raw.isdigit():  # Redis falls back to strtoull, which passes over blanks and one plus
        raw = raw.lstrip(b" \t\n\v\f\r").removeprefix(b"+")
    if not raw.isdigit() or len(raw) > 20:
        raise CommandError(INVALID_ID)
    value = int(raw)
    if value > MAX:
        raise CommandError(INVALID_ID)
    return value


@cython.cfunc
@cython.exceptval(check=False)
def _digits(
    text: cython.p_char, size: cython.Py_ssize_t, at: cython.p_Py_ssize_t, value: cython.p_ulonglong
) -> cython.bint:
    """Read 1 to 19 digits and step over them."""
    first: cython.Py_ssize_t = at[0]
    value[0] = 0
    while at[0] < size and 48 <= text[at[0]] <= 57:
        value[0] = value[0] * 10 + (text[at[0]] - 48)
        at[0] += 1
    return first < at[0] <= first + 19


@cython.cfunc
@cython.exceptval(-1, check=False)
def parse_id(
    raw: bytes, ms: cython.p_ulonglong, seq: cython.p_ulonglong, missing: cython.ulonglong
) -> cython.int:
    """Read `ms-seq`, or `ms` with `missing` for the rest; `-` and `+` are not taken. CommandError."""
    text: cython.p_char = PyBytes_AS_STRING(raw)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    at: cython.Py_ssize_t = 0
    if _digits(text, size, cython.address(at), ms):
        seq[0] = missing
        if at == size:
            return 0
        if text[at] == 45:
            at += 1
            if _digits(text, size, cython.address(at), seq) and at == size:
                return 0
    before, dash, behind = raw.partition(b"-")
    ms[0] = unsigned(before)
    seq[0] = unsigned(behind) if dash else missing
    return 0


def strict_id(raw: bytes, missing: cython.ulonglong = 0) -> tuple:
    """(ms, seq) as `parse_id` reads them. CommandError."""
    ms: cython.ulonglong = 0
    seq: cython.ulonglong = 0
    parse_id(raw, cython.address(ms), cython.address(seq), missing)
    return ms, seq


def id_or_none(raw: bytes):
    """Like `strict_id`, None where that raises."""
    try:
        return strict_id(raw)
    except CommandError:
        return None


def next_id(ms: int, seq: int):
    """The id after this one, None after the last."""
    if seq < MAX:
        return ms, seq + 1
    return (ms + 1, 0) if ms < MAX else None


def previous_id(ms: int, seq: int):
    """The id before this one, None before the first."""
    if seq > 0:
        return ms, seq - 1
    return (ms - 1, MAX) if ms > 0 else None


def bound(raw: bytes, missing: int) -> tuple:
    """((ms, seq), exclusive) of an interval's end. CommandError."""
    if raw == b"-":
        return (0, 0), False
    if raw == b"+":
        return (MAX, MAX), False
    if len(raw) > 1 and raw[:1] == b"(":
        return strict_id(raw[1:], missing), True
    return strict_id(raw, missing), False


def start_bound(raw: bytes) -> tuple:
    """The first id of an interval that begins here. CommandError."""
    found, exclusive = bound(raw, 0)
    if exclusive:
        found = next_id(*found)
        if found is None:
            raise CommandError("ERR invalid start ID for the interval")
    return found


def end_bound(raw: bytes) -> tuple:
    """The last id of an interval that ends here. CommandError."""
    found, exclusive = bound(raw, MAX)
    if exclusive:
        found = previous_id(*found)
        if found is None:
            raise CommandError("ERR invalid end ID for the interval")
    return found


def id_of(raw: bytes) -> tuple:
    """(ms, seq) of an id that `id_text` wrote."""
    ms, _, seq = raw.partition(b"-")
    return int(ms), int(seq)


BY_LENGTH = cython.declare(cython.int, 1)
BY_ID = cython.declare(cython.int, 2)


@cython.cclass
class Trimming:
    """The options of XTRIM, and of XADD up to its id (which stands at `at`): made empty, then `parse`. CommandError.

    by: 0, BY_LENGTH or BY_ID; then `length`, or the id (ms, seq). limit: most entries to remove, 0: all.
    """

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def parse(self, args: list, adding: cython.bint) -> cython.int:
        option: bytes
        size: cython.Py_ssize_t = len(args)
        left: cython.Py_ssize_t
        limit: cython.longlong = -1
        at: cython.Py_ssize_t = 2
        by: cython.int
        ms: cython.ulonglong = 0
        seq: cython.ulonglong = 0
        self.create = True
        while at < size:
            option = args[at]
            left = size - at - 1
            if adding and is_word(option, b"*", 1):
                break
            by = BY_LENGTH if is_word(option, b"MAXLEN", 6) else BY_ID if is_word(option, b"MINID", 5) else 0
            if by and left:
                if self.by:
                    raise CommandError(
                        "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
                    )
                self.by = by
                self.about = False
                if left >= 2:
                    option = args[at + 1]
                    self.about = is_word(option, b"~", 1)
                    at += self.about or is_word(option, b"=", 1)
                at += 1
                if by == BY_LENGTH:
                    self.length = parse_int(args[at])
                    if self.length < 0:
                        raise CommandError("ERR The MAXLEN argument must be >= 0.")
                else:
                    parse_id(args[at], cython.address(self.ms), cython.address(self.seq), 0)
            elif is_word(option, b"LIMIT", 5) and left:
                at += 1
                limit = parse_int(args[at])
                if limit < 0:
                    raise CommandError("ERR The LIMIT argument must be >= 0.")
            elif adding and is_word(option, b"NOMKSTREAM", 10):
                self.create = False
            elif adding:
                if limit >= 0:  # a bad id is told of before a LIMIT out of place
                    parse_id(option.removesuffix(b"-*"), cython.address(ms), cython.address(seq), 0)
                break
            else:
                raise errors.syntax_error()
            at += 1
        self.at = at
        if limit > 0 and not self.by:
            raise CommandError(
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
            )
        if not adding and not self.by:
            raise CommandError("ERR syntax error, XTRIM must be called with a trimming strategy")
        if limit >= 0 and not self.about:
            raise CommandError("ERR syntax error, LIMIT cannot be used without the special ~ option")
        if limit < 0 and self.about:
            limit = 100 * node_entries()
            limit = 10000 if limit <= 0 else min(limit, 1000000)
        self.limit = max(limit, 0)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def apply(self, stream: StreamValue) -> cython.Py_ssize_t:
        """Trim; how many entries are gone."""
        if self.by == BY_LENGTH:
            return stream.trim_length(self.length, self.about, self.limit)
        return stream.trim_below(self.ms, self.seq, self.about, self.limit)

    @cython.cfunc
    def effect(self, stream: StreamValue) -> list:
        """What was done, as exact options."""
        ms: cython.ulonglong = self.ms
        seq: cython.ulonglong = self.seq
        if self.by == BY_LENGTH:
            return [b"MAXLEN", b"=", longlong_text(stream.length)]
        if self.about:
            stream.first(cython.address(ms), cython.address(seq))
        return [b"MINID", b"=", id_text(ms, seq)]


@cython.cclass
class Reading:
    """The options of XREAD and XREADGROUP. CommandError.

    count: -1 for all; timeout_ms: -1 without BLOCK; the first key stands at `at`.
    """

    def __init__(self, engine: Engine, args: list, grouped: cython.bint):
        option: bytes
        size: cython.Py_ssize_t = len(args)
        left: cython.Py_ssize_t
        at: cython.Py_ssize_t = 1
        self.count = -1
        self.timeout_ms = -1
        self.consumer = b""
        while True:
            if at >= size:
                raise errors.syntax_error()
            option = args[at]
            left = size - at - 1
            if is_word(option, b"BLOCK", 5) and left:
                if engine.scripts is not None and engine.scripts.context.running:
                    name = args[0].decode("utf-8", "replace")
                    raise CommandError(f"ERR {name} command is not allowed with BLOCK option from scripts")
                at += 1
                self.timeout_ms = block_timeout(args[at])
            elif is_word(option, b"COUNT", 5) and left:
                at += 1
                self.count = parse_int(args[at])
                if self.count <= 0:
                    self.count = -1
            elif is_word(option, b"STREAMS", 7) and left:
                break
            elif is_word(option, b"GROUP", 5) and left >= 2:
                if not grouped:
                    raise CommandError(
                        "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
                    )
                self.group, self.consumer = args[at + 1], args[at + 2]
                at += 2
            elif is_word(option, b"NOACK", 5):
                if not grouped:
                    raise CommandError(
                        "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
                    )
                self.noack = True
            else:
                raise errors.syntax_error()
            at += 1
        if left % 2:
            raise CommandError(
                "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
            )
        if grouped and self.group is None:
            raise CommandError("ERR Missing GROUP option for XREADGROUP")
        self.at = at + 1
        self.keys = args[at + 1 : at + 1 + left // 2]
        self.ids = args[at + 1 + left // 2 :]


def block_timeout(raw: bytes) -> int:
    """Milliseconds. CommandError."""
    try:
        value = parse_int(raw)
    except CommandError:
        raise CommandError("ERR timeout is not an integer or out of range") from None
    if value < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    return value


def shown(raw: bytes) -> str:
    """A name in an error text, up to a NUL byte as in Redis."""
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def no_consumer_group(key: bytes, group: bytes) -> CommandError:
    """Redis's NOGROUP error of XGROUP and XINFO."""
    return CommandError(f"NOGROUP No such consumer group '{shown(group)}' for key name '{shown(key)}'")


def no_group(key: bytes, group: bytes, tail: str = "") -> CommandError:
    """Redis's NOGROUP error."""
    names = f"'{shown(key)}' or consumer group '{shown(group)}'"
    return CommandError(f"NOGROUP No such key {names}{tail}")


def consumer_of(engine: Engine, key: bytes, name: bytes, group: Group, wanted: bytes):
    """The group's consumer of a name; a new one, with its effect, if there is none."""
    consumer = group.consumers.get(wanted)
    if consumer is None:
        consumer = group.create(wanted, engine.now)
        engine.effect(b"XGROUP", b"CREATECONSUMER", key, name, wanted)
        engine.noted(key, b"xgroup-createconsumer", N_STREAM)
    return consumer


def has_tombstones(stream: StreamValue, ms: int, seq: int) -> bool:
    """Whether XDEL may have removed entries from this id on, behind the first one that is left."""
    deleted = (stream.deleted_ms, stream.deleted_seq)
    return stream.length > 0 and deleted != (0, 0) and stream.first_id <= deleted and (ms, seq) <= deleted


def entries_until(stream: StreamValue, ms: int, seq: int) -> int:
    """How many entries were ever added up to this id, -1 if that cannot be known."""
    wanted = (ms, seq)
    last = (stream.last_ms, stream.last_seq)
    if stream.added == 0:
        return 0
    if stream.length == 0 and wanted <= last:
        return stream.added
    if wanted == last:
        return stream.added
    if wanted > last:
        return -1
    first = stream.first_id
    deleted = (stream.deleted_ms, stream.deleted_seq)
    if deleted == (0, 0) or deleted < first:
        if wanted < first:
            return stream.added - stream.length
        if wanted == first:
            return stream.added - stream.length + 1
    return -1


def lag(stream: StreamValue, group: Group):
    """How many entries the group has not read, None if that cannot be known."""
    if stream.added == 0:
        return 0
    if group.entries_read != -1 and not has_tombstones(stream, group.last_ms, group.last_seq):
        return cython.cast(cython.longlong, stream.added) - group.entries_read
    read = entries_until(stream, group.last_ms, group.last_seq)
    return None if read == -1 else stream.added - read
