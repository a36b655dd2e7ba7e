"""What a check is, what it may look at, and what it says. It runs nothing."""

import resource
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from liveserver.config import Loaded
from liveserver.infra.engines import Engines
from liveserver.kernel.clock import Clock, SystemClock
from liveserver.kernel.errors import Mendable

CHECK_MAX_MS = 20_000
"""Longest that one check may take; then that is its finding."""


@dataclass(frozen=True)
class Finding:
    """What a check found. `mend` is the command or setting that cures it; "" when nothing has to be."""

    status: Literal["ok", "warn", "fail"]
    what: str
    mend: str = ""


def ok(what: str) -> Finding:
    """All is well."""
    return Finding("ok", what)


def warn(what: str, mend: str) -> Finding:
    """The server runs, but not as one would want."""
    return Finding("warn", what, mend)


def fail(what: str, mend: str) -> Finding:
    """The server can't run, or breaks a promise."""
    return Finding("fail", what, mend)


def _files_max() -> int:
    # The hard limit: up to it `serve` raises its own.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def _free_bytes(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


@dataclass(frozen=True)
class Site:
    """What checks look at. The functions are there to be replaced where a test wants another machine."""

    loaded: Loaded
    data_dir: Path
    engines: Engines | None
    """None when they could not be had; `trouble` says why."""
    trouble: Mendable | None = None
    clock: Clock = field(default_factory=SystemClock)
    files_max: Callable[[], int] = _files_max
    free_bytes: Callable[[Path], int] = _free_bytes


Findings = Finding | Sequence[Finding]


@dataclass(frozen=True)
class Check:
    """One entry of the registry: a name for scripts, a sentence for people, and the function."""

    name: str
    doc: str
    run: Callable[[Site], Awaitable[Findings]]
