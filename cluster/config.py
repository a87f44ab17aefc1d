"""The configuration of a group: defaults, then a file, then flags, then ELIXIRCACHE_* variables.

Reading one name is `config["maxmemory"]` (an int; bool for yes/no; str otherwise). CONFIG SET
checks all its pairs before the first takes effect; whoever must act on a change registers
with `on_change`. The router owns the group's configuration and tells its shards.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cluster.config_file import BadLine, quoted, read_lines, rewritten
from cluster.config_options import ALIASES, OPTIONS, Option
from cluster.errors import CommandError

PREFIX = "ELIXIRCACHE_"
Listener = Callable[[str, Any], None]


class ConfigError(ValueError):
    """A configuration that cannot be used; the text is one line that says where and why."""


def option(name: str) -> Option | None:
    """The row of a name or of its older alias, in any case."""
    name = name.lower()
    return OPTIONS.get(ALIASES.get(name, name))


class Config:
    """Values by name. `path`: the file that CONFIG REWRITE writes, "" if there is none."""

    def __init__(self, values: Mapping[str, Any] | None = None, path: str = ""):
        self.path = path
        self._values: dict[str, Any] = {name: row.default for name, row in OPTIONS.items()}
        self._listeners: dict[str, list[Listener]] = {}
        for name, value in (values or {}).items():
            if name == "config-file":
                self.path = str(value)
                continue
            self.load(name, _words(value))

    # -- reading -------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name; `default` if there is no such name."""
        return self._values.get(name, default)

    def text(self, name: str) -> str:
        """What CONFIG GET shows for a name."""
        return OPTIONS[name].kind.show(self._values[name])

    def matching(self, patterns: Iterable[str]) -> dict[str, str]:
        """Names (and aliases) that match one of the glob patterns, with their shown values."""
        names = [*OPTIONS, *ALIASES]
        found: dict[str, str] = {}
        for pattern in patterns:
            wanted = pattern.lower().replace("[^", "[!")
            for name in names:
                if name not in found and fnmatchcase(name, wanted):
                    found[name] = self.text(ALIASES.get(name, name))
        return found

    def output_limits(self, limit_class: str) -> tuple[int, int, int]:
        """(hard bytes, soft bytes, soft seconds) of "normal", "replica" or "pubsub"; 0: no limit."""
        limits: dict[str, tuple[int, int, int]] = self._values["client-output-buffer-limit"]
        return limits["slave" if limit_class == "replica" else limit_class]

    def save_points(self) -> list[tuple[int, int]]:
        """(seconds, changes) pairs of `save`."""
        numbers = [int(word) for word in self._values["save"].split()]
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    # -- loading -------------------------------------------------------------------------

    def load(self, name: str, words: list[str]) -> None:
        """Take a value at the start, also of an immutable name. ValueError."""
        row = option(name)
        if row is None:
            raise ValueError(f"unknown configuration name '{name}'")
        self._values[row.name] = self._merged(row, row.kind.parse(words))

    def _merged(self, row: Option, value: Any) -> Any:
        if isinstance(value, dict):
            return {**self._values[row.name], **value}
        return value

    def load_file(self, path: str) -> None:
        """Take the settings of a redis.conf-style file. ConfigError."""
        self.path = str(Path(path).absolute())
        saves: list[str] = []
        try:
            for line in read_lines(self.path, _read_text):
                try:
                    if line.name == "save":
                        saves = [] if line.words == [""] else saves + line.words
                        self.load("save", saves)
                    else:
                        self.load(line.name, line.words)
                except ValueError as error:
                    raise ConfigError(f"{line.place}: {line.name}: {error}") from None
        except (BadLine, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the configuration: {error}") from None

    @classmethod
    def assembled(cls, path: str = "", flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Config:
        """File, then flags, then ELIXIRCACHE_* variables (ELIXIRCACHE_APPENDFSYNC). ConfigError.
        Variables that are no configuration names are left to others."""
        config = cls()
        if path:
            config.load_file(path)
        for name, value in (flags or {}).items():
            try:
                config.load(name, _words(value))
            except ValueError as error:
                raise ConfigError(f"--{name}: {error}") from None
        for variable, text in (os.environ if environ is None else environ).items():
            name = variable.removeprefix(PREFIX).lower().replace("_", "-")
            if not variable.startswith(PREFIX) or option(name) is None:
                continue
            try:
                config.load(name, [text])
            except ValueError as error:
                raise ConfigError(f"{variable}: {error}") from None
        return config

    def to_json(self) -> dict[str, str]:
        """All values as text, for other processes of the group."""
        shown = {name: self.text(name) for name in OPTIONS}
        if self.path:
            shown["config-file"] = self.path
        return shown

    @classmethod
    def from_json_file(cls, path: str | Path) -> Config:
        """What a supervisor wrote for its children."""
        return cls(json.loads(Path(path).read_text()))

    # -- changing ------------------------------------------------------------------------

    def on_change(self, listener: Listener, *names: str) -> None:
        """Call `listener(name, value)` after each change of these names."""
        for name in names:
            assert name in OPTIONS, name
            self._listeners.setdefault(name, []).append(listener)

    def checked(self, pairs: Iterable[tuple[str, str]], protected_ok: bool = False) -> dict[str, Any]:
        """The new values of a CONFIG SET. CommandError with Redis's texts."""
        found: dict[str, Any] = {}
        for name, text in pairs:
            row = option(name)
            if row is None:
                raise CommandError(f"ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            if not row.mutable:
                raise _refused(name, "can't set immutable config")
            if row.protected and not protected_ok:
                raise _refused(name, "can't set protected config")
            if row.name in found:
                raise _refused(name, "duplicate parameter")
            try:
                found[row.name] = self._merged(row, row.kind.parse([text]))
            except ValueError as error:
                raise _refused(name, str(error)) from None
        return found

    def apply(self, values: Mapping[str, Any]) -> None:
        """Make checked values the current ones and tell the listeners."""
        self._values.update(values)
        for name, value in values.items():
            for listener in self._listeners.get(name, ()):
                listener(name, value)

    def set(self, pairs: Iterable[tuple[str, str]], protected_ok: bool = False) -> dict[str, Any]:
        """CONFIG SET: all pairs or none. What was set."""
        values = self.checked(pairs, protected_ok)
        self.apply(values)
        return values

    # -- rewriting -----------------------------------------------------------------------

    def rewritten(self, text: str) -> str:
        """The text of a configuration file with the current values; comments and order stay."""
        values = {name: _file_lines(row, self._values[name]) for name, row in OPTIONS.items()}
        defaults = {name: _file_lines(row, row.default) for name, row in OPTIONS.items()}
        return rewritten(text, values, defaults, ALIASES)

    def rewrite(self) -> None:
        """CONFIG REWRITE: replace the file atomically. CommandError."""
        if not self.path:
            raise CommandError("ERR The server is running without a config file")
        path = Path(self.path)
        try:
            text = _read_text(self.path) if path.exists() else ""
            _replace(path, self.rewritten(text))
        except OSError as error:
            raise CommandError(f"ERR Rewriting config file: {error.strerror}") from None


def _refused(name: str, reason: str) -> CommandError:
    return CommandError(f"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")


def _words(value: Any) -> list[str]:
    """The words of a value that may be typed already (flags, JSON)."""
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, (list, tuple)):
        return [str(word) for word in value]
    return [str(value)]


def _file_lines(row: Option, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name} {' '.join(map(str, limits))}" for name, limits in value.items()]
    shown = row.kind.show(value)
    if row.name == "save":
        words = shown.split()
        return [f"{seconds} {changes}" for seconds, changes in zip(words[::2], words[1::2], strict=True)] or ['""']
    if row.name in ("bind", "replicaof", "oom-score-adj-values", "latency-tracking-info-percentiles"):
        return [shown] if shown or row.name == "bind" else []
    return [quoted(shown)]


def _read_text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="surrogateescape")


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
