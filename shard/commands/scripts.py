"""EVAL, SCRIPT, FCALL, FUNCTION and PY.* on a shard. Compiled."""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.scripting.scripts import Scripts, number_of_keys, scripts_of

from cluster import errors
from cluster.errors import CommandError, subcommand_syntax
from cluster.replies import OK
from shard.registry import handles


@handles("EVAL")
def eval_(engine: Engine, args: list):
    """EVAL script numkeys [key ...] [arg ...]"""
    engine.no_effect()
    scripts: Scripts = scripts_of(engine)
    number_of_keys(args, "ERR value is not an integer or out of range")
    return scripts.eval(scripts.load(args[1]), args, False)


@handles("EVALSHA")
def evalsha(engine: Engine, args: list):
    """EVALSHA sha1 numkeys [key ...] [arg ...]"""
    engine.no_effect()
    scripts: Scripts = scripts_of(engine)
    return scripts.eval(scripts.find(args), args, False)


@handles("EVAL_RO")
def eval_ro(engine: Engine, args: list):
    """EVAL_RO script numkeys [key ...] [arg ...]"""
    scripts: Scripts = scripts_of(engine)
    return scripts.eval(scripts.load(args[1]), args, True)


@handles("EVALSHA_RO")
def evalsha_ro(engine: Engine, args: list):
    """EVALSHA_RO sha1 numkeys [key ...] [arg ...]"""
    scripts: Scripts = scripts_of(engine)
    return scripts.eval(scripts.find(args), args, True)


@handles("SCRIPT|LOAD")
def script_load(engine: Engine, args: list):
    """SCRIPT LOAD script: its sha1."""
    return scripts_of(engine).load(args[2]).sha


@handles("SHARD.SCRIPTS")
def cached_scripts(engine: Engine, args: list):
    """The texts of all cached scripts, for a router that has just been started."""
    return [script.text for script in scripts_of(engine).cache.values()] if engine.scripts is not None else []


@handles("SCRIPT|EXISTS")
def script_exists(engine: Engine, args: list):
    """SCRIPT EXISTS sha1 [sha1 ...]"""
    cache = scripts_of(engine).cache
    return [int(sha.lower() in cache) for sha in args[2:]]


@handles("SCRIPT|FLUSH")
def script_flush(engine: Engine, args: list):
    """SCRIPT FLUSH [ASYNC | SYNC]"""
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC")):
        raise CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    scripts_of(engine).flush()
    return OK


# -- libraries --------------------------------------------------------------------------------


@cython.cfunc
def _fcall(engine: Engine, args: list, read_only: cython.bint) -> object:
    engine.no_effect()
    scripts: Scripts = scripts_of(engine)
    function = scripts.library_set.functions.get(args[1].lower())
    if function is None:
        raise CommandError("ERR Function not found")
    nkeys: cython.Py_ssize_t = number_of_keys(args, "ERR Bad number of keys provided")
    read_only = scripts.rights(function.flags, read_only)
    return scripts.run("function", function.name, function.function, args, nkeys, read_only, True)


@handles("FCALL")
def fcall(engine: Engine, args: list):
    """FCALL function numkeys [key ...] [arg ...]"""
    return _fcall(engine, args, False)


@handles("FCALL_RO")
def fcall_ro(engine: Engine, args: list):
    """FCALL_RO function numkeys [key ...] [arg ...]"""
    return _fcall(engine, args, True)


def _changed(engine: Engine):
    """Stored functions were changed."""
    scripts_of(engine).tell_whole()
    engine.dirty += 1


@handles("FUNCTION|LOAD")
def function_load(engine: Engine, args: list):
    """FUNCTION LOAD [REPLACE] code: the library's name."""
    replace = False
    for option in args[2:-1]:
        if option.upper() != b"REPLACE":
            raise CommandError("ERR Unknown option given: " + option.decode("utf-8", "replace"))
        replace = True
    name = scripts_of(engine).load_library(args[-1], replace)
    _changed(engine)
    return name


@handles("FUNCTION|DELETE")
def function_delete(engine: Engine, args: list):
    """FUNCTION DELETE library"""
    scripts_of(engine).library_set.delete(args[2])
    _changed(engine)
    return OK


@handles("FUNCTION|FLUSH")
def function_flush(engine: Engine, args: list):
    """FUNCTION FLUSH [ASYNC | SYNC]"""
    if len(args) > 3:
        raise subcommand_syntax(args)
    if len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC"):
        raise CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    scripts_of(engine).library_set.flush()
    _changed(engine)
    return OK


@handles("FUNCTION|LIST")
def function_list(engine: Engine, args: list):
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
def function_dump(engine: Engine, args: list):
    """FUNCTION DUMP: all libraries in the form that DUMP gives a value."""
    from shard.scripting.payload import dump_libraries

    return dump_libraries(scripts_of(engine).lua_libraries())


@handles("FUNCTION|RESTORE")
def function_restore(engine: Engine, args: list):
    """FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]"""
    from shard.scripting.payload import parse_libraries

    if len(args) > 4:
        raise subcommand_syntax(args)
    policy = args[3].upper() if len(args) > 3 else b"APPEND"
    if policy not in (b"FLUSH", b"APPEND", b"REPLACE"):
        raise CommandError("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    scripts_of(engine).library_set.restore(parse_libraries(args[2]), policy)
    _changed(engine)
    return OK


# -- Python functions ----------------------------------------------------------------------------

PY_KEYS = "ERR value is not an integer or out of range"


@handles("PY.LOAD")
def py_load(engine: Engine, args: list):
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
    _changed(engine)
    return OK


@handles("PY.DELETE")
def py_delete(engine: Engine, args: list):
    """PY.DELETE name: 1 if it was there."""
    if scripts_of(engine).python.functions.pop(args[1], None) is None:
        return 0
    _changed(engine)
    return 1


@handles("PY.CALL")
def py_call(engine: Engine, args: list):
    """PY.CALL name numkeys [key ...] [arg ...]"""
    engine.no_effect()
    return scripts_of(engine).python.call(args[1], args, number_of_keys(args, PY_KEYS), False)


@handles("PY.CALL_RO")
def py_call_ro(engine: Engine, args: list):
    """PY.CALL_RO name numkeys [key ...] [arg ...]"""
    engine.no_effect()
    return scripts_of(engine).python.call(args[1], args, number_of_keys(args, PY_KEYS), True)


@handles("PY.EVAL")
def py_eval(engine: Engine, args: list):
    """PY.EVAL blob numkeys [key ...] [arg ...]"""
    engine.no_effect()
    return scripts_of(engine).python.eval(args[1], args, number_of_keys(args, PY_KEYS))


@handles("PY.LIST")
def py_list(engine: Engine, args: list):
    """PY.LIST"""
    return scripts_of(engine).python.describe()


@handles("PY.DUMP")
def py_dump(engine: Engine, args: list):
    """PY.DUMP name: the blob as it was loaded."""
    return scripts_of(engine).python.find(args[1]).blob


@handles("PY.STATS")
def py_stats(engine: Engine, args: list):
    """PY.STATS: calls, errors and microseconds of each function on this shard."""
    return scripts_of(engine).python.stats()
