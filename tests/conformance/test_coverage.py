"""Every row of the command table is exercised by some grammar, or is listed here with the reason why not."""

import random

from cluster.command_table import TABLE
from cluster.command_table.model import F

from .draw import RULES, Draw
from .sequences import TYPES

# reason: names (a container stands for all its subcommands)
NOT_COMPARED = {
    "each server tells of itself, its clock or its clients": """
        ACL CLIENT|ID CLIENT|INFO CLIENT|LIST CLUSTER COMMAND|COUNT COMMAND|DOCS COMMAND|LIST INFO LASTSAVE
        LATENCY LOLWUT MEMORY MODULE ROLE SLOWLOG TIME""",
    "help texts": """
        CLIENT|HELP COMMAND|HELP CONFIG|HELP FUNCTION|HELP OBJECT|HELP PUBSUB|HELP SCRIPT|HELP XGROUP|HELP
        XINFO|HELP""",
    "they change what later replies of the connection mean; tests/router and tests/processes have them": """
        MONITOR PSUBSCRIBE PUNSUBSCRIBE QUIT RESET SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE CLIENT|PAUSE""",
    "they act on files, processes or other servers; tests/processes has them": """
        BGREWRITEAOF BGSAVE CONFIG|RESETSTAT CONFIG|REWRITE FAILOVER MIGRATE PSYNC REPLCONF REPLICAOF RESTORE-ASKING SAVE
        SHUTDOWN SLAVEOF SYNC""",
    "newer than the 7.0 oracle; tests/shard and tests/router have them": """
        CLIENT|NO-TOUCH CLIENT|SETINFO HEXPIRE HEXPIREAT HEXPIRETIME HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HTTL
        WAITAOF""",
    "only ElixirCache has them": "PY.CALL PY.CALL_RO PY.DELETE PY.DUMP PY.EVAL PY.KILL PY.LIST PY.LOAD PY.STATS",
    "state that FLUSHALL leaves: libraries and cached scripts; tests/shard has them": """
        EVALSHA_RO FCALL FCALL_RO FUNCTION SCRIPT|DEBUG SCRIPT|FLUSH SCRIPT|KILL SCRIPT|LOAD""",
    "part of every exchange of DUMPs": "DUMP",
    "for Redis Cluster's own clients": "ASKING READWRITE",
    "debugging of one implementation": "PFDEBUG PFSELFTEST",
}


def generated() -> set[str]:
    """Names, with subcommand where there is one, that the grammars make."""
    names: set[str] = set()
    rng = random.Random(1)
    for grammar, rules in RULES.items():
        for rule, _ in rules:
            for _ in range(150):
                made = rule(Draw(rng, grammar if grammar in TYPES else "lists"))
                for args in [made] if isinstance(made[0], bytes) else made:
                    words = [arg.upper().decode("latin-1") for arg in args[:2]]
                    names.update((words[0], "|".join(words)))
    return names


def test_every_command_is_compared_with_redis_or_says_why_not():
    excused = {name for names in NOT_COMPARED.values() for name in names.split()}
    made = generated()
    missing = [
        name
        for name, row in TABLE.items()
        if name not in made and not row.flags & F.INTERNAL and not {name, name.partition("|")[0]} & excused
    ]
    assert missing == []
