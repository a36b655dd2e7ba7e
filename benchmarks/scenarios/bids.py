"""How many bids a second one lot takes, each sequenced, on disk, decided and answered; 1,000 bidders on one lot.

Every server starts anew for each load, as amounts rise from 1 again. Loads grow until fewer than 99 % are answered or the p99
is over 2 s. For liveserver the lot is read afterwards: how many of the bids it accepted. Its bidders are in the room, so
accepted bids are fanned out to all of them as well; the others' need not be.
"""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import TROUBLE, Options, failure, run, say, started, told, viewers
from benchmarks.engines import engines
from benchmarks.load.flood import Plan, Stream
from benchmarks.peers.liveserver import LiveRunning
from benchmarks.peers.model import Peer, Running
from benchmarks.peers.registry import all_peers
from benchmarks.results import Point
from benchmarks.scenarios.fanout import P99_MAX_MS, RATIO_MIN, SLACK_CONNECTIONS

BIDDERS = 1_000
RATES = (
    500.0,
    1_000.0,
    2_000.0,
    5_000.0,
    10_000.0,
    20_000.0,
    30_000.0,
    40_000.0,
    50_000.0,
    60_000.0,
    80_000.0,
)
RATES_QUICK = (1_000.0, 10_000.0, 50_000.0)


def run_all(options: Options) -> list[Point]:
    """Every server up to its knee and one step beyond, rounds interleaved."""
    points: list[Point] = []
    for number in range(options.rounds):
        for peer in all_peers("bids"):
            if options.wants(peer) and (not options.quick or peer.name == "liveserver"):
                points += _climb(options, peer, number)
    return points


def _climb(options: Options, peer: Peer, number: int) -> list[Point]:
    points: list[Point] = []
    for rate in RATES_QUICK if options.quick else RATES:
        points.append(one(options, peer, rate, number))
        if points[-1].failed or points[-1].ratio < RATIO_MIN or points[-1].p99_ms > P99_MAX_MS:
            break
    return points


def one(options: Options, peer: Peer, rate: float, number: int) -> Point:
    """One load on a fresh server."""
    case = f"{rate:,.0f}/s"
    try:
        with (
            _engines_for(peer) as addresses,
            started(peer, BIDDERS + SLACK_CONNECTIONS, addresses) as (running, port),
        ):
            return _measure(options, peer, running, port, rate, number, case)
    except TROUBLE as error:
        return failure(error, "bids", peer, case, number)


@contextmanager
def _engines_for(peer: Peer) -> Generator[tuple[str, str]]:
    if peer.name == "liveserver":  # brings its own
        yield "", ""
        return
    folder = Path(tempfile.mkdtemp(prefix="lsbench-engines-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        with engines(folder / "data") as addresses:
            yield addresses
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _taken(running: LiveRunning, sent: float) -> dict[str, float]:
    """Which share of the bids was accepted, and which went through the log; nothing when the server is too busy to say."""
    try:
        # Bids that lost a race and could not win any more are refused before the log; they are answered all the same.
        commands = running.metrics().get("liveserver_commands_total", 0.0)
        return {
            "accepted_share": running.bids_accepted() / sent,
            "sequenced_share": min(1.0, commands / sent),
        }
    except TROUBLE:
        return {}


def _measure(
    options: Options, peer: Peer, running: Running, port: int, rate: float, number: int, case: str
) -> Point:
    speech = running.speech
    bidders = viewers(speech, BIDDERS, "bidders", tokens=running.tokens)
    stream = Stream(source="bidders", target="bidders", to_all=False, rate=rate, frame=speech.say)
    plan = Plan(
        port=port,
        groups=[bidders],
        streams=[stream],
        measure_ms=options.measure_ms,
        drain_ms=P99_MAX_MS + 1_000,
    )
    outcome, sampler = run(plan, running)
    sent = rate * (plan.warm_ms + plan.measure_ms) / 1_000
    more = _taken(running, sent) if isinstance(running, LiveRunning) else {}
    point = sampler.point(
        outcome,
        outcome.group("bidders"),
        scenario="bids",
        peer=peer.name,
        case=case,
        round=number,
        connections=BIDDERS,
        rate=rate,
        more=more,
    )
    say(told(point) + (f"  accepted {more['accepted_share']:.3f}" if more else ""))
    return point
