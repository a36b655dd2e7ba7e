"""What more nodes bring and cost: one hot lot, and one crowd, over 1, 2 and 4 nodes on one PostgreSQL and one Valkey.

Every node decides every bid of a show that it has viewers of, so nodes share the work of taking bids in and of telling viewers, and
not that of deciding. Three questions for each number of nodes: what a bid costs each process (a steady load that all bear),
how many bids a second are answered and accepted at most (a growing load), and what a viewer's frame costs a node.
"""

from benchmarks.bench import (
    TROUBLE,
    Options,
    chat,
    publisher,
    viewers,
)
from benchmarks.load.flood import Plan, Stream
from benchmarks.peers.liveserver import LiveServer
from benchmarks.peers.nodes import Deployment
from benchmarks.results import Point
from benchmarks.scenarios.deployed import Measure, on_nodes, run_deployed
from benchmarks.scenarios.fanout import P99_MAX_MS, RATIO_MIN, SLACK_CONNECTIONS

COUNTS = (1, 2, 4)
BIDDERS = 1_000
STEADY_RATE = 5_000.0
"""Bids a second that four nodes bear on one core."""
RATES = (10_000.0, 20_000.0, 30_000.0, 40_000.0, 60_000.0, 80_000.0)
RATES_QUICK = (20_000.0, 60_000.0)
VIEWERS_PER_NODE = 2_000
CHAT_RATE = 250.0
PEER = LiveServer("fanout")


def run_all(options: Options) -> list[Point]:
    """All points; `more` has each role's share of a core, and `nodes`, and `cores` that the nodes had."""
    points: list[Point] = []
    if not options.wants(PEER):
        return points
    for number in range(options.rounds):
        for count in COUNTS:
            points.append(_one(count, steady_case(count), number, _bids(options, count, STEADY_RATE)))
            for rate in RATES_QUICK if options.quick else RATES:
                point = _one(count, most_case(count, rate), number, _bids(options, count, rate))
                points.append(point)
                if point.failed or point.ratio < RATIO_MIN or point.p99_ms > P99_MAX_MS:
                    break
            points.append(_one(count, fanout_case(count), number, _fanout(options, count)))
    return points


def steady_case(count: int) -> str:
    """How the steady load is called."""
    return f"{_nodes(count)}, steady {STEADY_RATE:,.0f} bids/s"


def most_case(count: int, rate: float) -> str:
    """How a step of the growing load is called."""
    return f"{_nodes(count)}, {rate:,.0f} bids/s"


def fanout_case(count: int) -> str:
    """How the crowd is called."""
    return f"{_nodes(count)}, {VIEWERS_PER_NODE:,} x {CHAT_RATE:,.0f}/s each"


def _nodes(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"


def _one(count: int, case: str, number: int, measure: Measure) -> Point:
    connections = BIDDERS + count * VIEWERS_PER_NODE + SLACK_CONNECTIONS
    return on_nodes("nodes", PEER, count, connections, case, number, measure)


def _bids(options: Options, count: int, rate: float) -> Measure:
    def measure(running: Deployment, case: str, number: int) -> Point:
        first = running.first
        group = viewers(first.bidders, BIDDERS, "bidders", tokens=first.tokens, stamp="BS")
        stream = Stream(source="bidders", target="bidders", to_all=False, rate=rate, frame=first.bidders.say)
        plan = Plan(
            port=running.ports[0],
            more_ports=running.ports[1:],
            groups=[group],
            streams=[stream],
            measure_ms=options.measure_ms,
            drain_ms=P99_MAX_MS + 1_000,
        )
        outcome, sampler, shares = run_deployed(plan, running)
        sent = rate * (plan.warm_ms + plan.measure_ms) / 1_000
        try:
            accepted = {"accepted_share": first.bids_accepted() / sent}
        except TROUBLE:
            accepted = {}
        more = {**shares, **accepted, "nodes": float(count), "cores": float(running.cores)}
        return sampler.point(
            outcome,
            outcome.group("bidders"),
            scenario="nodes",
            peer=PEER.name,
            case=case,
            round=number,
            connections=BIDDERS,
            rate=rate,
            more=more,
        )

    return measure


def _fanout(options: Options, count: int) -> Measure:
    def measure(running: Deployment, case: str, number: int) -> Point:
        speech = running.first.speech
        crowd = viewers(speech, VIEWERS_PER_NODE * count)
        plan = Plan(
            port=running.ports[0],
            more_ports=running.ports[1:],
            groups=[crowd, publisher(speech)],
            streams=[chat(speech, CHAT_RATE)],
            measure_ms=options.measure_ms,
            drain_ms=P99_MAX_MS + 1_000,
        )
        outcome, sampler, shares = run_deployed(plan, running)
        return sampler.point(
            outcome,
            outcome.group("viewers"),
            scenario="nodes",
            peer=PEER.name,
            case=case,
            round=number,
            connections=crowd.count,
            rate=CHAT_RATE,
            more={**shares, "nodes": float(count), "cores": float(running.cores)},
        )

    return measure
