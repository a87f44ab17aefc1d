"""Rows of the commands of the cluster protocol."""

from cluster.command_table.model import At, Command, F

ROWS = [
    Command(
        "ASKING", 1, F.FAST, at=At.ROUTER, group="cluster", since="3.0.0", acl=("connection",),
        summary="Sent by cluster clients after an -ASK redirect",
    ),
    Command(
        "CLUSTER", -2, at=At.ROUTER, group="cluster", since="3.0.0", container=True,
        complexity="Depends on subcommand.", summary="A container for cluster commands",
    ),
    Command(
        "CLUSTER|ADDSLOTS", -3, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        complexity="O(N) where N is the total number of hash slot arguments",
        summary="Assign new hash slots to receiving node",
    ),
    Command(
        "CLUSTER|ADDSLOTSRANGE", -4, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster",
        since="7.0.0",
        complexity="O(N) where N is the total number of the slots between the start slot and end slot arguments.",
        summary="Assign new hash slots to receiving node",
    ),
    Command(
        "CLUSTER|BUMPEPOCH", 2, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        tips=("nondeterministic_output",), summary="Advance the cluster config epoch",
    ),
    Command(
        "CLUSTER|COUNT-FAILURE-REPORTS", 3, F.ADMIN | F.STALE, at=At.ROUTER, group="cluster", since="3.0.0",
        tips=("nondeterministic_output",), complexity="O(N) where N is the number of failure reports",
        summary="Return the number of failure reports active for a given node",
    ),
    Command(
        "CLUSTER|COUNTKEYSINSLOT", 3, F.STALE, at=At.ROUTER, group="cluster", since="3.0.0",
        summary="Return the number of local keys in the specified hash slot",
    ),
    Command(
        "CLUSTER|DELSLOTS", -3, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        complexity="O(N) where N is the total number of hash slot arguments",
        summary="Set hash slots as unbound in receiving node",
    ),
    Command(
        "CLUSTER|DELSLOTSRANGE", -4, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster",
        since="7.0.0",
        complexity="O(N) where N is the total number of the slots between the start slot and end slot arguments.",
        summary="Set hash slots as unbound in receiving node",
    ),
    Command(
        "CLUSTER|FAILOVER", -2, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        summary="Forces a replica to perform a manual failover of its master.",
    ),
    Command(
        "CLUSTER|FLUSHSLOTS", 2, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster",
        since="3.0.0", summary="Delete a node's own slots information",
    ),
    Command(
        "CLUSTER|FORGET", 3, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        summary="Remove a node from the nodes table",
    ),
    Command(
        "CLUSTER|GETKEYSINSLOT", 4, F.STALE, at=At.ROUTER, group="cluster", since="3.0.0",
        tips=("nondeterministic_output",), complexity="O(log(N)) where N is the number of requested keys",
        summary="Return local key names in the specified hash slot",
    ),
    Command(
        "CLUSTER|HELP", 2, F.LOADING | F.STALE, at=At.ROUTER, group="cluster", since="5.0.0",
        summary="Show helpful text about the different subcommands",
    ),
    Command(
        "CLUSTER|INFO", 2, F.STALE, at=At.ROUTER, group="cluster", since="3.0.0", tips=("nondeterministic_output",),
        summary="Provides info about Redis Cluster node state",
    ),
    Command(
        "CLUSTER|KEYSLOT", 3, F.STALE, at=At.ROUTER, group="cluster", since="3.0.0",
        complexity="O(N) where N is the number of bytes in the key",
        summary="Returns the hash slot of the specified key",
    ),
    Command(
        "CLUSTER|LINKS", 2, F.STALE, at=At.ROUTER, group="cluster", since="7.0.0", tips=("nondeterministic_output",),
        complexity="O(N) where N is the total number of Cluster nodes",
        summary="Returns a list of all TCP links to and from peer nodes in cluster",
    ),
    Command(
        "CLUSTER|MEET", -4, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        summary="Force a node cluster to handshake with another node",
    ),
    Command("CLUSTER|MYID", 2, F.STALE, at=At.ROUTER, group="cluster", since="3.0.0", summary="Return the node id"),
    Command(
        "CLUSTER|MYSHARDID", 2, F.LOADING | F.STALE, at=At.ROUTER, group="cluster", since="7.2.0",
        summary="Returns the shard ID of a node",
    ),
    Command(
        "CLUSTER|NODES", 2, F.STALE, at=At.ROUTER, group="cluster", since="3.0.0", tips=("nondeterministic_output",),
        complexity="O(N) where N is the total number of Cluster nodes", summary="Get Cluster config for the node",
    ),
    Command(
        "CLUSTER|REPLICAS", 3, F.ADMIN | F.STALE, at=At.ROUTER, group="cluster", since="5.0.0",
        tips=("nondeterministic_output",), summary="List replica nodes of the specified master node",
    ),
    Command(
        "CLUSTER|REPLICATE", 3, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        summary="Reconfigure a node as a replica of the specified master node",
    ),
    Command(
        "CLUSTER|RESET", -2, F.ADMIN | F.NOSCRIPT | F.STALE, at=At.ROUTER, group="cluster", since="3.0.0",
        complexity="O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.",
        summary="Reset a Redis Cluster node",
    ),
    Command(
        "CLUSTER|SAVECONFIG", 2, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster",
        since="3.0.0", summary="Forces the node to save cluster state on disk",
    ),
    Command(
        "CLUSTER|SET-CONFIG-EPOCH", 3, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster",
        since="3.0.0", summary="Set the configuration epoch in a new node",
    ),
    Command(
        "CLUSTER|SETSLOT", -4, F.ADMIN | F.STALE | F.NO_ASYNC_LOADING, at=At.ROUTER, group="cluster", since="3.0.0",
        summary="Bind a hash slot to a specific node",
    ),
    Command(
        "CLUSTER|SHARDS", 2, F.STALE, at=At.ROUTER, group="cluster", since="7.0.0",
        tips=("nondeterministic_output",), complexity="O(N) where N is the total number of cluster nodes",
        summary="Get array of cluster slots to node mappings",
    ),
    Command(
        "CLUSTER|SLAVES", 3, F.ADMIN | F.STALE, at=At.ROUTER, group="cluster", since="3.0.0",
        tips=("nondeterministic_output",), deprecated="5.0.0", replaced_by="`CLUSTER REPLICAS`",
        summary="List replica nodes of the specified master node",
    ),
    Command(
        "CLUSTER|SLOTS", 2, F.STALE, at=At.ROUTER, group="cluster", since="3.0.0", tips=("nondeterministic_output",),
        deprecated="7.0.0", replaced_by="`CLUSTER SHARDS`",
        complexity="O(N) where N is the total number of Cluster nodes",
        summary="Get array of Cluster slot to node mappings",
    ),
    Command(
        "READONLY", 1, F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="cluster", since="3.0.0",
        acl=("connection",), summary="Enables read queries for a connection to a cluster replica node",
    ),
    Command(
        "READWRITE", 1, F.LOADING | F.STALE | F.FAST, at=At.ROUTER, group="cluster", since="3.0.0",
        acl=("connection",), summary="Disables read queries for a connection to a cluster replica node",
    ),
]
