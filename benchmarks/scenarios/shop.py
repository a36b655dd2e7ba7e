"""What a shop beside a running show costs: reads and whole checkouts at 200 requests/s, and what they do to the bids of the show.

Cases take turns, each on fresh servers with the built-in test provider: bids alone; bids and shop on one node; and on a machine with
three cores or more the shop's requests on a node of its own, as a proxy that sends everything but `/ws` elsewhere would have it. A
node has a core to itself, and all else (engines, recorder with its jobs, generators) shares what is left.
"""

import json
import os
import urllib.request
from functools import partial
from typing import Any

from benchmarks.bench import Options, bidders, say
from benchmarks.load.flood import Phase, Plan
from benchmarks.load.shop import READS, Shoppers
from benchmarks.peers.liveserver import ASK_MAX_S, LiveRunning, LiveServer
from benchmarks.peers.nodes import Deployment
from benchmarks.results import Point
from benchmarks.scenarios.deployed import ROLES, on_nodes, run_deployed
from benchmarks.scenarios.fanout import SLACK_CONNECTIONS

BIDDERS = 500
BUYERS = 200
BID_RATE = 1_000.0
REQUESTS_PER_S = 200.0
ALONE = "bids alone"
TOGETHER = "shop on the same node"
APART = "shop on a node of its own"
CASES = (ALONE, TOGETHER, APART)
CORES_MIN = 3
"""For `APART`: two would have the second node share its core with the generators and all engines."""
STOCK = 1_000_000
PEER = LiveServer("fanout")


def run_all(options: Options) -> list[Point]:
    """The bidders' answers; the shop's latencies and each role's share of a core are in `more`."""
    points: list[Point] = []
    if not options.wants(PEER):
        return points
    for number in range(options.rounds):
        for case in cases():
            count = 2 if case == APART else 1
            connections = BIDDERS + BUYERS + SLACK_CONNECTIONS
            points.append(
                on_nodes("shop", PEER, count, connections, case, number, partial(_measure, options))
            )
    return points


def cases() -> tuple[str, ...]:
    """Those that this machine can tell something about."""
    return CASES if (os.cpu_count() or 1) >= CORES_MIN else (ALONE, TOGETHER)


def _measure(options: Options, running: Deployment, case: str, number: int) -> Point:
    first = running.first
    group, stream = bidders(first, BIDDERS, BID_RATE)
    plan = Plan(port=running.ports[0], groups=[group], streams=[stream], measure_ms=options.measure_ms)
    seconds = (plan.warm_ms + plan.measure_ms) / 1_000
    assert first.tokens is not None, "bidders are known people"
    tokens = first.tokens.read_text().split()[BIDDERS : BIDDERS + BUYERS]
    origin = f"http://127.0.0.1:{running.ports[-1]}"
    shoppers = Shoppers(origin, tokens, _offer(first), REQUESTS_PER_S, seconds, plan.warm_ms / 1_000)

    def beside(phase: Phase) -> None:
        if phase == "warming" and case != ALONE:
            shoppers.start()

    outcome, sampler, shares = run_deployed(plan, running, beside)
    more = {f"{role}_cpu": shares[f"{role}_cpu"] for role in ROLES}
    if case != ALONE:
        shoppers.join()
        if shoppers.failed:
            say(f"  refused or failed: {shoppers.failed}")
        more |= _told_of(shoppers)
    return sampler.point(
        outcome,
        outcome.group("bidders"),
        scenario="shop",
        peer=PEER.name,
        case=case,
        round=number,
        connections=BIDDERS,
        rate=BID_RATE,
        more=more,
    )


def _told_of(shoppers: Shoppers) -> dict[str, float]:
    figures = {"requests": float(sum(map(len, shoppers.latencies_ms.values())))}
    figures["failed"] = float(sum(shoppers.failed.values()))
    for name, kinds in (("reads", READS), ("add", ("add",)), ("session", ("session",))):
        figures |= {f"{name}_p50_ms": shoppers.at(0.5, *kinds), f"{name}_p99_ms": shoppers.at(0.99, *kinds)}
    return figures


def _offer(running: LiveRunning) -> dict[str, Any]:
    """A product that never runs out, of the show's host."""
    offer = {"title": "Lamp", "price": 4_900, "currency": "USD", "variants": [{"sku": "L", "stock": STOCK}]}
    request = urllib.request.Request(
        f"{running.origin}/api/v1/seller/products",
        json.dumps(offer).encode(),
        {"authorization": f"Bearer {running.host}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=ASK_MAX_S) as response:
        made: dict[str, Any] = json.load(response)
    return made
