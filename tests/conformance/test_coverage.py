"""Every row of the command table is exercised by some grammar, or is listed here with the reason why not."""

import random
from collections.abc import Iterable, Iterator

from cluster.command_docs.syntax import SYNTAX, Argument
from cluster.command_table import TABLE
from cluster.command_table.model import F

from .draw import RULES, Draw
from .sequences import TYPES

# reason: names (a container stands for all its subcommands)
NOT_COMPARED = {
    "each server tells of itself, its clock or its clients": """
        ACL CLIENT|ID CLIENT|INFO CLUSTER COMMAND|COUNT COMMAND|DOCS INFO LASTSAVE
        LATENCY|DOCTOR LATENCY|HELP LATENCY|LATEST LOLWUT MEMORY MODULE ROLE SLOWLOG TIME""",
    "help texts": """
        CLIENT|HELP COMMAND|HELP CONFIG|HELP FUNCTION|HELP OBJECT|HELP PUBSUB|HELP SCRIPT|HELP XGROUP|HELP
        XINFO|HELP""",
    "they change what later replies of the connection mean; tests/router and tests/processes have them": """
        MONITOR QUIT""",
    "they act on files, processes or other servers; tests/processes has them": """
        BGREWRITEAOF BGSAVE CONFIG|RESETSTAT CONFIG|REWRITE FAILOVER MIGRATE PSYNC REPLCONF REPLICAOF RESTORE-ASKING SAVE
        SHUTDOWN SLAVEOF SYNC""",
    "newer than the 7.0 oracle; tests/shard and tests/router have them": """
        CLIENT|NO-TOUCH CLIENT|SETINFO HEXPIRE HEXPIREAT HEXPIRETIME HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HTTL
        WAITAOF""",
    "only ElixirCache has them": "PY.CALL PY.CALL_RO PY.DELETE PY.DUMP PY.EVAL PY.KILL PY.LIST PY.LOAD PY.STATS",
    "nothing runs that could be ended, or looked at step by step": "FUNCTION|KILL FUNCTION|STATS SCRIPT|DEBUG SCRIPT|KILL",
    "part of every exchange of DUMPs": "DUMP FUNCTION|DUMP",
    "for Redis Cluster's own clients": "ASKING READWRITE",
    "debugging of one implementation": "PFDEBUG PFSELFTEST",
}


# Options that no grammar draws although it draws their command.
OPTIONS_NOT_COMPARED = {
    "newer than the 7.0 oracle; tests/shard and tests/processes have them": """
        CLIENT|KILL:MAXAGE ZRANK:WITHSCORE ZREVRANK:WITHSCORE""",
    "no reply, where the comparison expects one for each command; tests/processes has them": """
        CLIENT|REPLY:OFF CLIENT|REPLY:SKIP""",
}


def generated() -> dict[str, set[str]]:
    """Name, with subcommand where there is one -> the words behind it that the grammars make."""
    names: dict[str, set[str]] = {}
    rng = random.Random(1)
    for grammar, rules in RULES.items():
        for rule, _ in rules:
            for _ in range(400):  # the rarest option has a hundredth of one rule
                made = rule(Draw(rng, grammar if grammar in TYPES else "lists"))
                for args in [made] if isinstance(made[0], bytes) else made:
                    words = [arg.upper().decode("latin-1") for arg in args]
                    names.setdefault(words[0], set()).update(words[1:])
                    names.setdefault("|".join(words[:2]), set()).update(words[2:])
    return names


def options(arguments: Iterable[Argument]) -> Iterator[str]:
    """The words that COMMAND DOCS tells of a command, nested ones too."""
    for argument in arguments:
        if argument.token:
            yield argument.token
        yield from options(argument.parts)


def test_every_command_is_compared_with_redis_or_says_why_not():
    excused = {name for names in NOT_COMPARED.values() for name in names.split()}
    made = generated()
    missing = [
        name
        for name, row in TABLE.items()
        if name not in made and not row.flags & F.INTERNAL and not {name, name.partition("|")[0]} & excused
    ]
    assert missing == []


def test_every_option_is_compared_with_redis_or_says_why_not():
    excused = {name for names in OPTIONS_NOT_COMPARED.values() for name in names.split()}
    made = generated()
    missing = [
        f"{name}:{word}"
        for name, arguments in SYNTAX.items()
        if name in made
        for word in options(arguments)
        if word not in made[name] and f"{name}:{word}" not in excused
    ]
    assert missing == []
