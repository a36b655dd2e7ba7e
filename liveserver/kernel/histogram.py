"""Durations counted by size: a few integers in a list, cheap enough for the busiest paths.

It knows no names and no exporter; `infra.telemetry` writes it in Prometheus' form.
"""

from bisect import bisect_left

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds from what nobody notices to what everybody complains about."""


class Histogram:
    """How many durations fell between which bounds, and their sum. Nothing is ever forgotten, so counts only grow."""

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: tuple[float, ...] = SECONDS) -> None:
        assert list(bounds_s) == sorted(set(bounds_s)), "bounds rise"
        self.bounds_s = bounds_s
        self.counts = [0] * (len(bounds_s) + 1)
        """By bucket; the last holds what is longer than every bound."""
        self.sum_s = 0.0

    def add(self, took_s: float) -> None:
        """Counts one duration in seconds; one of exactly a bound belongs to that bound."""
        self.counts[bisect_left(self.bounds_s, took_s)] += 1
        self.sum_s += took_s

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def quantile_s(self, share: float) -> float:
        """The bound under which this share of the durations lies; 0 when there are none, infinity past the last bound."""
        wanted, seen = share * self.count, 0
        for bound_s, count in zip(self.bounds_s, self.counts, strict=False):
            seen += count
            if seen >= wanted:
                return bound_s if self.count else 0.0
        return float("inf")

    def cumulative(self) -> list[tuple[float, int]]:
        """Bound and how many are not longer, as Prometheus counts; the last bound is infinity."""
        found: list[tuple[float, int]] = []
        seen = 0
        for bound_s, count in zip((*self.bounds_s, float("inf")), self.counts, strict=True):
            seen += count
            found.append((bound_s, seen))
        return found
