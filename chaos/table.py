"""The faults, one line each: what is broken, which rows of the catalogue it shows, with what crowd and how long.

Only declarations; a fault's function stands in `chaos/faults/`. It gets the world and the crowd while bids go on, breaks
something, and returns when that has ended (healed, or dead for good): from there the recovery counts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chaos.crowd import Crowd
from chaos.world import World

Bring: TypeAlias = Callable[[World, Crowd, float], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One fault. `lasts_s` is (short, long): what the function is given as its third argument."""

    name: str
    rows: tuple[int, ...]
    """Rows of the failure catalogue; empty for what it does not number."""
    people_see: str
    bring: Bring
    lasts_s: tuple[float, float] = (4.0, 30.0)
    stage: Callable[..., World] = World
    """`World`, or one that adds to it, such as one on a Valkey cluster (`chaos/cluster.py`)."""
    world: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Arguments of the `World`; one may be a function of no arguments that gives the value (what a test machine may lack)."""
    crowd: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Arguments of the `Crowd` besides the load."""
    missing: Callable[[], str] = lambda: ""
    """Why it can't be tried on this machine; empty when it can."""
    refused: frozenset[str] = frozenset()
    """Codes that bidders must have met: a fault that nobody noticed was none."""
