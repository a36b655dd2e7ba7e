"""How fast people come in (join), and what happens when all of them are cut off and come back at once (storm).

A storm runs twice: with joins as fast as the machine takes them, and with the limit on joins a second that production has.
Those who come back say where they were, and are given what they missed; bids go on meanwhile, and how long those wait is the
point's latency.
"""

from collections.abc import Mapping

from benchmarks.bench import Options, bidders, run, viewers
from benchmarks.load.flood import Plan
from benchmarks.peers.liveserver import RATES_LIFTED, RESUMED, LiveRunning, resume
from benchmarks.results import Point
from benchmarks.scenarios.house import on_liveserver

JOINERS = (5_000, 10_000)
OPENING_MAX = 500
"""Handshakes under way at once: more than one flood of a room brings, fewer than the listener's queue holds."""
STORM = 10_000
BIDDERS = 100
BID_RATE = 500.0
STORM_AT_MS = 2_000.0
STORM_MS = 15_000.0


def run_join(options: Options) -> list[Point]:
    """Connects and joins a second: `more["connects_per_s"]`."""
    points: list[Point] = []
    for count in JOINERS:

        def measure(running: LiveRunning, port: int, number: int, count: int = count) -> Point:
            plan = Plan(
                port=port,
                groups=[viewers(running.speech, count)],
                opening_max=OPENING_MAX,
                warm_ms=0,
                measure_ms=500,
            )
            outcome, sampler = run(plan, running)
            seen = outcome.group("viewers")
            return sampler.point(
                outcome,
                seen,
                scenario="join",
                peer="liveserver",
                case=f"{count:,} join",
                round=number,
                connections=count,
                more={"handshakes_per_s": count / max(seen.open_s, 1e-9)},
            )

        points += on_liveserver(options, "join", f"{count:,} join", count, measure)
    return points


def run_storm(options: Options) -> list[Point]:
    """Both ways, rounds each."""
    return [
        *_storm(options, f"{STORM:,} come back, no limit on joins", None, unlimited=True),
        *_storm(options, f"{STORM:,} come back, 4,000 joins/s let in", RATES_LIFTED, unlimited=False),
    ]


def _storm(
    options: Options, case: str, environment: Mapping[str, str] | None, *, unlimited: bool
) -> list[Point]:
    def measure(running: LiveRunning, port: int, number: int) -> Point:
        group, stream = bidders(running, BIDDERS, BID_RATE)
        crowd = viewers(
            running.speech,
            STORM,
            again=resume(running.show),
            resumed=RESUMED,
            position='"to":',
            epoch='"epoch":',
            storm_at_ms=STORM_AT_MS,
            storm_count=STORM,
        )
        plan = Plan(
            port=port,
            groups=[crowd, group],
            streams=[stream],
            measure_ms=STORM_MS,
            drain_ms=10_000,
            opening_max=OPENING_MAX,
        )
        outcome, sampler = run(plan, running)
        storm = outcome.group("viewers").storm
        assert storm is not None, "the plan has one"
        return sampler.point(
            outcome,
            outcome.group("bidders"),
            scenario="storm",
            peer="liveserver",
            case=case,
            round=number,
            connections=STORM + BIDDERS,
            rate=BID_RATE,
            more={
                "half_s": storm.half_s,
                "most_s": storm.most_s,
                "all_s": storm.all_s,
                "resumed": storm.resumed,
                "failures": storm.failures,
                "never": storm.lost,
            },
        )

    return on_liveserver(options, "storm", case, STORM + BIDDERS, measure, environment, unlimited=unlimited)
