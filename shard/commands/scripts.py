"""EVAL, SCRIPT, FCALL, FUNCTION and PY.* on a shard."""

from __future__ import annotations

from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.replies import OK
from shard.registry import handles
from shard.scripting.scripts import number_of_keys, scripts_of


@handles("EVAL")
def eval_(engine: Any, args: list[bytes]) -> Any:
    """EVAL script numkeys [key ...] [arg ...]"""
    engine.no_effect()
    scripts = scripts_of(engine)
    number_of_keys(args, "ERR value is not an integer or out of range")
    return scripts.eval(scripts.load(args[1]), args, False)


@handles("EVALSHA")
def evalsha(engine: Any, args: list[bytes]) -> Any:
    """EVALSHA sha1 numkeys [key ...] [arg ...]"""
    engine.no_effect()
    scripts = scripts_of(engine)
    return scripts.eval(scripts.find(args[1]), args, False)


@handles("EVAL_RO")
def eval_ro(engine: Any, args: list[bytes]) -> Any:
    """EVAL_RO script numkeys [key ...] [arg ...]"""
    scripts = scripts_of(engine)
    return scripts.eval(scripts.load(args[1]), args, True)


@handles("EVALSHA_RO")
def evalsha_ro(engine: Any, args: list[bytes]) -> Any:
    """EVALSHA_RO sha1 numkeys [key ...] [arg ...]"""
    scripts = scripts_of(engine)
    return scripts.eval(scripts.find(args[1]), args, True)


@handles("SCRIPT|LOAD")
def script_load(engine: Any, args: list[bytes]) -> Any:
    """SCRIPT LOAD script: its sha1."""
    return scripts_of(engine).load(args[2]).sha


@handles("SHARD.SCRIPTS")
def cached_scripts(engine: Any, args: list[bytes]) -> Any:
    """The texts of all cached scripts, for a router that has just been started."""
    return [script.text for script in scripts_of(engine).cache.values()] if engine.scripts is not None else []


@handles("SCRIPT|EXISTS")
def script_exists(engine: Any, args: list[bytes]) -> Any:
    """SCRIPT EXISTS sha1 [sha1 ...]"""
    cache = scripts_of(engine).cache
    return [int(sha.lower() in cache) for sha in args[2:]]


@handles("SCRIPT|FLUSH")
def script_flush(engine: Any, args: list[bytes]) -> Any:
    """SCRIPT FLUSH [ASYNC | SYNC]"""
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC")):
        raise CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    scripts_of(engine).flush()
    return OK


# -- libraries --------------------------------------------------------------------------------


def _fcall(engine: Any, args: list[bytes], read_only: bool) -> Any:
    engine.no_effect()
    scripts = scripts_of(engine)
    function = scripts.library_set.functions.get(args[1])
    if function is None:
        raise CommandError("ERR Function not found")
    nkeys = number_of_keys(args, "ERR Bad number of keys provided")
    read_only, allow_oom = scripts.rights(function.flags, read_only)
    return scripts.run("function", function.name, function.function, args, nkeys, read_only, allow_oom)


@handles("FCALL")
def fcall(engine: Any, args: list[bytes]) -> Any:
    """FCALL function numkeys [key ...] [arg ...]"""
    return _fcall(engine, args, False)


@handles("FCALL_RO")
def fcall_ro(engine: Any, args: list[bytes]) -> Any:
    """FCALL_RO function numkeys [key ...] [arg ...]"""
    return _fcall(engine, args, True)


@handles("FUNCTION|LOAD")
def function_load(engine: Any, args: list[bytes]) -> Any:
    """FUNCTION LOAD [REPLACE] code: the library's name."""
    replace = False
    for option in args[2:-1]:
        if option.upper() != b"REPLACE":
            raise CommandError("ERR Unknown option given: " + option.decode("utf-8", "replace"))
        replace = True
    name = scripts_of(engine).load_library(args[-1], replace)
    engine.dirty += 1
    return name


@handles("FUNCTION|DELETE")
def function_delete(engine: Any, args: list[bytes]) -> Any:
    """FUNCTION DELETE library"""
    scripts_of(engine).library_set.delete(args[2])
    engine.dirty += 1
    return OK


@handles("FUNCTION|FLUSH")
def function_flush(engine: Any, args: list[bytes]) -> Any:
    """FUNCTION FLUSH [ASYNC | SYNC]"""
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC")):
        raise CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    scripts_of(engine).library_set.flush()
    engine.dirty += 1
    return OK


@handles("FUNCTION|LIST")
def function_list(engine: Any, args: list[bytes]) -> Any:
    """FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]"""
    pattern, with_code = None, False
    rest = args[2:]
    while rest:
        option = rest.pop(0)
        if option.upper() == b"WITHCODE" and not with_code:
            with_code = True
        elif option.upper() == b"LIBRARYNAME" and pattern is None:
            if not rest:
                raise CommandError("ERR library name argument was not given")
            pattern = rest.pop(0)
        else:
            raise CommandError("ERR Unknown argument " + option.decode("utf-8", "replace"))
    return scripts_of(engine).library_set.describe(pattern, with_code)


@handles("FUNCTION|DUMP")
def function_dump(engine: Any, args: list[bytes]) -> Any:
    """FUNCTION DUMP: all libraries in the form that DUMP gives a value."""
    from shard.scripting.payload import dump_libraries

    return dump_libraries(scripts_of(engine).lua_libraries())


@handles("FUNCTION|RESTORE")
def function_restore(engine: Any, args: list[bytes]) -> Any:
    """FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]"""
    from shard.scripting.payload import parse_libraries

    policy = args[3].upper() if len(args) > 3 else b"APPEND"
    if policy not in (b"FLUSH", b"APPEND", b"REPLACE") or len(args) > 4:
        raise CommandError("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    scripts_of(engine).library_set.restore(parse_libraries(args[2]), policy)
    engine.dirty += 1
    return OK


# -- Python functions ----------------------------------------------------------------------------

PY_KEYS = "ERR value is not an integer or out of range"


@handles("PY.LOAD")
def py_load(engine: Any, args: list[bytes]) -> Any:
    """PY.LOAD name blob [REPLACE] [DESCRIPTION text]"""
    replace, description = False, b""
    rest = args[3:]
    while rest:
        option = rest.pop(0).upper()
        if option == b"REPLACE":
            replace = True
        elif option == b"DESCRIPTION" and rest:
            description = rest.pop(0)
        else:
            raise errors.syntax_error()
    scripts_of(engine).python.load(args[1], args[2], description, replace)
    engine.dirty += 1
    return OK


@handles("PY.DELETE")
def py_delete(engine: Any, args: list[bytes]) -> Any:
    """PY.DELETE name: 1 if it was there."""
    if scripts_of(engine).python.functions.pop(args[1], None) is None:
        return 0
    engine.dirty += 1
    return 1


@handles("PY.CALL")
def py_call(engine: Any, args: list[bytes]) -> Any:
    """PY.CALL name numkeys [key ...] [arg ...]"""
    engine.no_effect()
    return scripts_of(engine).python.call(args[1], args, number_of_keys(args, PY_KEYS), False)


@handles("PY.CALL_RO")
def py_call_ro(engine: Any, args: list[bytes]) -> Any:
    """PY.CALL_RO name numkeys [key ...] [arg ...]"""
    engine.no_effect()
    return scripts_of(engine).python.call(args[1], args, number_of_keys(args, PY_KEYS), True)


@handles("PY.EVAL")
def py_eval(engine: Any, args: list[bytes]) -> Any:
    """PY.EVAL blob numkeys [key ...] [arg ...]"""
    engine.no_effect()
    return scripts_of(engine).python.eval(args[1], args, number_of_keys(args, PY_KEYS))


@handles("PY.LIST")
def py_list(engine: Any, args: list[bytes]) -> Any:
    """PY.LIST"""
    return scripts_of(engine).python.describe()


@handles("PY.DUMP")
def py_dump(engine: Any, args: list[bytes]) -> Any:
    """PY.DUMP name: the blob as it was loaded."""
    return scripts_of(engine).python.find(args[1]).blob


@handles("PY.STATS")
def py_stats(engine: Any, args: list[bytes]) -> Any:
    """PY.STATS: calls, errors and microseconds of each function on this shard."""
    return scripts_of(engine).python.stats()
