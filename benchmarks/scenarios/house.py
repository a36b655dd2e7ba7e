"""What the scenarios that are about liveserver alone have in common: a server with a show, viewers and bidders.

They ask what no comparison answers, because what people use instead has no rooms, lots or resumes.
"""

from collections.abc import Callable, Mapping

from benchmarks.bench import TROUBLE, Options, failure, say, started, told
from benchmarks.peers.liveserver import LiveRunning, LiveServer
from benchmarks.results import Point
from benchmarks.scenarios.fanout import SLACK_CONNECTIONS

Measure = Callable[[LiveRunning, int, int], Point]
"""Running server, its port and the round's number; the measurement."""


def on_liveserver(
    options: Options,
    scenario: str,
    case: str,
    connections: int,
    measure: Measure,
    environment: Mapping[str, str] | None = None,
    *,
    unlimited: bool = True,
) -> list[Point]:
    """Rounds of one measurement, each on a fresh server."""
    points: list[Point] = []
    peer = LiveServer("fanout", environment, unlimited=unlimited)
    if not options.wants(peer):
        return points
    for number in range(options.rounds):
        try:
            with started(peer, connections + SLACK_CONNECTIONS) as (running, port):
                assert isinstance(running, LiveRunning), "it is our own"
                point = measure(running, port, number)
        except TROUBLE as error:
            points.append(failure(error, scenario, peer, case, number))
            continue
        say(told(point) + "".join(f"  {name} {value:,.3f}" for name, value in point.more.items()))
        points.append(point)
    return points
