"""Every error text that a client can see, in one place.

Handlers raise `CommandError` (or one of the ready-made subclasses' instances through the
functions below); one place in the shard and one in the router turn it into a RESP error line.
Texts are Redis's own, so that clients that match on them work.
"""

from __future__ import annotations


class CommandError(Exception):
    """An error reply. `text` is the whole line without the leading '-' and without CRLF.

    counted: it is in the statistics already, however many commands it passes through.
    """

    counted = False

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text

    @property
    def code(self) -> str:
        """The first word: ERR, WRONGTYPE, ..."""
        return self.text.split(" ", 1)[0]


SYNTAX = "ERR syntax error"
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_INTEGER = "ERR value is not an integer or out of range"
NOT_FLOAT = "ERR value is not a valid float"
OVERFLOW = "ERR increment or decrement would overflow"
NAN_OR_INF = "ERR increment would produce NaN or Infinity"
NO_SUCH_KEY = "ERR no such key"
INDEX_RANGE = "ERR index out of range"
STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
OOM = "OOM command not allowed when used memory > 'maxmemory'."
MASTER_DOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
NO_REPLICAS = "NOREPLICAS Not enough good replicas to write."
UNBLOCKED_ROLE = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
READONLY = "READONLY You can't write against a read only replica."
BUSYKEY = "BUSYKEY Target key name already exists."
INVALID_DB = "ERR invalid DB index"
DB_RANGE = "ERR DB index is out of range"
NOT_POSITIVE = "ERR value is out of range, must be positive"
MIN_MAX_NOT_FLOAT = "ERR min or max is not a float"
MIN_MAX_NOT_STRING = "ERR min or max not valid string range item"
DECREMENT_OVERFLOW = "ERR decrement would overflow"
OFFSET_RANGE = "ERR offset is out of range"
LCS_NOT_STRINGS = "ERR The specified keys must contain string values"
LCS_BOTH = "ERR If you want both the length and indexes, please just use IDX."
LCS_MEMORY = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
BIT_OFFSET = "ERR bit offset is not an integer or out of range"
BIT_VALUE = "ERR bit is not an integer or out of range"
BIT_ARGUMENT = "ERR The bit argument must be 1 or 0."
BITOP_NOT = "ERR BITOP NOT must be called with a single source key."
BITFIELD_TYPE = (
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
)
BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified"
BITFIELD_READONLY = "ERR BITFIELD_RO only supports the GET subcommand"
HLL_INVALID = "WRONGTYPE Key is not a valid HyperLogLog string value."
HLL_CORRUPT = "INVALIDOBJ Corrupted HLL object detected"
PFDEBUG_NO_KEY = "ERR The specified key does not exist"
PFDEBUG_NOT_SPARSE = "ERR HLL encoding is not sparse"
PFDEBUG_UNKNOWN = "ERR Unknown PFDEBUG subcommand '{name}'"
PFSELFTEST_FAILED = "TESTFAILED sparse and dense HyperLogLogs or their estimate disagree"
SAME_OBJECT = "ERR source and destination objects are the same"
EXPIRE_OPTION = "ERR Unsupported option {option}"
EXPIRE_NX = "ERR NX and XX, GT or LT options at the same time are not compatible"
EXPIRE_GT_LT = "ERR GT and LT options at the same time are not compatible"
SWAP_FIRST = "ERR invalid first DB index"
SWAP_SECOND = "ERR invalid second DB index"
INVALID_CURSOR = "ERR invalid cursor"
NO_LFU = (
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust."
)
LFU_NO_IDLE = (
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching "
    "between policies at runtime LRU and LFU data will take some time to adjust."
)
LPOS_RANK = (
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from "
    "the end of the list"
)
FIELDS_MISSING = "ERR Mandatory argument FIELDS is missing or not at the right position"
NUMFIELDS_RANGE = "ERR Parameter `numFields` should be greater than 0"
FIELDS_NUMBER = "ERR Number of fields must be a positive integer"  # the same, of HTTL, HPERSIST and kin
NUMFIELDS_MATCH = "ERR The `numfields` parameter must match the number of arguments"
EXPIRE_NEGATIVE = "ERR invalid expire time, must be >= 0"
SORT_NOT_DOUBLE = "ERR One or more scores can't be converted into double"
TIMEOUT_NOT_FLOAT = "ERR timeout is not a float or out of range"
TIMEOUT_RANGE = "ERR timeout is out of range"
TIMEOUT_NEGATIVE = "ERR timeout is negative"
NOAUTH = "NOAUTH Authentication required."
LOADING = "LOADING ElixirCache is loading the dataset in memory"
MISCONF = (
    "MISCONF Errors writing to the AOF file: {reason}"
)
SHARD_DOWN_UNKNOWN = (
    "SHARDDOWN shard {shard} went away while this command was in flight; its outcome is unknown"
)
SHARD_DOWN = "SHARDDOWN shard {shard} is not available"
NO_JOURNAL = "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check server logs."
WHOLE_KEYSPACE = (
    "ERR this command concerns every shard, and the script's text does not show that it is called: call it by its "
    "name, or set allow-undeclared-keys to yes"
)
UNDECLARED_KEY = (
    "ERR key '{key}' was not declared and lives on another shard; declare it among the keys, "
    "or set allow-undeclared-keys yes"
)
UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors."
EXEC_REFUSED = "EXECABORT Transaction discarded because of: {reason}"


def syntax_error() -> CommandError:
    return CommandError(SYNTAX)


def wrong_type() -> CommandError:
    return CommandError(WRONG_TYPE)


def not_integer() -> CommandError:
    return CommandError(NOT_INTEGER)


def not_float() -> CommandError:
    return CommandError(NOT_FLOAT)


def invalid_expire(name: str) -> CommandError:
    """`name` is the command's, in lower case."""
    return CommandError(f"ERR invalid expire time in '{name}' command")


def wrong_arity(name: str) -> CommandError:
    """`name` is the command's full name, for instance "config|get"."""
    return CommandError(f"ERR wrong number of arguments for '{name.lower()}' command")


def unknown_command(args: list[bytes]) -> CommandError:
    """Redis's text, with the first arguments shown, at most 128 bytes of them."""
    name = args[0][:128].split(b"\0")[0].decode("utf-8", "surrogateescape")
    shown = ""
    for raw in args[1:]:
        if len(shown) >= 128:
            break
        shown += "'" + raw[: 128 - len(shown)].split(b"\0")[0].decode("utf-8", "surrogateescape") + "' "
    text = f"ERR unknown command '{name}', with args beginning with: {shown}"
    return CommandError(text.replace("\r", " ").replace("\n", " "))


def subcommand_syntax(args: list[bytes]) -> CommandError:
    """Redis's error for a subcommand's options that do not fit; its name is shown up to a NUL byte."""
    container = args[0].decode("latin-1").upper()
    shown = args[1][:128].split(b"\0")[0].decode("utf-8", "surrogateescape")
    return CommandError(f"ERR unknown subcommand or wrong number of arguments for '{shown}'. Try {container} HELP.")


def unknown_subcommand(container: str, sub: bytes) -> CommandError:
    shown = sub[:128].split(b"\0")[0].decode("utf-8", "surrogateescape").replace("\r", " ").replace("\n", " ")
    return CommandError(f"ERR unknown subcommand '{shown}'. Try {container.upper()} HELP.")
