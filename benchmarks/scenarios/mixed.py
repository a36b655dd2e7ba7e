"""How long a bidder waits for an answer while the same server gives 10,000 viewers 500 messages a second each."""

from benchmarks.bench import Options, bidders, chat, publisher, run, viewers
from benchmarks.load.flood import Plan
from benchmarks.peers.liveserver import LiveRunning
from benchmarks.results import Point
from benchmarks.scenarios.house import on_liveserver

VIEWERS = 10_000
CHAT_RATE = 500.0
BIDDERS = 100
BID_RATE = 1_000.0
CASE = f"{BID_RATE:,.0f} bids/s beside {VIEWERS:,} x {CHAT_RATE:,.0f}/s"


def run_all(options: Options) -> list[Point]:
    """The bidders' answers; what the viewers saw is in `more`."""

    def measure(running: LiveRunning, port: int, number: int) -> Point:
        group, stream = bidders(running, BIDDERS, BID_RATE)
        speech = running.speech
        plan = Plan(
            port=port,
            groups=[viewers(speech, VIEWERS), publisher(speech), group],
            streams=[chat(speech, CHAT_RATE), stream],
            measure_ms=options.measure_ms,
        )
        outcome, sampler = run(plan, running)
        seen = outcome.group("viewers")
        return sampler.point(
            outcome,
            outcome.group("bidders"),
            scenario="mixed",
            peer="liveserver",
            case=CASE,
            round=number,
            connections=VIEWERS + BIDDERS,
            rate=BID_RATE,
            more={"viewers_ratio": seen.ratio, "viewers_p99_ms": seen.p99_ms, "viewers_per_s": seen.per_s},
        )

    return on_liveserver(options, "mixed", CASE, VIEWERS + BIDDERS, measure)
