"""The words for jobs: what is done for a kind, what is done regularly, and how a job says "later" or "never"."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec


class Work(msgspec.Struct, frozen=True):
    """One kind of job, and what is done for it."""

    kind: str
    """`package.verb`."""
    payload: type[msgspec.Struct]
    run: Callable[[Any], Awaitable[None]]
    """May be repeated: a process can end between its last step and the queue's knowing of it."""
    tries_max: int = 10
    """Then the job is dead: kept with its error, for an operator to try again or drop. Ten tries take a good quarter of an hour,
    sixteen half a day."""


class Every(msgspec.Struct, frozen=True):
    """Something done regularly, by one of all processes."""

    kind: str
    cron: str
    """Minute, hour, day of month, month, day of week; UTC."""
    run: Callable[[], Awaitable[None]]


class Later(Exception):
    """Not yet: the job is to be tried again after so many ms. It counts as a try."""

    def __init__(self, after_ms: int, why: str) -> None:
        super().__init__(why)
        self.after_ms = after_ms


class Hopeless(Exception):
    """Trying again can't help: the job is dead at once."""


class Counts(msgspec.Struct):
    """What one process's worker did since it started."""

    done: int = 0
    failed: int = 0
    """Tries that failed and are repeated; those that said `Later` are not among them."""
    dead: int = 0
    busy_s: float = 0.0
    """Time that jobs ran, all together."""
