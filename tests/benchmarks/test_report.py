"""The report says what the kept results say: medians, knees, ratios, targets reached and missed."""

from pathlib import Path

import msgspec
import pytest

from benchmarks import report, results, shop_page, targets
from benchmarks.medians import climbs, median, medians
from benchmarks.results import Machine, Point, Results
from benchmarks.scenarios import shop

MACHINE = Machine("A CPU", 2, 2**34, "6.1", "An OS", "3.11.0", "abc")


def curve(peer: str, *measured: tuple[float, float, float], number: int = 0) -> list[Point]:
    """Points of a climb: rate, ratio, p99."""
    return [
        Point(
            scenario="curve",
            peer=peer,
            case=f"2,000 x {rate:,.0f}/s",
            round=number,
            connections=2_000,
            rate=rate,
            ratio=ratio,
            p99_ms=p99_ms,
            per_s=rate * ratio * 2_000,
        )
        for rate, ratio, p99_ms in measured
    ]


def kept(points: list[Point]) -> Results:
    return Results(
        machine=MACHINE,
        date="2026-01-31",
        quick=False,
        versions={"liveserver": "liveserver 1.0"},
        titles={"ws": "ws (Node), `send` in a loop"},
        missing={"nats": "nats-server is not installed"},
        points=points,
    )


def test_medians_are_taken_figure_by_figure() -> None:
    rounds = [Point(scenario="idle", peer="liveserver", p99_ms=p99, cpu_share=cpu, more={"lag": p99}) for p99, cpu in ((1, 0.9), (3, 0.1), (2, 0.5))]  # fmt: skip
    point = median(rounds)
    assert (point.p99_ms, point.cpu_share, point.more) == (2, 0.5, {"lag": 2})


def test_a_failed_round_does_not_count() -> None:
    good = Point(scenario="idle", peer="liveserver", p99_ms=5)
    broken = Point(scenario="idle", peer="liveserver", failed="port taken")
    assert medians([good, broken])["idle", "liveserver", ""].p99_ms == 5


@pytest.mark.parametrize(
    ("rounds", "knee"),
    [
        ([[(10, 1, 5), (20, 1, 50), (40, 0.7, 50)]], 20),
        ([[(10, 1, 5), (20, 1, 2_500)]], 10),
        ([[(10, 0.5, 5)]], None),
        ([[(10, 1, 5), (20, 1, 9)], [(10, 1, 5), (20, 0.9, 9)], [(10, 1, 5), (20, 1, 9)]], 20),
        # Only one round of three got so far: the others ended before.
        ([[(10, 1, 5), (20, 1, 9), (40, 1, 9)], [(10, 1, 5), (20, 0.9, 9)], [(10, 1, 5), (20, 0.9, 9)]], 10),
    ],
)
def test_the_knee_is_the_last_load_borne_in_most_rounds(
    rounds: list[list[tuple[float, float, float]]], knee: float | None
) -> None:
    points = [point for number, one in enumerate(rounds) for point in curve("ws", *one, number=number)]
    [climb] = climbs(points, "curve")
    assert (climb.knee.rate if climb.knee else None) == knee


def test_targets_are_judged_honestly() -> None:
    busy = {"scenario": "fanout", "case": "10,000 x 500/s", "connections": 10_000}
    points = [
        Point(**busy, peer="liveserver", ratio=1, p99_ms=150, per_s=4.9e6, cpu_share=0.9),
        Point(**busy, peer="raw", ratio=1, cpu_share=0.6),
        Point(
            scenario="idle",
            peer="liveserver",
            connections=1_000,
            rss_bytes=30 * 2**20,
            rss_empty_bytes=10 * 2**20,
        ),
    ]
    verdicts = {(row.work, row.figure): row.verdict for row in targets.rows(medians(points))}
    assert verdicts["10,000 x 500/s fan-out", "p99, ms"] == "reached"
    assert verdicts["10,000 x 500/s fan-out", "p99, ms (stretch)"] == "**missed**"
    assert verdicts["10,000 x 500/s fan-out", "CPU, times the raw-send limit's"] == "**missed**"
    assert verdicts["idle viewers", "memory each, KB"] == "**missed**"
    assert verdicts["joining", "connects and joins a second"] == "not measured"


def test_a_report_is_rebuilt_from_its_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (make .venv/.bench)")
    points = [
        *curve("liveserver", (10, 1, 5), (1_000, 1, 20), (2_000, 0.5, 3_000)),
        *curve("ws", (10, 1, 5), (20, 1, 30), (40, 0.7, 2_500)),
        Point(scenario="bids", peer="postgres", case="500/s", rate=500, failed="it did not start"),
        Point(
            scenario="bids",
            peer="liveserver",
            case="50,000/s",
            rate=50_000,
            ratio=1,
            p99_ms=28,
            more={"accepted_share": 0.3, "sequenced_share": 0.9},
        ),
        Point(
            scenario="storm",
            peer="liveserver",
            case="10,000 come back",
            more={"all_s": 2.5, "resumed": 10_000},
        ),
    ]
    file = tmp_path / "results.json"
    results.save(kept(points), file)
    assert results.load(file) == kept(points)
    written = report.write(results.load(file), tmp_path).read_text()
    assert "| ws (Node), `send` in a loop | 40,000 |" in written
    assert "| 50x |" in written, "1,000 against 20 messages a second"
    assert "nats-server is not installed" in written
    assert "postgres, bids 500/s, round 1: it did not start" in written
    assert "50,000/s: 30% (90%)" in written
    assert "| 10,000 come back |" in written
    assert ">liveserver<" in (tmp_path / "bids.svg").read_text()
    plot = (tmp_path / "fanout.svg").read_text()
    assert ">liveserver<" in plot
    assert ">ws<" in plot


def test_a_scenario_run_again_replaces_its_older_points() -> None:
    older = kept([*curve("ws", (10, 1, 5)), Point(scenario="idle", peer="liveserver", p99_ms=9)])
    newer = kept([Point(scenario="idle", peer="liveserver", p99_ms=1)])
    both = results.merged(older, newer)
    assert [(point.scenario, point.p99_ms) for point in both.points] == [("curve", 5), ("idle", 1)]


def test_figures_are_kept_to_seven_digits(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    point = Point(scenario="slow", peer="liveserver", p99_ms=1 / 3, series={"rss": [(0.25, 1.5)]})
    results.save(kept([point]), file)
    [read] = results.load(file).points
    assert read == msgspec.structs.replace(point, p99_ms=0.3333333)


def shop_point(case: str, bids_p99_ms: float, **more: float) -> Point:
    """One round of the scenario `shop`."""
    shares = {f"{role}_cpu": 0.1 for role in shop.ROLES}
    times = {f"{kind}_{name}_ms": 7.0 for kind in ("reads", "add", "session") for name in ("p50", "p99")}
    figures = {**shares, "requests": 800.0, "failed": 0.0, **times, **more}
    return Point(scenario="shop", peer="liveserver", case=case, p99_ms=bids_p99_ms, more=figures)


def test_the_shop_s_page_judges_each_way_to_run_it(tmp_path: Path) -> None:
    points = [
        shop_point(shop.ALONE, 10),
        shop_point(shop.TOGETHER, 13, session_p99_ms=101),
        shop_point(shop.APART, 11),
    ]
    told = shop_page.write(kept(points), tmp_path / "shop.md").read_text().splitlines()
    assert "| reads, p99 ms | ≤ 50 | 7 reached | 7 reached |" in told
    assert "| checkout session, p99 ms | ≤ 100 | 101 **missed** | 7 reached |" in told
    assert "| bids' p99, times that alone | ≤ 1.20 | 1.30 **missed** | 1.10 reached |" in told


def test_the_shop_s_page_is_not_made_of_half_a_measurement(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=shop.TOGETHER):
        shop_page.write(kept([shop_point(shop.ALONE, 10)]), tmp_path / "x.md")
