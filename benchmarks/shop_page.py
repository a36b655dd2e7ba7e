"""Writes docs/benchmarks/shop.md: what a shop beside a running show costs, from `shop.json`. It measures nothing."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.medians import medians
from benchmarks.report import table
from benchmarks.results import FOLDER, Point, Results
from benchmarks.scenarios import shop

TARGET = FOLDER / "shop.md"
READS_MAX_MS = 50.0
STEP_MAX_MS = 100.0
BIDS_TIMES_MAX = 1.2
"""How much the bids' p99 may grow beside the shop."""
_KEY = ("shop", shop.PEER.name)


def write(results: Results, path: Path = TARGET) -> Path:
    """The page's path. Raises ValueError when a case was not measured."""
    found = medians(results.points)
    cases: dict[str, Point] = {}
    for case in shop.CASES:
        if (point := found.get((*_KEY, case))) is not None:
            cases[case] = point
        elif case != shop.APART:
            raise ValueError(f"the scenario `shop` was not measured: {case}")
    path.write_text(_text(results, cases))
    return path


def _text(results: Results, cases: Mapping[str, Point]) -> str:
    m = results.machine
    rounds = max(point.round for point in results.points) + 1
    beside = {case: point for case, point in cases.items() if case != shop.ALONE}
    bids = table(
        ("bids", "answered/s", "p50 ms", "p95 ms", "p99 ms", "nodes' CPU", "recorder and jobs", "Valkey", "PostgreSQL"),
        [
            (case, f"{p.per_s:,.0f}", f"{p.p50_ms:.1f}", f"{p.p95_ms:.1f}", f"{p.p99_ms:.1f}", *(f"{p.more[f'{role}_cpu']:.0%}" for role in shop.ROLES))
            for case, p in cases.items()
        ],
    )  # fmt: skip
    requests = table(
        ("shop", "requests", "failed", "reads p50 / p99 ms", "into the cart p50 / p99 ms", "checkout session p50 / p99 ms"),
        [
            (case, f"{p.more['requests']:,.0f}", f"{p.more['failed']:,.0f}", *(f"{p.more[f'{kind}_p50_ms']:.0f} / {p.more[f'{kind}_p99_ms']:.0f}" for kind in ("reads", "add", "session")))
            for case, p in beside.items()
        ],
    )  # fmt: skip
    return f"""# A shop beside a running show

Measured on {results.date}, at commit `{m.commit}`, by `python -m benchmarks shop --write`; medians of {rounds} rounds, cases interleaved; nothing here is written by
hand. Machine: {m.cpu}, {m.cores} cores; {m.system}; Python {m.python}.

{" ".join((shop.__doc__ or "").split())}

{shop.BIDDERS} bidders place {shop.BID_RATE:,.0f} bids/s on one lot, and each sees all of them; {shop.BUYERS} buyers read (product, products, orders, cart) and check out: of {shop.REQUESTS_PER_S:,.0f} requests/s a fifth
are steps of checkouts, {shop.REQUESTS_PER_S / 10:,.0f} into the cart and {shop.REQUESTS_PER_S / 10:,.0f} sessions, all of the same variant. What is sent late by a generator that has to wait counts as latency.

## Targets

{table(("figure", "target", *beside), _targets(cases[shop.ALONE], beside))}

## Figures

{bids}

{requests}
"""


def _targets(alone: Point, beside: Mapping[str, Point]) -> list[tuple[str, ...]]:
    def row(figure: str, limit: float, values: list[float], form: str = "{:.0f}") -> tuple[str, ...]:
        judged = (f"{form.format(value)} {'reached' if value <= limit else '**missed**'}" for value in values)
        return figure, "≤ " + form.format(limit), *judged

    points = list(beside.values())
    return [
        row("reads, p99 ms", READS_MAX_MS, [p.more["reads_p99_ms"] for p in points]),
        row("into the cart, p99 ms", STEP_MAX_MS, [p.more["add_p99_ms"] for p in points]),
        row("checkout session, p99 ms", STEP_MAX_MS, [p.more["session_p99_ms"] for p in points]),
        row("bids' p99, times that alone", BIDS_TIMES_MAX, [p.p99_ms / alone.p99_ms for p in points], "{:.2f}"),
    ]  # fmt: skip
