"""Where settings come from: flags, then environment, then file, then default; each value remembers its source.

It reports everything that is wrong at once, and names nobody knows with the nearest one they may have meant.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from liveserver.config.fields import Problem, Setting
from liveserver.config.settings import SETTINGS, Settings, checked

PREFIX = "LIVESERVER_"
FILE_ENV = "LIVESERVER_CONFIG"
"""Names the settings file; it is no setting itself."""
FILE_NAME = "liveserver.toml"
"""Read from the working directory when `LIVESERVER_CONFIG` names no other."""
FILE_BYTES_MAX = 1_048_576
"""Largest settings file: a bound against naming the wrong file."""


@dataclass(frozen=True)
class Source:
    """Where a value came from, and how it is named there (`--port`, `LIVESERVER_PORT`, the file's path)."""

    kind: Literal["flag", "environment", "file", "default"]
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.where}".rstrip()


@dataclass(frozen=True)
class Unknown:
    """A name that no setting has, and the one that was probably meant ("" if none is near)."""

    name: str
    where: str
    meant: str

    def __str__(self) -> str:
        hint = f" Did you mean {self.meant}?" if self.meant else " `liveserver config` lists all settings."
        return f"{self.name} ({self.where}) is not a setting.{hint}"


@dataclass(frozen=True)
class Loaded:
    """The settings, where each came from, which names were not understood, and what is wrong.

    Where something is wrong (`read` tells, `load` raises) that setting has its default.
    """

    settings: Settings
    sources: Mapping[str, Source]
    unknown: tuple[Unknown, ...]
    file: Path | None
    wrong: tuple[str, ...] = ()


def load(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Loaded:
    """The settings to run with, as `read` finds them. Raises Problem with a line for everything that is wrong."""
    loaded = read(flags, environ, folder)
    if loaded.wrong:
        raise Problem(loaded.wrong)
    return loaded


def read(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Loaded:
    """Reads the settings. `flags` hold only those given on the command line; None values count as not given.

    An empty variable counts as not set, as container tools write it. Raises Problem only for a file that can't be read.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    assert given.keys() <= SETTINGS.keys(), f"flags that are no settings: {given.keys() - SETTINGS.keys()}"
    file, table = _read_file(environ, folder or Path.cwd())
    wrong: list[str] = []
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for name, about in SETTINGS.items():
        source, raw = _first_given(about, given, environ, file, table)
        sources[name] = source
        if source.kind == "default":
            continue
        try:
            values[name] = about.read(raw)
        except ValueError as error:
            wrong.append(f"{_named(about, source)} {error}.")
    settings = Settings(**values)
    wrong += checked(settings)
    if settings.unlimited:
        settings = settings.without_rates()
    return Loaded(settings, sources, _unknown(environ, file, table), file, tuple(wrong))


def _named(about: Setting, source: Source) -> str:
    return f"{about.name} (in {source.where})" if source.kind == "file" else source.where


def _first_given(
    about: Setting,
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    file: Path | None,
    table: Mapping[str, Any],
) -> tuple[Source, Any]:
    if about.name in given:
        return Source("flag", about.flag), given[about.name]
    if environ.get(about.env):
        return Source("environment", about.env), environ[about.env]
    if about.name in table:
        return Source("file", str(file)), table[about.name]
    return Source("default"), about.default


def _read_file(environ: Mapping[str, str], folder: Path) -> tuple[Path | None, Mapping[str, Any]]:
    named = environ.get(FILE_ENV, "")
    path = Path(named).expanduser() if named else folder / FILE_NAME
    if not named and not path.is_file():
        return None, {}
    try:
        with path.open("rb") as stream:
            raw = stream.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise Problem([f"{path} is larger than {FILE_BYTES_MAX} bytes: that is no settings file."])
        return path, tomllib.loads(raw.decode())
    except OSError as error:
        cause = f"{FILE_ENV} names it" if named else "it lies in the working directory"
        raise Problem([f"{path} can't be read ({error.strerror}); {cause}."]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Problem([f"{path} is not valid TOML: {error}."]) from error


def _unknown(environ: Mapping[str, str], file: Path | None, table: Mapping[str, Any]) -> tuple[Unknown, ...]:
    envs = [about.env for about in SETTINGS.values()] + [FILE_ENV]
    strays = [
        Unknown(name, "environment", _nearest(name, envs))
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in envs
    ]
    strays += [
        Unknown(name, str(file), _nearest(name, list(SETTINGS))) for name in table if name not in SETTINGS
    ]
    return tuple(strays)


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return close[0] if close else ""
