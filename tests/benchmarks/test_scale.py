"""The plan for a crowd: costs are found again in measurements made of them, and the arithmetic on them is right."""

import msgspec
import pytest

from benchmarks.medians import medians
from benchmarks.results import Machine, Point, Results
from benchmarks.scale.costs import Costs, fitted, least_squares
from benchmarks.scale.page import WISHES, between, plan_text, write
from benchmarks.scale.plan import Wish, affordable, planned
from benchmarks.scenarios import nodes

TRUE = Costs(
    own_bid_us=40, bid_us=12, batch_us=60, frame_us=4, idle_us=1.5, valkey_batch_us=50, valkey_publish_us=6, valkey_bid_us=2,
    recorder_bid_us=25, postgres_bid_us=30, event_bytes=270, append_ms=2, viewer_bytes=2_500,
)  # fmt: skip
FRAMES = 40.0


def hot(count: int, rate: float, case: str) -> Point:
    """What `nodes` would have measured if bids cost exactly that."""
    batches = min(rate, 400.0 * count)
    node_us = TRUE.own_bid_us * rate / count + TRUE.bid_us * rate + TRUE.batch_us * batches
    node_us += TRUE.frame_us * FRAMES * nodes.BIDDERS / count
    valkey_us = batches * (TRUE.valkey_batch_us + count * TRUE.valkey_publish_us) + rate * TRUE.valkey_bid_us
    return Point(
        scenario="nodes",
        peer="liveserver",
        case=case,
        connections=nodes.BIDDERS,
        rate=rate,
        ratio=1,
        per_s=rate,
        p99_ms=20,
        more={
            "nodes": count,
            "cores": 1,
            "batches_per_s": batches,
            "frames_per_s": FRAMES,
            "append_ms": TRUE.append_ms,
            "accepted_share": 0.5,
            "node_cpu_mean": node_us / 1e6,
            "valkey_cpu": valkey_us / 1e6,
            "recorder_cpu": rate * TRUE.recorder_bid_us / 1e6,
            "postgres_cpu": rate * TRUE.postgres_bid_us / 1e6,
        },
    )


def crowd(count: int) -> Point:
    viewers = nodes.VIEWERS_PER_NODE
    return Point(
        scenario="nodes",
        peer="liveserver",
        case=nodes.fanout_case(count),
        connections=viewers * count,
        ratio=1,
        per_s=viewers * count * nodes.CHAT_RATE,
        more={
            "nodes": count,
            "cores": 1,
            "frames_per_s": FRAMES,
            "node_cpu_mean": viewers * FRAMES * TRUE.frame_us / 1e6,
            "bytes_per_delivery": TRUE.event_bytes,
        },
    )


def measured() -> list[Point]:
    points = [
        Point(scenario="idle", peer="liveserver", connections=10_000, cpu_share=0.015, rss_bytes=25_000_000)
    ]
    for count in nodes.COUNTS:
        points.append(hot(count, nodes.STEADY_RATE, nodes.steady_case(count)))
        points += [hot(count, rate, nodes.most_case(count, rate)) for rate in nodes.RATES[:3]]
        points.append(crowd(count))
    return points


def test_costs_are_found_again() -> None:
    assert msgspec.structs.asdict(fitted(medians(measured()))) == pytest.approx(
        msgspec.structs.asdict(TRUE), rel=1e-3
    )


def test_loads_that_were_not_borne_teach_nothing() -> None:
    late = msgspec.structs.replace(
        hot(4, 80_000, "4 nodes, 80,000 bids/s"), p99_ms=5_000, more={"nodes": 4.0}
    )
    assert fitted(medians([*measured(), late])).bid_us == pytest.approx(TRUE.bid_us, rel=1e-3)


def test_one_number_of_nodes_is_too_little() -> None:
    with pytest.raises(ValueError, match="at least two numbers of nodes"):
        fitted(medians([point for point in measured() if point.more.get("nodes") in (None, 1)]))


def test_no_cost_is_below_zero() -> None:
    # The best fit without that rule would have a negative second factor.
    assert least_squares([(1, 1, 0), (2, 3, 0)], [1, 1.5]) == pytest.approx((0.8, 0, 0), rel=0.2)


def test_a_plan_is_what_its_costs_come_to() -> None:
    wish = Wish(viewers=1_000_000, bids_per_s=5_000, frames_per_s=10, connections_max=1_000_000)
    plan = planned(TRUE, wish)
    assert plan.bound_by == "CPU"
    assert plan.batches_per_s == 5_000, "so many nodes have a bid each at a time"
    log_us = 5_000 * TRUE.bid_us + 5_000 * TRUE.batch_us
    viewer_us = 10 * TRUE.frame_us + TRUE.idle_us + 5_000 / 1_000_000 * TRUE.own_bid_us
    assert plan.viewers_per_node == int((0.5e6 - log_us) / viewer_us)
    needed = -(-1_000_000 // plan.viewers_per_node)
    assert plan.nodes == needed - (-needed // 10)
    assert plan.node_share < 0.5
    assert plan.valkey_share == pytest.approx((5_000 * (50 + plan.nodes * 6) + 5_000 * 2) / 1e6)


def test_bids_that_one_lot_can_not_have_are_said_and_left_out() -> None:
    wish = Wish(viewers=1_000_000, bids_per_s=5_000)
    fits = affordable(TRUE, wish)
    assert planned(TRUE, wish).valkey_share > wish.use
    assert 0 < fits.bids_per_s < 5_000
    assert planned(TRUE, fits).valkey_share <= wish.use
    more = msgspec.structs.replace(wish, bids_per_s=fits.bids_per_s * 1.01)
    assert planned(TRUE, more).valkey_share > wish.use, "as few fewer as needed"
    assert f"| bids that fit | {fits.bids_per_s:,.0f}/s" in plan_text(TRUE, wish)
    deciding = msgspec.structs.replace(TRUE, valkey_publish_us=0, batch_us=400)
    assert affordable(deciding, wish).bids_per_s == pytest.approx(0.25e6 / (12 + 400), abs=2), (
        "half of half a core"
    )
    few = Wish(viewers=10_000, bids_per_s=100)
    assert affordable(TRUE, few) == few
    assert "bids that fit" not in plan_text(TRUE, few)


def test_networks_and_the_limit_of_connections_bound_too() -> None:
    assert planned(TRUE, Wish(bids_per_s=100, connections_max=1_000)).bound_by == "LIVESERVER_CONNECTIONS_MAX"
    slow = planned(TRUE, Wish(bids_per_s=100, connections_max=10**6, gbit_per_s=0.1))
    assert (slow.bound_by, slow.viewers_per_node) == ("network", int(0.5 * 0.1e9 / 8 / (30 * 270)))


def test_a_node_that_only_decides_has_no_room_for_viewers() -> None:
    with pytest.raises(ValueError, match="too busy with the bids alone"):
        planned(TRUE, Wish(bids_per_s=40_000))


def test_the_page_keeps_its_words_and_gets_its_tables(tmp_path) -> None:
    path = tmp_path / "scale.md"
    path.write_text("before\n<!-- measured: begin -->\nstale\n<!-- measured: end -->\nbetween\n<!-- plan: begin -->\n<!-- plan: end -->\nafter\n")  # fmt: skip
    machine = Machine("A CPU", 2, 2**34, "6.1", "An OS", "3.11.0", "abc")
    kept = Results(machine=machine, date="2026-01-31", quick=False, versions={}, points=measured())
    for _ in range(2):  # a second time changes nothing
        text = write(kept, WISHES, path).read_text()
    assert text.startswith("before\n")
    assert "\nbetween\n" in text
    assert text.endswith("after\n")
    assert "stale" not in text
    assert text.count("A CPU, 2 cores") == 1
    assert all(f"{wish.viewers:,} viewers, " in text for wish in WISHES)
    with pytest.raises(ValueError, match="markers"):
        between("no page", "plan", "")


def test_the_real_page_has_its_markers() -> None:
    from benchmarks.scale.page import MEASURED, PLANNED, TARGET

    for name in (MEASURED, PLANNED):
        assert between(TARGET.read_text(), name, "x").count(f"<!-- {name}: ") == 2
