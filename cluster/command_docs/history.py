"""What changed in which version of Redis, as COMMAND DOCS tells it: (version, change) pairs of each command."""

from __future__ import annotations

from cluster.command_docs.syntax import paragraphs

_HISTORY = """
ACL|GETUSER
  6.2.0 Added Pub/Sub channel patterns.
  7.0.0 Added selectors and changed the format of key and channel patterns from a list to their rule representation.
ACL|SETUSER
  6.2.0 Added Pub/Sub channel patterns.
  7.0.0 Added selectors and key based permissions.
AUTH
  6.0.0 Added ACL style (username and password).
BGSAVE
  3.2.2 Added the `SCHEDULE` option.
BITCOUNT
  7.0.0 Added the `BYTE|BIT` option.
BITPOS
  7.0.0 Added the `BYTE|BIT` option.
BLPOP
  6.0.0 `timeout` is interpreted as a double instead of an integer.
BRPOP
  6.0.0 `timeout` is interpreted as a double instead of an integer.
BRPOPLPUSH
  6.0.0 `timeout` is interpreted as a double instead of an integer.
BZPOPMAX
  6.0.0 `timeout` is interpreted as a double instead of an integer.
BZPOPMIN
  6.0.0 `timeout` is interpreted as a double instead of an integer.
CLIENT|KILL
  2.8.12 Added new filter format.
  2.8.12 `ID` option.
  3.2.0 Added `master` type in for `TYPE` option.
  5.0.0 Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.
  6.2.0 `LADDR` option.
CLIENT|LIST
  2.8.12 Added unique client `id` field.
  5.0.0 Added optional `TYPE` filter.
  6.0.0 Added `user` field.
  6.2.0 Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.
  7.0.0 Added `resp`, `multi-mem`, `rbs` and `rbp` fields.
  7.0.3 Added `ssub` field.
CLIENT|PAUSE
  6.2.0 `CLIENT PAUSE WRITE` mode added along with the `mode` option.
CLUSTER|MEET
  4.0.0 Added the optional `cluster_bus_port` argument.
CLUSTER|SLOTS
  4.0.0 Added node IDs.
  7.0.0 Added additional networking metadata field.
COMMAND|INFO
  7.0.0 Allowed to be called with no argument to get info on all commands.
CONFIG|GET
  7.0.0 Added the ability to pass multiple pattern parameters in one call
CONFIG|SET
  7.0.0 Added the ability to set multiple parameters in one call.
EXISTS
  3.0.3 Accepts multiple `key` arguments.
EXPIRE
  7.0.0 Added options: `NX`, `XX`, `GT` and `LT`.
EXPIREAT
  7.0.0 Added options: `NX`, `XX`, `GT` and `LT`.
FLUSHALL
  4.0.0 Added the `ASYNC` flushing mode modifier.
  6.2.0 Added the `SYNC` flushing mode modifier.
FLUSHDB
  4.0.0 Added the `ASYNC` flushing mode modifier.
  6.2.0 Added the `SYNC` flushing mode modifier.
GEOADD
  6.2.0 Added the `CH`, `NX` and `XX` options.
GEORADIUS
  6.2.0 Added the `ANY` option for `COUNT`.
  7.0.0 Added support for uppercase unit names.
GEORADIUSBYMEMBER
  7.0.0 Added support for uppercase unit names.
GEORADIUS_RO
  6.2.0 Added the `ANY` option for `COUNT`.
GEOSEARCH
  7.0.0 Added support for uppercase unit names.
GEOSEARCHSTORE
  7.0.0 Added support for uppercase unit names.
HDEL
  2.4.0 Accepts multiple `field` arguments.
HELLO
  6.2.0 `protover` made optional; when called without arguments the command reports the current connection's context.
HSET
  4.0.0 Accepts multiple `field` and `value` arguments.
INFO
  7.0.0 Added support for taking multiple section arguments.
LPOP
  6.2.0 Added the `count` argument.
LPUSH
  2.4.0 Accepts multiple `element` arguments.
LPUSHX
  4.0.0 Accepts multiple `element` arguments.
MIGRATE
  3.0.0 Added the `COPY` and `REPLACE` options.
  3.0.6 Added the `KEYS` option.
  4.0.7 Added the `AUTH` option.
  6.0.0 Added the `AUTH2` option.
PEXPIRE
  7.0.0 Added options: `NX`, `XX`, `GT` and `LT`.
PEXPIREAT
  7.0.0 Added options: `NX`, `XX`, `GT` and `LT`.
PTTL
  2.8.0 Added the -2 reply.
RENAMENX
  3.2.0 The command no longer returns an error when source and destination names are the same.
RESTORE
  3.0.0 Added the `REPLACE` modifier.
  5.0.0 Added the `ABSTTL` modifier.
  5.0.0 Added the `IDLETIME` and `FREQ` options.
RESTORE-ASKING
  3.0.0 Added the `REPLACE` modifier.
  5.0.0 Added the `ABSTTL` modifier.
  5.0.0 Added the `IDLETIME` and `FREQ` options.
RPOP
  6.2.0 Added the `count` argument.
RPUSH
  2.4.0 Accepts multiple `element` arguments.
RPUSHX
  4.0.0 Accepts multiple `element` arguments.
SADD
  2.4.0 Accepts multiple `member` arguments.
SCAN
  6.0.0 Added the `TYPE` subcommand.
SCRIPT|FLUSH
  6.2.0 Added the `ASYNC` and `SYNC` flushing mode modifiers.
SET
  2.6.12 Added the `EX`, `PX`, `NX` and `XX` options.
  6.0.0 Added the `KEEPTTL` option.
  6.2.0 Added the `GET`, `EXAT` and `PXAT` option.
  7.0.0 Allowed the `NX` and `GET` options to be used together.
SHUTDOWN
  7.0.0 Added the `NOW`, `FORCE` and `ABORT` modifiers.
SLOWLOG|GET
  4.0.0 Added client IP address, port and name to the reply.
SPOP
  3.2.0 Added the `count` argument.
SRANDMEMBER
  2.6.0 Added the optional `count` argument.
SREM
  2.4.0 Accepts multiple `member` arguments.
TTL
  2.8.0 Added the -2 reply.
XADD
  6.2.0 Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option.
  7.0.0 Added support for the `<ms>-*` explicit ID form.
XAUTOCLAIM
  7.0.0 Added an element to the reply array, containing deleted entries the command cleared from the PEL
XGROUP|CREATE
  7.0.0 Added the `entries_read` named argument.
XGROUP|SETID
  7.0.0 Added the optional `entries_read` argument.
XINFO|GROUPS
  7.0.0 Added the `entries-read` and `lag` fields
XINFO|STREAM
  6.0.0 Added the `FULL` modifier.
  7.0.0 Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag` fields
XPENDING
  6.2.0 Added the `IDLE` option and exclusive range intervals.
XRANGE
  6.2.0 Added exclusive ranges.
XREVRANGE
  6.2.0 Added exclusive ranges.
XSETID
  7.0.0 Added the `entries_added` and `max_deleted_entry_id` arguments.
XTRIM
  6.2.0 Added the `MINID` trimming strategy and the `LIMIT` option.
ZADD
  2.4.0 Accepts multiple elements.
  3.0.2 Added the `XX`, `NX`, `CH` and `INCR` options.
  6.2.0 Added the `GT` and `LT` options.
ZRANGE
  6.2.0 Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.
ZRANGEBYSCORE
  2.0.0 Added the `WITHSCORES` modifier.
ZRANK
  7.2.0 Added the optional `WITHSCORE` argument.
ZREM
  2.4.0 Accepts multiple elements.
ZREVRANGEBYSCORE
  2.1.6 `min` and `max` can be exclusive.
ZREVRANK
  7.2.0 Added the optional `WITHSCORE` argument.
"""

HISTORY: dict[str, list[tuple[str, str]]] = {}
for _name, _lines in paragraphs(_HISTORY).items():
    HISTORY[_name] = [(line.partition(" ")[0], line.partition(" ")[2]) for line in _lines]
