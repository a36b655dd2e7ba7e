"""Keeps Python's garbage collector out of the way of viewers, and counts what it still costs.

A full round looks at every object there is: with 10,000 viewers that is a tenth of a second in which no bid is read. So what
start-up made is frozen, rounds over the young are made less often, and full rounds rarer still. Nothing is switched off:
cycles that appear are collected in the end.
"""

import gc
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

YOUNG_MAX = 20_000
"""New containers before a round over the young: a batch of 500 bids makes some 5,000, nearly all of which are gone by then."""
YOUNG_ROUNDS = 10
MIDDLE_ROUNDS = 50
"""Rounds of one generation before one of the next."""


@dataclass
class Pauses:
    """Time spent collecting since the start, in seconds."""

    rounds: int = 0
    total_s: float = 0.0
    longest_s: float = 0.0


@contextmanager
def rare_collections(pauses: Pauses) -> Generator[None]:
    """Freezes what lives now, collects less often while the block runs, and counts in `pauses` what that costs."""
    began = 0.0

    def watch(phase: str, info: dict[str, Any]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
            return
        took = time.perf_counter() - began
        pauses.rounds += 1
        pauses.total_s += took
        pauses.longest_s = max(pauses.longest_s, took)

    _begin()
    gc.callbacks.append(watch)
    try:
        yield
    finally:
        gc.callbacks.remove(watch)
        _end()


_before: list[tuple[int, int, int]] = []
"""How the collector was, once for each block that runs: nodes of one process (tests) may end in any order."""


def _begin() -> None:
    _before.append(_before[0] if _before else gc.get_threshold())
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, YOUNG_ROUNDS, MIDDLE_ROUNDS)


def _end() -> None:
    before = _before.pop()
    if not _before:
        gc.set_threshold(*before)
        gc.unfreeze()
