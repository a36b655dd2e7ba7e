"""How many nodes a crowd needs, what else it needs, and what an hour of one viewer costs: arithmetic on measured costs.

What was not measured (networks, TLS, a hundred subscribers of one Valkey) it does not know; docs/operating/scale.md says so too.
"""

import math

import msgspec

from benchmarks.scale.costs import CPU_US, Costs

JOINS_PER_S = 4_000.0
"""LIVESERVER_JOINS_PER_S, per node."""

LOG_SHARE_MAX = 0.5
"""Of what is used of a node's core, for the log's sake: a node that only decides bids has no room for viewers."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be served: one show, one hot lot, everybody watching."""

    viewers: int = 1_000_000
    bids_per_s: float = 5_000
    frames_per_s: float = 10
    """To each viewer: 1,000 / LIVESERVER_FLUSH_INTERVAL_MS in a busy room."""
    events_per_s: float = 30
    """Within these frames; superseded bids are left out, chat is limited by slow mode."""
    use: float = 0.5
    """Of a core: the rest is for peaks and for the viewers of a node that died."""
    gbit_per_s: float = 10
    """A node's network, of which `use` is planned."""
    connections_max: int = 20_000
    """LIVESERVER_CONNECTIONS_MAX."""
    core_hour_price: float = 0.04
    gigabyte_price: float = 0.02
    """Both are examples in one currency: put in your own."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the wish takes."""

    viewers_per_node: int
    bound_by: str
    nodes: int
    """With one in ten to spare, at least one."""
    node_share: float
    """Of a node's core, all nodes living."""
    batches_per_s: float
    valkey_share: float
    recorder_share: float
    postgres_share: float
    node_bytes: float
    """Memory for viewers."""
    egress_gbit_per_s: float
    back_s: float
    """Until the viewers of one dead node are all back, at 4,000 joins a second and node."""
    core_price: float
    """An hour of one viewer: the nodes' cores."""
    egress_price: float
    """An hour of one viewer: what was sent to them."""


def planned(costs: Costs, wish: Wish) -> Plan:
    """What the wish takes. Raises ValueError when even a node without viewers would be too busy with the bids."""
    nodes_needed, per_node, bound = 1, 0, ""
    # The number of nodes and what the log costs each depend on each other: a few rounds settle it.
    for _ in range(50):
        per_node, bound = _viewers_per_node(costs, wish, _batches(costs, wish, nodes_needed))
        needed = math.ceil(wish.viewers / per_node)
        needed += max(1, math.ceil(needed / 10))
        if needed <= nodes_needed:
            break
        nodes_needed = needed
    batches = _batches(costs, wish, nodes_needed)
    each = wish.viewers / nodes_needed
    node_us = _log_us(costs, wish, batches) + each * _viewer_us(costs, wish)
    valkey_us = (
        batches * (costs.valkey_batch_us + nodes_needed * costs.valkey_publish_us)
        + wish.bids_per_s * costs.valkey_bid_us
    )
    viewer_bytes_per_s = wish.events_per_s * costs.event_bytes
    return Plan(
        viewers_per_node=per_node,
        bound_by=bound,
        nodes=nodes_needed,
        node_share=node_us / CPU_US,
        batches_per_s=batches,
        valkey_share=valkey_us / CPU_US,
        recorder_share=wish.bids_per_s * costs.recorder_bid_us / CPU_US,
        postgres_share=wish.bids_per_s * costs.postgres_bid_us / CPU_US,
        node_bytes=each * costs.viewer_bytes,
        egress_gbit_per_s=wish.viewers * viewer_bytes_per_s * 8 / 1e9,
        back_s=each / (JOINS_PER_S * max(1, nodes_needed - 1)),
        core_price=nodes_needed * wish.core_hour_price / wish.viewers,
        egress_price=viewer_bytes_per_s * 3_600 / 1e9 * wish.gigabyte_price,
    )


def affordable(costs: Costs, wish: Wish) -> Wish:
    """The wish, with as few bids a second fewer as is needed for its Valkey primary to stay within `use`, and for its nodes to have
    the better part of theirs for viewers."""
    if _fits(costs, wish):
        return wish
    low, high = 0.0, wish.bids_per_s
    while high - low > max(1.0, high / 1_000):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if _fits(costs, msgspec.structs.replace(wish, bids_per_s=middle))
            else (low, middle)
        )
    return msgspec.structs.replace(wish, bids_per_s=float(math.floor(low)))


def _fits(costs: Costs, wish: Wish) -> bool:
    try:
        plan = planned(costs, wish)
    except ValueError:
        return False
    log_share = _log_us(costs, wish, plan.batches_per_s) / CPU_US
    return plan.valkey_share <= wish.use and log_share <= wish.use * LOG_SHARE_MAX


def _batches(costs: Costs, wish: Wish, count: int) -> float:
    """A node has one batch of a show under way at a time, and no batch is empty."""
    if not costs.append_ms:
        return wish.bids_per_s
    return min(wish.bids_per_s, count * 1_000 / costs.append_ms)


def _log_us(costs: Costs, wish: Wish, batches: float) -> float:
    """What the log of the show costs each node, viewers or not."""
    return wish.bids_per_s * costs.bid_us + batches * costs.batch_us


def _viewer_us(costs: Costs, wish: Wish) -> float:
    return (
        wish.frames_per_s * costs.frame_us + costs.idle_us + wish.bids_per_s / wish.viewers * costs.own_bid_us
    )


def _viewers_per_node(costs: Costs, wish: Wish, batches: float) -> tuple[int, str]:
    left_us = wish.use * CPU_US - _log_us(costs, wish, batches)
    if left_us <= 0:
        raise ValueError(
            "a node would be too busy with the bids alone: fewer bids a second, or a higher use of its core"
        )
    bounds = {
        "CPU": left_us / _viewer_us(costs, wish),
        "network": wish.use * wish.gbit_per_s * 1e9 / 8 / max(1.0, wish.events_per_s * costs.event_bytes),
        "LIVESERVER_CONNECTIONS_MAX": float(wish.connections_max),
    }
    bound = min(bounds, key=lambda name: bounds[name])
    return max(1, int(bounds[bound])), bound
