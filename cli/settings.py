"""Every configuration name as a flag, and the three sources of configuration put together."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from cli.errors import fail
from cluster.config import Config, ConfigError
from cluster.config_kinds import OutputLimits, SavePoints
from cluster.config_options import NOBODY, OPTIONS

CUMULATIVE = (SavePoints, OutputLimits)  # given twice, these add up; of the others the last one counts
PANEL = "Configuration (file < flags < ELIXIRCACHE_* variables)"


class ServerCommand(TyperCommand):
    """A command whose configuration flags take several words, as redis-server's do: `--save 900 1 --save 300 10`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, joined_words(args))


def joined_words(args: list[str]) -> list[str]:
    """Puts the words that follow a configuration flag into one, for the flags that take several."""
    joined: list[str] = []
    position = 0
    while position < len(args):
        word = args[position]
        position += 1
        joined.append(word)
        if not word.startswith("--") or word[2:].lower() not in OPTIONS:
            continue
        joined[-1] = word.lower()
        values = []
        while position < len(args) and not args[position].startswith("--"):
            values.append(args[position])
            position += 1
        if values:
            joined.append(" ".join(values))
    return joined


def with_configuration(command: Callable[..., None]) -> Callable[..., None]:
    """Adds a flag for each configuration name; the command gets them as `flags`, name -> value, in order.

    Names that the command declares itself stay its own.
    """
    signature = inspect.signature(command, eval_str=True)
    own = {name: parameter for name, parameter in signature.parameters.items() if name != "flags"}
    names = {name.replace("-", "_"): name for name in OPTIONS if name.replace("-", "_") not in own}

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        flags: dict[str, list[str]] = {}
        for parameter, name in names.items():
            values = given.pop(f"option_{parameter}")
            if values:
                flags[name] = list(values if isinstance(OPTIONS[name].kind, CUMULATIVE) else values[-1:])
        command(**given, flags=flags)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own.values()]
    for parameter, name in names.items():
        option = OPTIONS[name]
        shown = option.kind.show(option.default) or "empty"
        effect = "" if option.who != NOBODY else " Accepted for Redis's sake, without effect."
        changed = "can be changed by CONFIG SET" if option.mutable else "fixed at the start"
        text = f"{changed.capitalize()}.{effect} [default: {shown}]"
        hint = typer.Option(f"--{name}", help=text, rich_help_panel=PANEL, metavar="VALUE")
        parameters.append(
            inspect.Parameter(
                f"option_{parameter}",
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[list[str] | None, hint],
            )
        )
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return wrapper


def configuration(file: Path | None, flags: dict[str, list[str]], **fixed: object) -> Config:
    """The configuration from file, flags and environment; a wrong one ends the command with one line.

    `fixed` are flags that the command declares itself; None means not given.
    """
    given = dict(flags)
    for name, value in fixed.items():
        if value is not None:
            given[name.replace("_", "-")] = [str(value)]
    try:
        return Config.assembled(str(file) if file else "", given)
    except ConfigError as error:
        fail(str(error))
