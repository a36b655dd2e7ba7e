"""What a shop beside a running show costs: reads and checkouts at 200 requests/s, and what they do to the bids of the same server.

Bids alone and bids beside the shop take turns, each on a fresh server with the built-in test provider, in one run.
"""

import json
import urllib.request
from typing import Any

from benchmarks.bench import Options, bidders, run, say
from benchmarks.load.flood import Phase, Plan
from benchmarks.load.shop import READS, Shoppers
from benchmarks.peers.liveserver import ASK_MAX_S, LiveRunning
from benchmarks.results import Point
from benchmarks.scenarios.house import on_liveserver

BIDDERS = 500
BUYERS = 200
BID_RATE = 1_000.0
REQUESTS_PER_S = 200.0
ALONE = f"{BID_RATE:,.0f} bids/s alone"
BESIDE = f"{BID_RATE:,.0f} bids/s beside {REQUESTS_PER_S:,.0f} requests/s"
STOCK = 1_000_000


def run_all(options: Options) -> list[Point]:
    """The bidders' answers; the shop's latencies are in `more`."""
    points: list[Point] = []
    for case in (ALONE, BESIDE):

        def measure(running: LiveRunning, port: int, number: int, case: str = case) -> Point:
            return _measure(options, running, port, number, case)

        points += on_liveserver(options, "shop", case, BIDDERS + BUYERS, measure)
    return points


def _measure(options: Options, running: LiveRunning, port: int, number: int, case: str) -> Point:
    group, stream = bidders(running, BIDDERS, BID_RATE)
    plan = Plan(port=port, groups=[group], streams=[stream], measure_ms=options.measure_ms)
    seconds = (plan.warm_ms + plan.measure_ms) / 1_000
    assert running.tokens is not None, "bidders are known people"
    tokens = running.tokens.read_text().split()[BIDDERS : BIDDERS + BUYERS]
    shoppers = Shoppers(running.origin, tokens, _offer(running), REQUESTS_PER_S, seconds)

    def on_phase(phase: Phase) -> None:
        if phase == "warming" and case == BESIDE:
            shoppers.start()

    outcome, sampler = run(plan, running, on_phase=on_phase)
    more: dict[str, float] = {}
    if case == BESIDE:
        shoppers.join()
        if shoppers.failed:
            say(f"  refused or failed: {shoppers.failed}")
        more = {
            "reads_p99_ms": shoppers.p99_ms(*READS),
            "add_p99_ms": shoppers.p99_ms("add"),
            "session_p99_ms": shoppers.p99_ms("session"),
            "requests": float(sum(map(len, shoppers.latencies_ms.values()))),
            "failed": float(sum(shoppers.failed.values())),
        }
    return sampler.point(
        outcome,
        outcome.group("bidders"),
        scenario="shop",
        peer="liveserver",
        case=case,
        round=number,
        connections=BIDDERS,
        rate=BID_RATE,
        more=more,
    )


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
