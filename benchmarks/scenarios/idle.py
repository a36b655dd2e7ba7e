"""What viewers cost who do nothing: memory each, and the CPU share of their heartbeats."""

from benchmarks.bench import Options, run, viewers
from benchmarks.load.flood import Plan
from benchmarks.peers.liveserver import LiveRunning
from benchmarks.results import Point
from benchmarks.scenarios.house import on_liveserver

VIEWERS, VIEWERS_QUICK = 15_000, 5_000
MEASURE_MS, MEASURE_QUICK_MS = 60_000.0, 20_000.0
"""Three of the heartbeat's intervals; in the quick run one."""
SETTLE_MS = 5_000.0
"""Until the rush of joining is over."""


def run_all(options: Options) -> list[Point]:
    """One point a round."""
    count = VIEWERS_QUICK if options.quick else VIEWERS
    case = f"{count:,} idle viewers"

    def measure(running: LiveRunning, port: int, number: int) -> Point:
        plan = Plan(
            port=port,
            groups=[viewers(running.speech, count)],
            settle_ms=SETTLE_MS,
            measure_ms=MEASURE_QUICK_MS if options.quick else MEASURE_MS,
        )
        outcome, sampler = run(plan, running)
        return sampler.point(
            outcome,
            outcome.group("viewers"),
            scenario="idle",
            peer="liveserver",
            case=case,
            round=number,
            connections=count,
        )

    return on_liveserver(options, "idle", case, count, measure)
