"""What the server is to reach, and what it did: one row a figure, judged from the medians of one run.

The figures hold for a machine of two cores, with the generator on the other one.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks.results import Point
from benchmarks.scenarios import joining, mixed

Medians = Mapping[tuple[str, str, str], Point]
_BUSY, _MANY, _QUIET = "10,000 x 500/s", "2,000 x 2,000/s", "200 x 5/s"
_LIMITED = f"{joining.STORM:,} come back, 4,000 joins/s let in"
_KB = 1024


class Row(msgspec.Struct, frozen=True):
    """One target. `value` is None when it was not measured."""

    work: str
    figure: str
    limit: float
    at_most: bool
    value: float | None

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.value is None:
            return "not measured"
        return (
            "reached"
            if (self.value <= self.limit if self.at_most else self.value >= self.limit)
            else "**missed**"
        )


def rows(medians: Medians) -> Sequence[Row]:
    """All targets, in the order of the report."""

    def of(scenario: str, case: str, read: Callable[[Point], float]) -> float | None:
        point = medians.get((scenario, "liveserver", case))
        return None if point is None else read(point)

    def cpu_ratio() -> float | None:
        own, raw = (medians.get(("fanout", name, _BUSY)) for name in ("liveserver", "raw"))
        return own.cpu_share / raw.cpu_share if own and raw and raw.cpu_share else None

    def p99(point: Point) -> float:
        return point.p99_ms

    def more(name: str) -> Callable[[Point], float]:
        return lambda point: point.more.get(name, float("nan"))

    def idle(read: Callable[[Point], float]) -> float | None:
        # The full run has 15,000 idle viewers, the quick one fewer.
        found = [point for (scenario, _, _), point in medians.items() if scenario == "idle"]
        return read(max(found, key=lambda point: point.connections)) if found else None

    busy, many, quiet = (f"{case} fan-out" for case in (_BUSY, _MANY, _QUIET))
    hot, storm = "one hot lot, 1,000 bidders, 50,000 bids/s", f"{joining.STORM:,} reconnect at once"
    return (
        Row(busy, "delivered of what was due", 1.0, False, of("fanout", _BUSY, lambda p: p.ratio)),
        Row(busy, "p99, ms", 200, True, of("fanout", _BUSY, p99)),
        Row(busy, "p99, ms (stretch)", 120, True, of("fanout", _BUSY, p99)),
        Row(busy, "deliveries a second", 4_500_000, False, of("fanout", _BUSY, lambda p: p.per_s)),
        Row(busy, "CPU, times the raw-send limit's", 1.4, True, cpu_ratio()),
        Row(many, "p99, ms", 60, True, of("fanout", _MANY, p99)),
        Row(quiet, "p99, ms", 10, True, of("fanout", _QUIET, p99)),
        Row(hot, "answered of what was due", 0.99, False, of("bids", "50,000/s", lambda p: p.ratio)),
        Row(hot, "p99 of the answer, ms", 50, True, of("bids", "50,000/s", p99)),
        Row(mixed.CASE, "p99 of the bidder's answer, ms", 40, True, of("mixed", mixed.CASE, p99)),
        Row("idle viewers", "memory each, KB", 10, True, idle(lambda p: p.rss_per_connection / _KB)),
        Row("idle viewers", "CPU, % of a core", 3, True, idle(lambda p: p.cpu_share * 100)),
        Row("joining", "connects and joins a second", 4_000, False, of("join", "10,000 join", more("connects_per_s"))),
        Row(storm, "all have resumed after, s", 10, True, of("storm", _LIMITED, more("all_s"))),
        Row(storm, "p99 of the lot's bids meanwhile, ms", 250, True, of("storm", _LIMITED, p99)),
        Row("recording 20,000 bids/s", "all recorded after the last bid, s", 1, True, of("recording", "20,000 bids/s", more("caught_up_s"))),
    )  # fmt: skip
