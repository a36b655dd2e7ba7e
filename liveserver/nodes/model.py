"""What a process says of itself, and what others see of it."""

import platform
from typing import Any, Literal

import msgspec

Kind = Literal["serving", "recorder"]
PYTHON = ".".join(platform.python_version_tuple()[:2])
"""Unicode tables, and so how text is parsed, change with Python's minor version (faults.md, row 22)."""


class NodeCard(msgspec.Struct, frozen=True, kw_only=True):
    """What stays the same while a process lives."""

    id: str
    kind: Kind
    release: str
    log_version: int
    """The newest form of log entries that it reads."""
    kinds: tuple[str, ...]
    """The commands that it can decide."""
    origin: str = ""
    """Where it is reached; "" for one that serves nobody."""
    python: str = PYTHON


class NodeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A living process as the registry has it."""

    id: str
    kind: Kind
    release: str
    python: str
    origin: str
    log_version: int
    kinds: tuple[str, ...]
    started_ms: int
    silent_ms: int
    """Time since its last beat, by PostgreSQL's clock."""
    draining: bool
    numbers: dict[str, Any]
