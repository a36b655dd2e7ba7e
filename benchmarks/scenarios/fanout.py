"""How many deliveries a second, how late, at what cost: one publisher, many viewers, everybody receives everything.

Two parts. The targets: fixed loads, liveserver and the raw-send limit. The curve: 2,000 viewers and ever more messages, every
server until it delivers less than 99 % or later than 2 s (p99); the last load it bore is its knee.
"""

from benchmarks.bench import TROUBLE, Options, chat, failure, publisher, run, say, started, told, viewers
from benchmarks.load.flood import Plan
from benchmarks.peers.model import Peer, Running
from benchmarks.peers.raw import Raw
from benchmarks.peers.registry import all_peers
from benchmarks.results import Point

TARGETS = ((10_000, 500.0), (2_000, 2_000.0), (200, 5.0))
CURVE_VIEWERS = 2_000
CURVE_RATES = (10.0, 20.0, 40.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0)
RATIO_MIN = 0.99
P99_MAX_MS = 2_000.0
SLACK_CONNECTIONS = 50


def run_targets(options: Options) -> list[Point]:
    """The loads that liveserver's targets name, and right after it the raw-send limit: the same flushes a second and the
    same bytes a delivery, without a server behind them."""
    points: list[Point] = []
    ours = [peer for peer in all_peers("fanout") if peer.name == "liveserver"]
    for number in range(options.rounds):
        for count, rate in TARGETS:
            for peer in ours:
                if not options.wants(peer):
                    continue
                points.append(own := one(options, "fanout", peer, count, rate, number))
                raw = Raw().like(own)
                if not own.failed and (not options.only or raw.name in options.only):
                    points.append(one(options, "fanout", raw, count, rate, number))
    return points


def run_curve(options: Options) -> list[Point]:
    """Every server up to its knee and one step beyond, rounds interleaved."""
    points: list[Point] = []
    for number in range(options.rounds):
        for peer in all_peers("fanout"):
            if options.wants(peer) and (not options.quick or peer.name in ("liveserver", "raw")):
                points += _climb(options, peer, number)
    return points


def _climb(options: Options, peer: Peer, number: int) -> list[Point]:
    points: list[Point] = []
    rates = CURVE_RATES[2::2] if options.quick else CURVE_RATES
    try:
        with started(peer, CURVE_VIEWERS + SLACK_CONNECTIONS) as (running, port):
            for rate in rates:
                points.append(_measure(options, "curve", peer, running, port, CURVE_VIEWERS, rate, number))
                if points[-1].ratio < RATIO_MIN or points[-1].p99_ms > P99_MAX_MS:
                    break
    except TROUBLE as error:
        points.append(failure(error, "curve", peer, "", number))
    return points


def one(options: Options, scenario: str, peer: Peer, count: int, rate: float, number: int) -> Point:
    """One load on a fresh server."""
    try:
        with started(peer, count + SLACK_CONNECTIONS) as (running, port):
            return _measure(options, scenario, peer, running, port, count, rate, number)
    except TROUBLE as error:
        return failure(error, scenario, peer, case_of(count, rate), number)


def case_of(count: int, rate: float) -> str:
    """How a load is called in tables."""
    return f"{count:,} x {rate:,.0f}/s"


def _measure(
    options: Options,
    scenario: str,
    peer: Peer,
    running: Running,
    port: int,
    count: int,
    rate: float,
    number: int,
) -> Point:
    speech = running.speech
    # A quiet room gives few samples a second; each of its messages is one.
    measure_ms = max(options.measure_ms, 6_000) if rate < 20 else options.measure_ms
    plan = Plan(
        port=port,
        groups=[viewers(speech, count), publisher(speech)],
        streams=[chat(speech, rate)],
        measure_ms=measure_ms,
        drain_ms=P99_MAX_MS + 1_000,
    )
    outcome, sampler = run(plan, running)
    seen = outcome.group("viewers")
    point = sampler.point(
        outcome,
        seen,
        scenario=scenario,
        peer=peer.name,
        case=case_of(count, rate),
        round=number,
        connections=count,
        rate=rate,
    )
    say(told(point))
    return point
