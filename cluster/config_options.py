"""Every configuration name: its kind, default, whether CONFIG SET may change it, and who needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.config_kinds import (
    INT_MAX,
    LONG_MAX,
    UINT_MAX,
    ULONG_MAX,
    Choice,
    Events,
    Kind,
    Number,
    OutputLimits,
    Percentiles,
    SavePoints,
    Text,
    Words,
    YesNo,
)

ROUTER = "router"
SHARD = "shard"
BOTH = "both"  # the router and its shards
GROUP = "group"  # the supervisor, at the start
NOBODY = "nobody"  # accepted for configurations written for Redis; it has nothing to act on here


@dataclass(frozen=True, slots=True)
class Option:
    """One configuration name. default: a value of its kind. alias: an older name of the same."""

    name: str
    kind: Kind
    default: Any
    who: str = NOBODY
    mutable: bool = True
    protected: bool = False  # CONFIG SET only with enable-protected-configs
    alias: str = ""


_YES_NO = YesNo()
_TEXT = Text()


def _yes(name: str, who: str = NOBODY, **more: Any) -> Option:
    return Option(name, _YES_NO, True, who, **more)


def _no(name: str, who: str = NOBODY, **more: Any) -> Option:
    return Option(name, _YES_NO, False, who, **more)


def _int(name: str, default: int, who: str = NOBODY, low: int = 0, high: int = INT_MAX, unit: str = "", **more: Any) -> Option:
    return Option(name, Number(low, high, unit), default, who, **more)


def _bytes(name: str, default: int, who: str = NOBODY, low: int = 0, high: int = LONG_MAX, **more: Any) -> Option:
    return Option(name, Number(low, high, "memory"), default, who, **more)


def _text(name: str, default: str = "", who: str = NOBODY, **more: Any) -> Option:
    return Option(name, _TEXT, default, who, **more)


def _one_of(name: str, default: str, words: str, who: str = NOBODY, **more: Any) -> Option:
    return Option(name, Choice(tuple(words.split())), default, who, **more)


_LOCAL_OR_NOT = "no yes local"
_AT_END = "default save nosave now force"
_POLICIES = "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random noeviction"

_OWN = [
    # Names that Redis does not have.
    _int("shards", 4, GROUP, 1, 1024, mutable=False),
    _int("ws-port", 3001, ROUTER, 0, 65535, mutable=False),
    _bytes("ws-max-message-size", 16 << 20, ROUTER, 1024),
    _int("ws-max-clients", 1000, ROUTER, 0),
    _text("ws-allowed-origins", "", ROUTER),
    _text("ws-token", "", ROUTER),
    _yes("ws-start-replica", ROUTER),
    _int("shard-restart-timeout", 5000, ROUTER, 0),  # ms that a command waits for its shard
    _int("shard-heartbeat-timeout", 5000, ROUTER, 100),  # ms of silence until a shard is killed
    _int("router-heartbeat-timeout", 10000, GROUP, 2000, mutable=False),  # the same of the router
    _int("hold-timeout", 5000, BOTH, 10),  # ms that one operation may hold a shard
    _one_of("enable-python-functions", "local", _LOCAL_OR_NOT, BOTH),
    _bytes("python-memory-limit", 0, SHARD),
    _no("allow-undeclared-keys", BOTH),
    _text("curve-keys", "", BOTH, mutable=False),  # directory of the keys of tcp links between processes
    _no("insecure-links", BOTH, mutable=False),  # tcp links to other machines without keys
    _one_of("log-format", "text", "text json", BOTH, mutable=False),
]

_NETWORK = [
    Option("bind", Words(), "127.0.0.1 -::1", ROUTER),
    _int("port", 6379, ROUTER, 0, 65535),
    _int("tcp-backlog", 511, ROUTER, mutable=False),
    _text("unixsocket", "", ROUTER, mutable=False),
    _int("unixsocketperm", 0, ROUTER, 0, 0o777, "octal", mutable=False),
    _text("bind-source-addr"),
    _int("timeout", 0, ROUTER),
    _int("tcp-keepalive", 300, ROUTER),
    _yes("protected-mode", ROUTER),
    _int("maxclients", 10000, ROUTER, 1, UINT_MAX),
    _text("requirepass", "", ROUTER),
    Option(
        "client-output-buffer-limit",
        OutputLimits(),
        {"normal": (0, 0, 0), "slave": (268435456, 67108864, 60), "pubsub": (33554432, 8388608, 60)},
        ROUTER,
    ),
    _bytes("client-query-buffer-limit", 1 << 30, ROUTER, 1 << 20),
    _bytes("proto-max-bulk-len", 512 << 20, BOTH, 1 << 20),
    Option("maxmemory-clients", Number(-100, LONG_MAX, "percent"), 0),
    _int("tracking-table-max-keys", 1000000, BOTH, 0, LONG_MAX),
    _int("acllog-max-len", 128, ROUTER, 0, LONG_MAX),
    _one_of("acl-pubsub-default", "resetchannels", "allchannels resetchannels"),
    _text("aclfile", mutable=False),
]

_GENERAL = [
    _int("databases", 16, BOTH, 1, 256, mutable=False),  # a frame has a byte for it
    _no("daemonize", mutable=False),
    _one_of("supervised", "no", "upstart systemd auto no", mutable=False),
    _text("pidfile", mutable=False),
    _one_of("loglevel", "notice", "debug verbose notice warning", BOTH),
    _text("logfile", "", BOTH, mutable=False),
    _no("syslog-enabled", mutable=False),
    _text("syslog-ident", "redis", mutable=False),
    _text("syslog-facility", "local0", mutable=False),
    _no("always-show-logo", mutable=False),
    _yes("set-proc-title", mutable=False),
    _text("proc-title-template", "{title} {listen-addr} {server-mode}"),
    _text("dir", "./data", BOTH, protected=True),
    _int("hz", 10, SHARD, 1, 500),
    _yes("dynamic-hz"),
    _yes("activerehashing"),
    _int("active-expire-effort", 1, SHARD, 1, 10),
    _int("io-threads", 1, NOBODY, 1, 128, mutable=False),
    _no("io-threads-do-reads", mutable=False),
    Option("notify-keyspace-events", Events(), "", BOTH),
    _int("slowlog-log-slower-than", 10000, BOTH, -1, LONG_MAX),
    _int("slowlog-max-len", 128, BOTH, 0, LONG_MAX),
    _int("latency-monitor-threshold", 0, BOTH, 0, LONG_MAX),
    _yes("latency-tracking", BOTH),
    Option("latency-tracking-info-percentiles", Percentiles(), "50 99 99.9", ROUTER),
    _int("busy-reply-threshold", 5000, BOTH, 0, LONG_MAX, alias="lua-time-limit"),
    _one_of("enable-debug-command", "local", _LOCAL_OR_NOT, ROUTER, mutable=False),
    _one_of("enable-protected-configs", "no", _LOCAL_OR_NOT, ROUTER, mutable=False),
    _one_of("enable-module-command", "no", _LOCAL_OR_NOT, mutable=False),
    _text("ignore-warnings"),
    _int("shutdown-timeout", 10, ROUTER),
    _one_of("shutdown-on-sigterm", "default", _AT_END, ROUTER),
    _one_of("shutdown-on-sigint", "default", _AT_END, ROUTER),
    _yes("crash-log-enabled"),
    _yes("crash-memcheck-enabled"),
    _one_of("oom-score-adj", "no", "no yes relative absolute"),
    Option("oom-score-adj-values", Words((3,)), "0 200 800"),
    _yes("disable-thp", mutable=False),
    _yes("jemalloc-bg-thread"),
    *(_text(name, mutable=False) for name in ("server_cpulist", "bio_cpulist", "aof_rewrite_cpulist", "bgsave_cpulist")),
    _int("socket-mark-id", 0, mutable=False),
]

_MEMORY = [
    _bytes("maxmemory", 0, BOTH, 0, ULONG_MAX),
    _one_of("maxmemory-policy", "noeviction", _POLICIES, BOTH),
    _int("maxmemory-samples", 5, SHARD, 1),
    _int("maxmemory-eviction-tenacity", 10, SHARD, 0, 100),
    _int("lfu-log-factor", 10, SHARD),
    _int("lfu-decay-time", 1, SHARD),
    _no("lazyfree-lazy-eviction", SHARD),
    _no("lazyfree-lazy-expire", SHARD),
    _no("lazyfree-lazy-server-del", SHARD),
    _no("lazyfree-lazy-user-del", SHARD),
    _no("lazyfree-lazy-user-flush", SHARD),
    _no("activedefrag"),
    _int("active-defrag-cycle-min", 1, NOBODY, 1, 99),
    _int("active-defrag-cycle-max", 25, NOBODY, 1, 99),
    _int("active-defrag-threshold-lower", 10, NOBODY, 0, 1000),
    _int("active-defrag-threshold-upper", 100, NOBODY, 0, 1000),
    _int("active-defrag-max-scan-fields", 1000, NOBODY, 1, LONG_MAX),
    _bytes("active-defrag-ignore-bytes", 100 << 20, NOBODY, 1),
    _int("hash-max-listpack-entries", 512, SHARD, 0, LONG_MAX, alias="hash-max-ziplist-entries"),
    _bytes("hash-max-listpack-value", 64, SHARD, alias="hash-max-ziplist-value"),
    _int("list-max-listpack-size", -2, SHARD, -(2**31), INT_MAX, alias="list-max-ziplist-size"),
    _int("list-compress-depth", 0, SHARD),
    _int("set-max-intset-entries", 512, SHARD, 0, LONG_MAX),
    _int("set-max-listpack-entries", 128, SHARD, 0, LONG_MAX),
    _bytes("set-max-listpack-value", 64, SHARD),
    _int("zset-max-listpack-entries", 128, SHARD, 0, LONG_MAX, alias="zset-max-ziplist-entries"),
    _bytes("zset-max-listpack-value", 64, SHARD, alias="zset-max-ziplist-value"),
    _bytes("stream-node-max-bytes", 4096, SHARD),
    _int("stream-node-max-entries", 100, SHARD, 0, LONG_MAX),
    _bytes("hll-sparse-max-bytes", 3000, SHARD),
]

_DURABILITY = [
    _yes("appendonly", BOTH),
    _one_of("appendfsync", "everysec", "everysec always no", SHARD),
    Option("appendfilename", Text(True), "appendonly.aof", SHARD, mutable=False),
    Option("appenddirname", Text(True), "appendonlydir", SHARD, mutable=False),
    _no("no-appendfsync-on-rewrite", SHARD),
    _int("auto-aof-rewrite-percentage", 100, SHARD),
    _bytes("auto-aof-rewrite-min-size", 64 << 20, SHARD),
    _yes("aof-load-truncated", SHARD),
    _yes("aof-use-rdb-preamble", SHARD),
    _no("aof-timestamp-enabled", SHARD),
    _no("aof-disable-auto-gc", SHARD),
    _yes("aof-rewrite-incremental-fsync", SHARD),
    Option("save", SavePoints(), "3600 1 300 100 60 10000", BOTH),
    Option("dbfilename", Text(True), "dump.rdb", SHARD, protected=True),
    _yes("rdbcompression", SHARD),
    _yes("rdbchecksum", SHARD, mutable=False),
    _no("rdb-del-sync-files", SHARD),
    _yes("rdb-save-incremental-fsync", SHARD),
    _yes("stop-writes-on-bgsave-error", SHARD),
    _one_of("sanitize-dump-payload", "no", "no yes clients", SHARD),
]

_REPLICATION = [
    Option("replicaof", Words((0, 2)), "", BOTH, mutable=False, alias="slaveof"),
    _text("masteruser", "", BOTH),
    _text("masterauth", "", BOTH),
    _yes("replica-serve-stale-data", BOTH, alias="slave-serve-stale-data"),
    _yes("replica-read-only", BOTH, alias="slave-read-only"),
    _int("replica-priority", 100, ROUTER, alias="slave-priority"),
    _text("replica-announce-ip", "", ROUTER, alias="slave-announce-ip"),
    _int("replica-announce-port", 0, ROUTER, 0, 65535, alias="slave-announce-port"),
    _yes("replica-announced", ROUTER),
    _yes("replica-ignore-maxmemory", SHARD, alias="slave-ignore-maxmemory"),
    _no("replica-lazy-flush", SHARD, alias="slave-lazy-flush"),
    _no("replica-ignore-disk-write-errors", SHARD),
    _int("min-replicas-to-write", 0, ROUTER, alias="min-slaves-to-write"),
    _int("min-replicas-max-lag", 10, ROUTER, alias="min-slaves-max-lag"),
    _bytes("repl-backlog-size", 1 << 20, BOTH, 1),
    _int("repl-backlog-ttl", 3600, BOTH, 0, LONG_MAX),
    _int("repl-timeout", 60, BOTH, 1),
    _int("repl-ping-replica-period", 10, BOTH, 1, alias="repl-ping-slave-period"),
    _no("repl-disable-tcp-nodelay", BOTH),
    _yes("repl-diskless-sync", SHARD),
    _int("repl-diskless-sync-delay", 5, SHARD),
    _int("repl-diskless-sync-max-replicas", 0, SHARD),
    _one_of("repl-diskless-load", "disabled", "disabled on-empty-db swapdb", SHARD),
    _one_of("propagation-error-behavior", "ignore", "ignore panic panic-on-replicas"),
]

_CLUSTER = [
    _no("cluster-enabled", mutable=False),
    _text("cluster-config-file", "nodes.conf", mutable=False),
    _int("cluster-node-timeout", 15000, NOBODY, 0, LONG_MAX),
    _int("cluster-port", 0, NOBODY, 0, 65535, mutable=False),
    _text("cluster-announce-ip"),
    _text("cluster-announce-hostname"),
    _int("cluster-announce-port", 0, NOBODY, 0, 65535),
    _int("cluster-announce-bus-port", 0, NOBODY, 0, 65535),
    _int("cluster-announce-tls-port", 0, NOBODY, 0, 65535),
    _int("cluster-migration-barrier", 1),
    _int("cluster-replica-validity-factor", 10, alias="cluster-slave-validity-factor"),
    _no("cluster-replica-no-failover", alias="cluster-slave-no-failover"),
    _yes("cluster-require-full-coverage"),
    _yes("cluster-allow-replica-migration"),
    _no("cluster-allow-reads-when-down"),
    _yes("cluster-allow-pubsubshard-when-down"),
    _bytes("cluster-link-sendbuf-limit", 0),
    _one_of("cluster-preferred-endpoint-type", "ip", "ip hostname unknown-endpoint"),
]

ROWS: list[Option] = [*_NETWORK, *_GENERAL, *_MEMORY, *_DURABILITY, *_REPLICATION, *_CLUSTER, *_OWN]
OPTIONS: dict[str, Option] = {row.name: row for row in ROWS}
ALIASES: dict[str, str] = {row.alias: row.name for row in ROWS if row.alias}
