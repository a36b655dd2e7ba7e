"""What a bid and a frame cost each process, fitted to the measurements of the scenario `nodes`. It measures nothing."""

import itertools
import math
from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.medians import well
from benchmarks.results import Point

CPU_US = 1e6
"""CPU microseconds that one core has in a second."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """CPU microseconds of one core, as `fitted`."""

    own_bid_us: float
    """Of a bid to the node that takes it in: reading, settling, answering."""
    bid_us: float
    """Of a bid to every node with viewers of the show: decided again, for its replica."""
    batch_us: float
    """Of a batch of bids to every such node."""
    frame_us: float
    """Of one frame to one viewer."""
    idle_us: float
    """Of one viewer's second of watching nothing: heartbeats."""
    valkey_batch_us: float
    """Of a batch to Valkey: the function, the fsync."""
    valkey_publish_us: float
    """Of a batch to Valkey, for each node that hears of it."""
    valkey_bid_us: float
    recorder_bid_us: float
    postgres_bid_us: float
    event_bytes: float
    """On a viewer's wire."""
    append_ms: float
    """A batch's way into the log; a node has one of a show under way at a time."""
    viewer_bytes: float
    """Of memory, in the node."""


def fitted(points: Mapping[tuple[str, str, str], Point]) -> Costs:
    """Costs by least squares over the loads that were borne. Raises ValueError when too little was measured."""
    mine = [point for (scenario, _, _), point in points.items() if scenario == "nodes" and well(point)]
    crowds = [point for point in mine if "bids" not in point.case]
    hot = [point for point in mine if "bids" in point.case and point.more.get("batches_per_s")]
    if not crowds or len({point.more["nodes"] for point in hot}) < 2:
        raise ValueError("the scenario `nodes` was not measured with at least two numbers of nodes")
    frame_us = _mean([
        _node_us(p) / (p.connections / p.more["nodes"] * p.more["frames_per_s"]) for p in crowds if p.more.get("frames_per_s")
    ])  # fmt: skip
    if not frame_us:
        raise ValueError("the nodes did not tell how often they flushed, so a frame has no price")
    rows: list[Sequence[float]] = []
    spent: list[float] = []
    for point in hot:
        count = point.more["nodes"]
        rows.append((point.per_s / count, point.per_s, point.more["batches_per_s"]))
        # The bidders watch too.
        spent.append(_node_us(point) - frame_us * point.more["frames_per_s"] * point.connections / count)
    own_bid_us, bid_us, batch_us = least_squares(rows, spent)
    rows = [(p.more["batches_per_s"], p.more["batches_per_s"] * p.more["nodes"], p.per_s) for p in hot]
    valkey = least_squares(rows, [p.more["valkey_cpu"] * CPU_US for p in hot])
    idle = [point for (scenario, _, _), point in points.items() if scenario == "idle"]
    return Costs(
        own_bid_us=own_bid_us,
        bid_us=bid_us,
        batch_us=batch_us,
        frame_us=frame_us,
        idle_us=_mean([point.cpu_share * CPU_US / point.connections for point in idle]),
        valkey_batch_us=valkey[0],
        valkey_publish_us=valkey[1],
        valkey_bid_us=valkey[2],
        recorder_bid_us=_mean([p.more["recorder_cpu"] * CPU_US / p.per_s for p in hot]),
        postgres_bid_us=_mean([p.more["postgres_cpu"] * CPU_US / p.per_s for p in hot]),
        event_bytes=_mean([point.more["bytes_per_delivery"] for point in crowds]),
        append_ms=_mean([point.more.get("append_ms", 0.0) for point in hot]),
        viewer_bytes=_mean([point.rss_per_connection for point in idle]),
    )


def _node_us(point: Point) -> float:
    """CPU microseconds a second of one node."""
    return point.more["node_cpu_mean"] * CPU_US


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def least_squares(rows: Sequence[Sequence[float]], wanted: Sequence[float]) -> tuple[float, float, float]:
    """The three factors, none below zero, that come nearest to `wanted`: relative to it, so that small loads count as large ones."""
    scaled = [
        ([value / goal for value in row], 1.0) for row, goal in zip(rows, wanted, strict=True) if goal > 0
    ]
    best, left = (0.0, 0.0, 0.0), math.inf
    # Three factors have seven sets of those that are not zero: all are tried.
    for size in (1, 2, 3):
        for chosen in itertools.combinations(range(3), size):
            found = _solved(
                [[sum(row[i] * row[j] for row, _ in scaled) for j in chosen] for i in chosen],
                [sum(row[i] * goal for row, goal in scaled) for i in chosen],
            )
            if found is None or min(found) < 0:
                continue
            factors = dict(zip(chosen, found, strict=True))
            error = sum(
                (sum(row[i] * factors.get(i, 0.0) for i in range(3)) - goal) ** 2 for row, goal in scaled
            )
            if error < left * (1 - 1e-9):
                best, left = (factors.get(0, 0.0), factors.get(1, 0.0), factors.get(2, 0.0)), error
    return best


def _solved(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Gauss; None where the equations depend on each other."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        if abs(rows[pivot][at]) < 1e-12 * max(1.0, abs(matrix[at][at])):
            return None
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for other in range(size):
            if other != at:
                factor = rows[other][at] / rows[at][at]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[at], strict=True)]
    return [row[-1] / row[at] for at, row in enumerate(rows)]
