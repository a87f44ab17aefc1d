"""Remarks of COMMAND INFO on key specs, and the commands that COMMAND DOCS calls the system's own."""

from __future__ import annotations

_WORST_RW = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE"
_WORST_RO = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS"
_PATTERNS = (
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key"
    " we sort"
)

# One remark for each key spec, "" where there is none.
NOTES: dict[str, tuple[str, ...]] = {
    "BITFIELD": ("This command allows both access and modification of the key",),
    "EVAL": (_WORST_RW,),
    "EVAL_RO": (_WORST_RO,),
    "FCALL": (_WORST_RW,),
    "FCALL_RO": (_WORST_RO,),
    "GETEX": ("RW and UPDATE because it changes the TTL",),
    "PFCOUNT": ("RW because it may change the internal representation of the key, and propagate to replicas",),
    "SET": ("RW and ACCESS due to the optional `GET` argument",),
    "SORT": (
        "",
        _PATTERNS,
        "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument"
        " array",
    ),
    "SORT_RO": ("", _PATTERNS),
    "XADD": ("UPDATE instead of INSERT because of the optional trimming feature",),
}

SYSTEM = {"DEBUG", "PFDEBUG", "PFSELFTEST", "REPLCONF", "RESTORE-ASKING"}
