"""The arguments of every command, as COMMAND DOCS tells them: a line each, in this notation.

    NX                          a word by itself, `nx`
    EX=seconds:i                a word and its value; a space in the word is written `_`, no word at all ""
    key:k@0                     a name and its type; @n: it is in the command's n-th key spec
    order:o(ASC DESC)           one of several; b(...): several in a row
    ? * + ~6.2.0 !2.8.12        optional, repeated, the word repeated with it, since, deprecated since

The types are those of TYPES. What stands in a row of the table (arity, keys, flags) stands only there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TYPES = {
    "s": "string", "i": "integer", "d": "double", "k": "key", "p": "pattern", "u": "unix-time", "t": "pure-token",
    "o": "oneof", "b": "block",
}  # fmt: skip
_ARGUMENT = re.compile(
    r"(?:(?P<plain>[A-Z][A-Z0-9_-]*)|(?:(?P<token>[^\s():]+?)=(?=[a-z]))?(?P<name>[a-z0-9_/:-]+):(?P<type>[a-z]))"
    r"(?:@(?P<spec>\d+))?(?P<flags>[?*+]*)(?:~(?P<since>[\d.]+))?(?:!(?P<deprecated>[\d.]+))?(?P<end>\(|\)*(?:\s+|\Z))"
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. token: the word that announces it, None if there is none. spec: index of its key spec, or -1."""

    name: str
    type: str
    token: str | None
    spec: int
    flags: tuple[str, ...]
    since: str
    deprecated: str
    parts: tuple[Argument, ...]


def parse(text: str) -> tuple[Argument, ...]:
    """The arguments of a line. ValueError: it is not in the notation."""
    stack: list[tuple[list[Argument], re.Match[str] | None]] = [([], None)]
    at = 0
    while at < len(text):
        found = _ARGUMENT.match(text, at)
        if found is None:
            raise ValueError(f"not an argument: {text[at:]!r}")
        at = found.end()
        if found["end"] == "(":
            stack.append(([], found))
            continue
        stack[-1][0].append(_argument(found, ()))
        for _ in range(found["end"].count(")")):
            parts, opening = stack.pop()
            if opening is None:
                raise ValueError(f"unbalanced: {text!r}")
            stack[-1][0].append(_argument(opening, tuple(parts)))
    if len(stack) != 1:
        raise ValueError(f"unbalanced: {text!r}")
    return tuple(stack[0][0])


def _argument(found: re.Match[str], parts: tuple[Argument, ...]) -> Argument:
    marks = zip("?*+", ("optional", "multiple", "multiple_token"), strict=True)
    token = found["plain"] or found["token"]
    if token is not None:
        token = "" if token == '""' else token.replace("_", " ")
    return Argument(
        name=found["name"] or found["plain"].lower(),
        type="pure-token" if found["plain"] else TYPES[found["type"]],
        token=token,
        spec=int(found["spec"] or -1),
        flags=tuple(name for mark, name in marks if mark in found["flags"]),
        since=found["since"] or "",
        deprecated=found["deprecated"] or "",
        parts=parts,
    )


def paragraphs(text: str) -> dict[str, list[str]]:
    """Command name -> its lines; lines that are indented belong to the one before."""
    found: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            name, _, rest = line.partition(" ")
            lines = found.setdefault(name, [rest] if rest else [])
        elif line.startswith("    "):
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.strip())
    return found


_SYNTAX = r"""
ACL|CAT categoryname:s?
ACL|DELUSER username:s*
ACL|DRYRUN username:s command:s arg:s?*
ACL|GENPASS bits:i?
ACL|GETUSER username:s
ACL|LOG operation:o?(count:i RESET)
ACL|SETUSER username:s rule:s?*
APPEND key:k@0 value:s
AUTH username:s?~6.0.0 password:s
BGSAVE SCHEDULE?~3.2.2
BITCOUNT key:k@0 index:b?(start:i end:i index_unit:o?~7.0.0(BYTE BIT))
BITFIELD key:k@0 operation:o?*(GET=encoding_offset:b(encoding:s offset:i) write:b(OVERFLOW=wrap_sat_fail:o?(WRAP SAT
    FAIL) write_operation:o(SET=encoding_offset_value:b(encoding:s offset:i value:i)
    INCRBY=encoding_offset_increment:b(encoding:s offset:i increment:i))))
BITFIELD_RO key:k@0 GET=encoding_offset:b?*+(encoding:s offset:i)
BITOP operation:s destkey:k@0 key:k@1*
BITPOS key:k@0 bit:i index:b?(start:i end_index:b?(end:i index_unit:o?~7.0.0(BYTE BIT)))
BLMOVE source:k@0 destination:k@1 wherefrom:o(LEFT RIGHT) whereto:o(LEFT RIGHT) timeout:d
BLMPOP timeout:d numkeys:i key:k@0* where:o(LEFT RIGHT) COUNT=count:i?
BLPOP key:k@0* timeout:d
BRPOP key:k@0* timeout:d
BRPOPLPUSH source:k@0 destination:k@1 timeout:d
BZMPOP timeout:d numkeys:i key:k@0* where:o(MIN MAX) COUNT=count:i?
BZPOPMAX key:k@0* timeout:d
BZPOPMIN key:k@0* timeout:d
CLIENT|CACHING mode:o(YES NO)
CLIENT|KILL filter:o(ip:port:s!2.8.12 new-format:o*(ID=client-id:i?~2.8.12
    TYPE=normal_master_slave_pubsub:o?~2.8.12(NORMAL MASTER~3.2.0 SLAVE REPLICA~5.0.0 PUBSUB) USER=username:s?
    ADDR=ip:port:s? LADDR=ip:port:s?~6.2.0 SKIPME=yes/no:s? MAXAGE=maxage:i?~7.4.0))
CLIENT|LIST TYPE=normal_master_replica_pubsub:o?~5.0.0(NORMAL MASTER REPLICA PUBSUB) ID=id:b?~6.2.0(client-id:i*)
CLIENT|NO-EVICT enabled:o(ON OFF)
CLIENT|NO-TOUCH enabled:o(ON OFF)
CLIENT|PAUSE timeout:i mode:o?~6.2.0(WRITE ALL)
CLIENT|REPLY on_off_skip:o(ON OFF SKIP)
CLIENT|SETINFO attr:o(LIB-NAME=libname:s LIB-VER=libver:s)
CLIENT|SETNAME connection-name:s
CLIENT|TRACKING status:o(ON OFF) REDIRECT=client-id:i? PREFIX=prefix:s?*+ BCAST? OPTIN? OPTOUT? NOLOOP?
CLIENT|UNBLOCK client-id:i timeout_error:o?(TIMEOUT ERROR)
CLUSTER|ADDSLOTS slot:i*
CLUSTER|ADDSLOTSRANGE start-slot_end-slot:b*(start-slot:i end-slot:i)
CLUSTER|COUNT-FAILURE-REPORTS node-id:s
CLUSTER|COUNTKEYSINSLOT slot:i
CLUSTER|DELSLOTS slot:i*
CLUSTER|DELSLOTSRANGE start-slot_end-slot:b*(start-slot:i end-slot:i)
CLUSTER|FAILOVER options:o?(FORCE TAKEOVER)
CLUSTER|FORGET node-id:s
CLUSTER|GETKEYSINSLOT slot:i count:i
CLUSTER|KEYSLOT key:s
CLUSTER|MEET ip:s port:i cluster_bus_port:i?~4.0.0
CLUSTER|REPLICAS node-id:s
CLUSTER|REPLICATE node-id:s
CLUSTER|RESET hard_soft:o?(HARD SOFT)
CLUSTER|SET-CONFIG-EPOCH config-epoch:i
CLUSTER|SETSLOT slot:i subcommand:o(IMPORTING=node-id:s MIGRATING=node-id:s NODE=node-id:s STABLE)
CLUSTER|SLAVES node-id:s
COMMAND|DOCS command-name:s?*
COMMAND|INFO command-name:s?*
COMMAND|LIST FILTERBY=filterby:o?(MODULE=module-name:s ACLCAT=category:s PATTERN=pattern:p)
CONFIG|GET parameter:b*(parameter:s)
CONFIG|SET parameter_value:b*(parameter:s value:s)
COPY source:k@0 destination:k@1 DB=destination-db:i? REPLACE?
DECR key:k@0
DECRBY key:k@0 decrement:i
DEL key:k@0*
DUMP key:k@0
ECHO message:s
EVAL script:s numkeys:i key:k@0?* arg:s?*
EVALSHA sha1:s numkeys:i key:k@0?* arg:s?*
EVALSHA_RO sha1:s numkeys:i key:k@0?* arg:s?*
EVAL_RO script:s numkeys:i key:k@0?* arg:s?*
EXISTS key:k@0*
EXPIRE key:k@0 seconds:i condition:o?~7.0.0(NX XX GT LT)
EXPIREAT key:k@0 unix-time-seconds:u condition:o?~7.0.0(NX XX GT LT)
EXPIRETIME key:k@0
FAILOVER TO=target:b?(host:s port:i FORCE?) ABORT? TIMEOUT=milliseconds:i?
FCALL function:s numkeys:i key:k@0?* arg:s?*
FCALL_RO function:s numkeys:i key:k@0?* arg:s?*
FLUSHALL async:o?(ASYNC~4.0.0 SYNC~6.2.0)
FLUSHDB async:o?(ASYNC~4.0.0 SYNC~6.2.0)
FUNCTION|DELETE library-name:s
FUNCTION|FLUSH async:o?(ASYNC SYNC)
FUNCTION|LIST LIBRARYNAME=library-name-pattern:s? WITHCODE?
FUNCTION|LOAD REPLACE? function-code:s
FUNCTION|RESTORE serialized-value:s policy:o?(FLUSH APPEND REPLACE)
GEOADD key:k@0 condition:o?~6.2.0(NX XX) CH=change:t?~6.2.0 longitude_latitude_member:b*(longitude:d latitude:d
    member:s)
GEODIST key:k@0 member1:s member2:s unit:o?(M KM FT MI)
GEOHASH key:k@0 member:s*
GEOPOS key:k@0 member:s*
GEORADIUS key:k@0 longitude:d latitude:d radius:d unit:o(M KM FT MI) WITHCOORD? WITHDIST? WITHHASH?
    count:b?(COUNT=count:i ANY?~6.2.0) order:o?(ASC DESC) STORE=key:k@1? STOREDIST=key:k@2?
GEORADIUSBYMEMBER key:k@0 member:s radius:d unit:o(M KM FT MI) WITHCOORD? WITHDIST? WITHHASH? count:b?(COUNT=count:i
    ANY?) order:o?(ASC DESC) STORE=key:k@1? STOREDIST=key:k@2?
GEORADIUSBYMEMBER_RO key:k@0 member:s radius:d unit:o(M KM FT MI) WITHCOORD? WITHDIST? WITHHASH?
    count:b?(COUNT=count:i ANY?) order:o?(ASC DESC)
GEORADIUS_RO key:k@0 longitude:d latitude:d radius:d unit:o(M KM FT MI) WITHCOORD? WITHDIST? WITHHASH?
    count:b?(COUNT=count:i ANY?~6.2.0) order:o?(ASC DESC)
GEOSEARCH key:k@0 from:o(FROMMEMBER=member:s FROMLONLAT=longitude_latitude:b(longitude:d latitude:d))
    by:o(circle:b(BYRADIUS=radius:d unit:o(M KM FT MI)) box:b(BYBOX=width:d height:d unit:o(M KM FT MI))) order:o?(ASC
    DESC) count:b?(COUNT=count:i ANY?) WITHCOORD? WITHDIST? WITHHASH?
GEOSEARCHSTORE destination:k@0 source:k@1 from:o(FROMMEMBER=member:s FROMLONLAT=longitude_latitude:b(longitude:d
    latitude:d)) by:o(circle:b(BYRADIUS=radius:d unit:o(M KM FT MI)) box:b(BYBOX=width:d height:d unit:o(M KM FT MI)))
    order:o?(ASC DESC) count:b?(COUNT=count:i ANY?) STOREDIST?
GET key:k@0
GETBIT key:k@0 offset:i
GETDEL key:k@0
GETEX key:k@0 expiration:o?(EX=seconds:i PX=milliseconds:i EXAT=unix-time-seconds:u PXAT=unix-time-milliseconds:u
    PERSIST)
GETRANGE key:k@0 start:i end:i
GETSET key:k@0 value:s
HDEL key:k@0 field:s*
HELLO arguments:b?(protover:i AUTH=username_password:b?(username:s password:s) SETNAME=clientname:s?)
HEXISTS key:k@0 field:s
HEXPIRE key:k@0 seconds:i condition:o?(NX XX GT LT) FIELDS=fields:b(numfields:i field:s*)
HEXPIREAT key:k@0 unix-time-seconds:u condition:o?(NX XX GT LT) FIELDS=fields:b(numfields:i field:s*)
HEXPIRETIME key:k@0 FIELDS=fields:b(numfields:i field:s*)
HGET key:k@0 field:s
HGETALL key:k@0
HINCRBY key:k@0 field:s increment:i
HINCRBYFLOAT key:k@0 field:s increment:d
HKEYS key:k@0
HLEN key:k@0
HMGET key:k@0 field:s*
HMSET key:k@0 field_value:b*(field:s value:s)
HPERSIST key:k@0 FIELDS=fields:b(numfields:i field:s*)
HPEXPIRE key:k@0 milliseconds:i condition:o?(NX XX GT LT) FIELDS=fields:b(numfields:i field:s*)
HPEXPIREAT key:k@0 unix-time-milliseconds:u condition:o?(NX XX GT LT) FIELDS=fields:b(numfields:i field:s*)
HPEXPIRETIME key:k@0 FIELDS=fields:b(numfields:i field:s*)
HPTTL key:k@0 FIELDS=fields:b(numfields:i field:s*)
HRANDFIELD key:k@0 options:b?(count:i WITHVALUES?)
HSCAN key:k@0 cursor:i MATCH=pattern:p? COUNT=count:i?
HSET key:k@0 field_value:b*(field:s value:s)
HSETNX key:k@0 field:s value:s
HSTRLEN key:k@0 field:s
HTTL key:k@0 FIELDS=fields:b(numfields:i field:s*)
HVALS key:k@0
INCR key:k@0
INCRBY key:k@0 increment:i
INCRBYFLOAT key:k@0 increment:d
INFO section:s?*
KEYS pattern:p
LATENCY|GRAPH event:s
LATENCY|HISTOGRAM command:s?*
LATENCY|HISTORY event:s
LATENCY|RESET event:s?*
LCS key1:k@0 key2:k@0 LEN? IDX? MINMATCHLEN=len:i? WITHMATCHLEN?
LINDEX key:k@0 index:i
LINSERT key:k@0 where:o(BEFORE AFTER) pivot:s element:s
LLEN key:k@0
LMOVE source:k@0 destination:k@1 wherefrom:o(LEFT RIGHT) whereto:o(LEFT RIGHT)
LMPOP numkeys:i key:k@0* where:o(LEFT RIGHT) COUNT=count:i?
LOLWUT VERSION=version:i?
LPOP key:k@0 count:i?~6.2.0
LPOS key:k@0 element:s RANK=rank:i? COUNT=num-matches:i? MAXLEN=len:i?
LPUSH key:k@0 element:s*
LPUSHX key:k@0 element:s*
LRANGE key:k@0 start:i stop:i
LREM key:k@0 count:i element:s
LSET key:k@0 index:i element:s
LTRIM key:k@0 start:i stop:i
MEMORY|USAGE key:k@0 SAMPLES=count:i?
MGET key:k@0*
MIGRATE host:s port:i key_or_empty_string:o(key:k@0 ""=empty_string:t) destination-db:i timeout:i COPY?~3.0.0
    REPLACE?~3.0.0 authentication:o?(AUTH=password:s?~4.0.7 AUTH2=username_password:b?~6.0.0(username:s password:s))
    KEYS=key:k@1?*~3.0.6
MODULE|LOAD path:s arg:s?*
MODULE|LOADEX path:s CONFIG=configs:b?*+(name:s value:s) ARGS=args:b?*(arg:s)
MODULE|UNLOAD name:s
MOVE key:k@0 db:i
MSET key_value:b*(key:k@0 value:s)
MSETNX key_value:b*(key:k@0 value:s)
OBJECT|ENCODING key:k@0
OBJECT|FREQ key:k@0
OBJECT|IDLETIME key:k@0
OBJECT|REFCOUNT key:k@0
PERSIST key:k@0
PEXPIRE key:k@0 milliseconds:i condition:o?~7.0.0(NX XX GT LT)
PEXPIREAT key:k@0 unix-time-milliseconds:u condition:o?~7.0.0(NX XX GT LT)
PEXPIRETIME key:k@0
PFADD key:k@0 element:s?*
PFCOUNT key:k@0*
PFDEBUG subcommand:s key:k@0
PFMERGE destkey:k@0 sourcekey:k@1*
PING message:s?
PSETEX key:k@0 milliseconds:i value:s
PSUBSCRIBE pattern:b*(pattern:p)
PSYNC replicationid:s offset:i
PTTL key:k@0
PUBLISH channel:s message:s
PUBSUB|CHANNELS pattern:p?
PUBSUB|NUMSUB channel:s?*
PUBSUB|SHARDCHANNELS pattern:p?
PUBSUB|SHARDNUMSUB shardchannel:s?*
PUNSUBSCRIBE pattern:p?*
RENAME key:k@0 newkey:k@1
RENAMENX key:k@0 newkey:k@1
REPLICAOF args:o(host-port:b(host:s port:i) no-one:b(NO ONE))
RESTORE key:k@0 ttl:i serialized-value:s REPLACE?~3.0.0 ABSTTL?~5.0.0 IDLETIME=seconds:i?~5.0.0
    FREQ=frequency:i?~5.0.0
RESTORE-ASKING key:k@0 ttl:i serialized-value:s REPLACE?~3.0.0 ABSTTL?~5.0.0 IDLETIME=seconds:i?~5.0.0
    FREQ=frequency:i?~5.0.0
RPOP key:k@0 count:i?~6.2.0
RPOPLPUSH source:k@0 destination:k@1
RPUSH key:k@0 element:s*
RPUSHX key:k@0 element:s*
SADD key:k@0 member:s*
SCAN cursor:i MATCH=pattern:p? COUNT=count:i? TYPE=type:s?~6.0.0
SCARD key:k@0
SCRIPT|DEBUG mode:o(YES SYNC NO)
SCRIPT|EXISTS sha1:s*
SCRIPT|FLUSH async:o?~6.2.0(ASYNC SYNC)
SCRIPT|LOAD script:s
SDIFF key:k@0*
SDIFFSTORE destination:k@0 key:k@1*
SELECT index:i
SET key:k@0 value:s condition:o?~2.6.12(NX XX) GET?~6.2.0 expiration:o?(EX=seconds:i~2.6.12 PX=milliseconds:i~2.6.12
    EXAT=unix-time-seconds:u~6.2.0 PXAT=unix-time-milliseconds:u~6.2.0 KEEPTTL~6.0.0)
SETBIT key:k@0 offset:i value:i
SETEX key:k@0 seconds:i value:s
SETNX key:k@0 value:s
SETRANGE key:k@0 offset:i value:s
SHUTDOWN nosave_save:o?(NOSAVE SAVE) NOW?~7.0.0 FORCE?~7.0.0 ABORT?~7.0.0
SINTER key:k@0*
SINTERCARD numkeys:i key:k@0* LIMIT=limit:i?
SINTERSTORE destination:k@0 key:k@1*
SISMEMBER key:k@0 member:s
SLAVEOF args:o(host-port:b(host:s port:i) no-one:b(NO ONE))
SLOWLOG|GET count:i?
SMEMBERS key:k@0
SMISMEMBER key:k@0 member:s*
SMOVE source:k@0 destination:k@1 member:s
SORT key:k@0 BY=pattern:p@1? LIMIT=offset_count:b?(offset:i count:i) GET=pattern:p@1?*+ order:o?(ASC DESC)
    ALPHA=sorting:t? STORE=destination:k@2?
SORT_RO key:k@0 BY=pattern:p@1? LIMIT=offset_count:b?(offset:i count:i) GET=pattern:p@1?*+ order:o?(ASC DESC)
    ALPHA=sorting:t?
SPOP key:k@0 count:i?~3.2.0
SPUBLISH shardchannel:s message:s
SRANDMEMBER key:k@0 count:i?~2.6.0
SREM key:k@0 member:s*
SSCAN key:k@0 cursor:i MATCH=pattern:p? COUNT=count:i?
SSUBSCRIBE shardchannel:s*
STRLEN key:k@0
SUBSCRIBE channel:s*
SUBSTR key:k@0 start:i end:i
SUNION key:k@0*
SUNIONSTORE destination:k@0 key:k@1*
SUNSUBSCRIBE shardchannel:s?*
SWAPDB index1:i index2:i
TOUCH key:k@0*
TTL key:k@0
TYPE key:k@0
UNLINK key:k@0*
UNSUBSCRIBE channel:s?*
WAIT numreplicas:i timeout:i
WAITAOF numlocal:i numreplicas:i timeout:i
WATCH key:k@0*
XACK key:k@0 group:s id:s*
XADD key:k@0 NOMKSTREAM?~6.2.0 trim:b?(strategy:o(MAXLEN MINID~6.2.0) operator:o?(==equal:t ~=approximately:t)
    threshold:s LIMIT=count:i?~6.2.0) id_or_auto:o(*=auto_id:t id:s) field_value:b*(field:s value:s)
XAUTOCLAIM key:k@0 group:s consumer:s min-idle-time:s start:s COUNT=count:i? JUSTID?
XCLAIM key:k@0 group:s consumer:s min-idle-time:s id:s* IDLE=ms:i? TIME=unix-time-milliseconds:u? RETRYCOUNT=count:i?
    FORCE? JUSTID? LASTID=id:s?
XDEL key:k@0 id:s*
XGROUP|CREATE key:k@0 groupname:s id:o(id:s $=new_id:t) MKSTREAM? ENTRIESREAD=entries_read:i?
XGROUP|CREATECONSUMER key:k@0 groupname:s consumername:s
XGROUP|DELCONSUMER key:k@0 groupname:s consumername:s
XGROUP|DESTROY key:k@0 groupname:s
XGROUP|SETID key:k@0 groupname:s id:o(id:s $=new_id:t) ENTRIESREAD=entries_read:i?
XINFO|CONSUMERS key:k@0 groupname:s
XINFO|GROUPS key:k@0
XINFO|STREAM key:k@0 FULL=full:b?(COUNT=count:i?)
XLEN key:k@0
XPENDING key:k@0 group:s filters:b?(IDLE=min-idle-time:i?~6.2.0 start:s end:s count:i consumer:s?)
XRANGE key:k@0 start:s end:s COUNT=count:i?
XREAD COUNT=count:i? BLOCK=milliseconds:i? STREAMS=streams:b(key:k@0* id:s*)
XREADGROUP GROUP=group_consumer:b(group:s consumer:s) COUNT=count:i? BLOCK=milliseconds:i? NOACK?
    STREAMS=streams:b(key:k@0* id:s*)
XREVRANGE key:k@0 end:s start:s COUNT=count:i?
XSETID key:k@0 last-id:s ENTRIESADDED=entries_added:i?~7.0.0 MAXDELETEDID=max_deleted_entry_id:s?~7.0.0
XTRIM key:k@0 trim:b(strategy:o(MAXLEN MINID~6.2.0) operator:o?(==equal:t ~=approximately:t) threshold:s
    LIMIT=count:i?~6.2.0)
ZADD key:k@0 condition:o?~3.0.2(NX XX) comparison:o?~6.2.0(GT LT) CH=change:t?~3.0.2 INCR=increment:t?~3.0.2
    score_member:b*(score:d member:s)
ZCARD key:k@0
ZCOUNT key:k@0 min:d max:d
ZDIFF numkeys:i key:k@0* WITHSCORES?
ZDIFFSTORE destination:k@0 numkeys:i key:k@1*
ZINCRBY key:k@0 increment:i member:s
ZINTER numkeys:i key:k@0* WEIGHTS=weight:i?* AGGREGATE=aggregate:o?(SUM MIN MAX) WITHSCORES?
ZINTERCARD numkeys:i key:k@0* LIMIT=limit:i?
ZINTERSTORE destination:k@0 numkeys:i key:k@1* WEIGHTS=weight:i?* AGGREGATE=aggregate:o?(SUM MIN MAX)
ZLEXCOUNT key:k@0 min:s max:s
ZMPOP numkeys:i key:k@0* where:o(MIN MAX) COUNT=count:i?
ZMSCORE key:k@0 member:s*
ZPOPMAX key:k@0 count:i?
ZPOPMIN key:k@0 count:i?
ZRANDMEMBER key:k@0 options:b?(count:i WITHSCORES?)
ZRANGE key:k@0 start:s stop:s sortby:o?~6.2.0(BYSCORE BYLEX) REV?~6.2.0 LIMIT=offset_count:b?~6.2.0(offset:i count:i)
    WITHSCORES?
ZRANGEBYLEX key:k@0 min:s max:s LIMIT=offset_count:b?(offset:i count:i)
ZRANGEBYSCORE key:k@0 min:d max:d WITHSCORES?~2.0.0 LIMIT=offset_count:b?(offset:i count:i)
ZRANGESTORE dst:k@0 src:k@1 min:s max:s sortby:o?(BYSCORE BYLEX) REV? LIMIT=offset_count:b?(offset:i count:i)
ZRANK key:k@0 member:s WITHSCORE?~7.2.0
ZREM key:k@0 member:s*
ZREMRANGEBYLEX key:k@0 min:s max:s
ZREMRANGEBYRANK key:k@0 start:i stop:i
ZREMRANGEBYSCORE key:k@0 min:d max:d
ZREVRANGE key:k@0 start:i stop:i WITHSCORES?
ZREVRANGEBYLEX key:k@0 max:s min:s LIMIT=offset_count:b?(offset:i count:i)
ZREVRANGEBYSCORE key:k@0 max:d min:d WITHSCORES? LIMIT=offset_count:b?(offset:i count:i)
ZREVRANK key:k@0 member:s WITHSCORE?~7.2.0
ZSCAN key:k@0 cursor:i MATCH=pattern:p? COUNT=count:i?
ZSCORE key:k@0 member:s
ZUNION numkeys:i key:k@0* WEIGHTS=weight:i?* AGGREGATE=aggregate:o?(SUM MIN MAX) WITHSCORES?
ZUNIONSTORE destination:k@0 numkeys:i key:k@1* WEIGHTS=weight:i?* AGGREGATE=aggregate:o?(SUM MIN MAX)
"""

SYNTAX: dict[str, tuple[Argument, ...]] = {name: parse(lines[0]) for name, lines in paragraphs(_SYNTAX).items()}
