"""Whether the recorder keeps up: 20,000 bids a second, how far it lags behind, and when everything was recorded."""

import time

from benchmarks.bench import Options, bidders, run
from benchmarks.load.flood import Plan
from benchmarks.peers.liveserver import LiveRunning
from benchmarks.results import Point
from benchmarks.scenarios.house import on_liveserver

BIDDERS = 1_000
RATE = 20_000.0
CASE = f"{RATE:,.0f} bids/s"
LAG = 'liveserver_recorder_lag_commands{process="recorder"}'
"""Of the process that records. What the serving one knows of it is up to a quarter of a second older."""
CATCH_UP_MAX_S = 60.0
LOOK_S = 0.05


def run_all(options: Options) -> list[Point]:
    """The lag over time, its highest, and the seconds after the last bid until it was gone (-1: not within a minute)."""

    def measure(running: LiveRunning, port: int, number: int) -> Point:
        group, stream = bidders(running, BIDDERS, RATE)
        plan = Plan(port=port, groups=[group], streams=[stream], measure_ms=options.measure_ms * 2)
        outcome, sampler = run(plan, running, series=lambda: lag(running))
        caught_up_s = _catch_up_s(running)
        return sampler.point(
            outcome,
            outcome.group("bidders"),
            scenario="recording",
            peer="liveserver",
            case=CASE,
            round=number,
            connections=BIDDERS,
            rate=RATE,
            more={
                "lag_max": max((value for _, value in sampler.values), default=0.0),
                "lag_end": sampler.values[-1][1] if sampler.values else 0.0,
                "caught_up_s": caught_up_s,
            },
            series={"lag_commands": sampler.values},
        )

    return on_liveserver(options, "recording", CASE, BIDDERS, measure)


def lag(running: LiveRunning) -> float:
    """Commands in the log that are not yet recorded."""
    return running.metrics().get(LAG, 0.0)


def _catch_up_s(running: LiveRunning) -> float:
    began = time.monotonic()
    while time.monotonic() < began + CATCH_UP_MAX_S:
        if lag(running) == 0:
            return time.monotonic() - began
        time.sleep(LOOK_S)
    return -1.0
