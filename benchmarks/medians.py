"""From points of several rounds to one figure each: medians, and the load up to which a server is well (its knee)."""

import statistics
from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.results import Point
from benchmarks.scenarios.fanout import P99_MAX_MS, RATIO_MIN

_FIGURES = (
    "ratio", "per_s", "p50_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms", "cpu_share", "core_share", "rss_bytes", "rss_empty_bytes",
    "generator_share", "late_p99_ms", "lost",
)  # fmt: skip
_WHOLE = frozenset({"rss_bytes", "rss_empty_bytes", "lost"})


def median(points: Sequence[Point]) -> Point:
    """One point that has each figure's median; the points are rounds of one measurement."""
    first = points[0]
    figures = {name: statistics.median(getattr(point, name) for point in points) for name in _FIGURES}
    names = sorted({name for point in points for name in point.more})
    more = {name: statistics.median(p.more[name] for p in points if name in p.more) for name in names}
    whole = {name: round(value) if name in _WHOLE else value for name, value in figures.items()}
    return msgspec.structs.replace(first, **whole, more=more)


def medians(points: Iterable[Point]) -> dict[tuple[str, str, str], Point]:
    """By scenario, server and case; measurements that failed are left out."""
    groups: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        if not point.failed:
            groups.setdefault((point.scenario, point.peer, point.case), []).append(point)
    return {key: median(group) for key, group in groups.items()}


def well(point: Point) -> bool:
    """Whether the server bore this load."""
    return not point.failed and point.ratio >= RATIO_MIN and point.p99_ms <= P99_MAX_MS


class Climb(msgspec.Struct, frozen=True):
    """One server under growing load."""

    peer: str
    line: Sequence[Point]
    """Medians by rate, rising; the last may be beyond the knee."""
    knee: Point | None
    """The highest load that it bore in more than half of the rounds; None if it bore not even the first."""


def climbs(points: Sequence[Point], scenario: str) -> list[Climb]:
    """All servers of a scenario, in the order in which they were measured."""
    found: list[Climb] = []
    mine = [point for point in points if point.scenario == scenario and not point.failed]
    for peer in dict.fromkeys(point.peer for point in mine):
        own = [point for point in mine if point.peer == peer]
        rounds = len({point.round for point in own})
        line: list[Point] = []
        knee = None
        rising = True
        for rate in sorted({point.rate for point in own}):
            here = [point for point in own if point.rate == rate]
            line.append(median(here))
            rising = rising and sum(map(well, here)) * 2 > rounds
            if rising:
                knee = median([point for point in here if well(point)])
        found.append(Climb(peer, line, knee))
    return found
