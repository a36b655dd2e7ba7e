"""Writes what was measured, and the plans, into docs/operating/scale.md between its markers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import results
from benchmarks.medians import medians, well
from benchmarks.report import table
from benchmarks.results import ROOT, Point
from benchmarks.scale.costs import Costs, fitted
from benchmarks.scale.plan import Plan, Wish, affordable, planned

TARGET = ROOT / "docs" / "operating" / "scale.md"
MEASURED, PLANNED = "measured", "plan"
WISHES = tuple(Wish(viewers=count) for count in (20_000, 100_000, 1_000_000))
"""The plans that the page shows."""
SPREAD_S = 5
"""LIVESERVER_RECONNECT_SPREAD_MS."""


def measured_text(points: Mapping[tuple[str, str, str], Point], costs: Costs) -> str:
    """The tables of what was measured and of what it comes to."""
    mine = [point for (scenario, _, _), point in points.items() if scenario == "nodes"]
    rows: list[Sequence[str]] = []
    for count in sorted({point.more["nodes"] for point in mine}):
        of = [point for point in mine if point.more["nodes"] == count]
        hot = [p for p in of if "bids" in p.case and "steady" not in p.case and well(p)]
        steady = next((p for p in of if "steady" in p.case), None)
        crowd = next((p for p in of if "bids" not in p.case), None)
        most = max(hot, key=lambda p: p.per_s, default=steady)
        if most is None or steady is None or crowd is None:
            continue
        seconds_share = most.more.get("accepted_share", 0.0)
        rows.append(
            (
                f"{count:.0f} on {crowd.more['cores']:.0f}",
                f"{most.per_s:,.0f}",
                f"{most.per_s * seconds_share:,.0f}",
                f"{most.p99_ms:,.0f}",
                *(
                    f"{steady.more[name]:.0%}"
                    for name in ("node_cpu_mean", "valkey_cpu", "recorder_cpu", "postgres_cpu")
                ),
                f"{crowd.per_s / count:,.0f}",
                f"{crowd.more['node_cpu_mean']:.0%}",
                f"{crowd.p99_ms:,.0f}",
            )
        )
    head = (
        "nodes on cores",
        "most bids answered/s",
        "of them accepted/s",
        "p99 ms",
        "steady: a node",
        "Valkey",
        "recorder",
        "PostgreSQL",
        "crowd: deliveries/s a node",
        "its CPU",
        "p99 ms",
    )
    cost_rows = [(words, f"{value:,.1f}") for words, value in _told(costs)]
    return f"{table(head, rows)}\n\nFitted to these runs (least squares, no factor below zero):\n\n{table(('what', 'measured'), cost_rows)}"


def _told(costs: Costs) -> list[tuple[str, float]]:
    return [
        ("`own_bid`: a bid, to the node that takes it in, CPU µs", costs.own_bid_us),
        ("`bid`: a bid, to every node with viewers of the show, CPU µs", costs.bid_us),
        ("`batch`: a batch, to every such node, CPU µs", costs.batch_us),
        ("`frame`: a frame to one viewer, CPU µs", costs.frame_us),
        ("`idle`: a viewer's second without news, CPU µs", costs.idle_us),
        ("`valkey_batch`: a batch, to Valkey, CPU µs", costs.valkey_batch_us),
        ("`valkey_publish`: a batch told to one node, to Valkey, CPU µs", costs.valkey_publish_us),
        ("`valkey_bid`: a bid, to Valkey, CPU µs", costs.valkey_bid_us),
        ("`recorder_bid`: a bid, to the recorder, CPU µs", costs.recorder_bid_us),
        ("`postgres_bid`: a bid, to PostgreSQL, CPU µs", costs.postgres_bid_us),
        ("`event`: an event on a viewer's wire, bytes", costs.event_bytes),
        ("`append`: a batch's way into the log, ms", costs.append_ms),
        ("`viewer`: a viewer in a node's memory, bytes", costs.viewer_bytes),
    ]


def plan_text(costs: Costs, wish: Wish) -> str:
    """The plan as a table; where the bids are too many for one lot, with as many as are not."""
    fits = affordable(costs, wish)
    plan: Plan = planned(costs, fits)
    rows = [
        ("wanted", f"{wish.viewers:,} viewers, {wish.bids_per_s:,.0f} bids/s on one lot, {wish.frames_per_s:g} frames/s with {wish.events_per_s:g} events/s to each"),
        *([("bids that fit", f"{fits.bids_per_s:,.0f}/s; more take over {wish.use / 2:.0%} of every node's core, or over {wish.use:.0%} of the Valkey primary's")] if fits != wish else []),
        ("viewers a node", f"{plan.viewers_per_node:,}, bounded by {plan.bound_by}"),
        ("nodes of one core, one in ten to spare", f"{plan.nodes:,}, {plan.node_share:.0%} busy"),
        ("batches/s in the show's log", f"{plan.batches_per_s:,.0f}, each told to {plan.nodes:,} nodes: {plan.batches_per_s * plan.nodes:,.0f} messages/s"),
        ("the show's Valkey primary", f"{plan.valkey_share:.0%} of a core"),
        ("its recorder", f"{plan.recorder_share:.0%} of a core{' **(more than one has: it falls behind until the lot ends)**' if plan.recorder_share > 1 else ''}"),
        ("PostgreSQL", f"{plan.postgres_share:.0%} of a core"),
        ("memory for viewers", f"{plan.node_bytes / 2**20:,.0f} MiB a node"),
        ("sent", f"{plan.egress_gbit_per_s:,.1f} Gbit/s, {plan.egress_gbit_per_s / plan.nodes * 1_000:,.0f} Mbit/s a node"),
        ("a node dies: its viewers are back after", f"{plan.back_s:.2f} s of joins, and the {SPREAD_S} s over which they spread"),
        ("an hour of one viewer", f"{plan.core_price:.6f} for cores at {wish.core_hour_price:g} an hour, {plan.egress_price:.6f} for traffic at {wish.gigabyte_price:g} a GB"),
    ]  # fmt: skip
    return table(("", "plan"), rows)


def between(text: str, name: str, inside: str) -> str:
    """The text with what stands between the two markers of that name replaced. Raises ValueError when they are missing."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, found, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"the markers of {name} are missing")
    return f"{head}{begin}\n{inside}\n{end}{tail}"


def write(kept: results.Results, wishes: Sequence[Wish], path: Path = TARGET) -> Path:
    """Puts both into the page. Raises ValueError when too little was measured, or the page has no markers."""
    points = medians(kept.points)
    costs = fitted(points)
    m = kept.machine
    words = (
        f"Measured on {kept.date}, at commit `{m.commit}`: {m.cpu}, {m.cores} cores, Python {m.python}.\n\n"
    )
    text = between(path.read_text(), MEASURED, words + measured_text(points, costs))
    plans = "\n\n".join(plan_text(costs, wish) for wish in wishes)
    path.write_text(between(text, PLANNED, plans))
    return path
