"""What a run came to, in a table and a few sentences, and whether it counts as passed. Reads statistics; changes none."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from loadtests.scenarios import Scenario

BUSY_SHARE = 0.85
"""Of a core: from here on the load is late by itself, and latencies tell as much of it as of the server."""
FAILURES_SHOWN_MAX = 10
ORDER = ("connect", "command", "batch", "event", "check", "load")
OVERTAKEN = ("bid_too_low", "already_leading", "lot_closed")


class Figure(msgspec.Struct, frozen=True):
    """One line of the statistics; times in ms, None when none was taken."""

    kind: str
    name: str
    count: int
    failed: int
    per_s: float
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    worst: float | None = None


class Verdict(msgspec.Struct, frozen=True):
    """`wrong` is empty when the run passed."""

    table: str
    sentences: list[str]
    wrong: list[str]

    @property
    def passed(self) -> bool:
        return not self.wrong

    def __str__(self) -> str:
        head = "PASSED" if self.passed else "FAILED"
        lines = [self.table, "", head, *(f"  {each}" for each in (*self.wrong, *self.sentences))]
        return "\n".join(lines)


def judge(
    scenario: Scenario, figures: Iterable[Figure], failures: Mapping[str, int], cpu_share: float | None
) -> Verdict:
    """`failures` are locust's, sentence and number of times; `cpu_share` is of one core, of the load itself; None where it is
    several processes."""
    rows = sorted(figures, key=lambda f: (ORDER.index(f.kind) if f.kind in ORDER else len(ORDER), f.name))
    by_name = {(row.kind, row.name): row for row in rows}
    wrong = [f"{times} x {failure}" for failure, times in list(failures.items())[:FAILURES_SHOWN_MAX]]
    if len(failures) > FAILURES_SHOWN_MAX:
        wrong.append(f"and {len(failures) - FAILURES_SHOWN_MAX} other kinds of failure")
    done = {row.name for row in rows if row.count > row.failed}
    missing = [name for name in scenario.must if name not in done]
    if missing:
        wrong.append(
            f"this load never came to: {', '.join(missing)} (a longer run or more users may be needed)"
        )
    return Verdict(_table(rows), [*_sentences(by_name, cpu_share)], wrong)


def _table(rows: Iterable[Figure]) -> str:
    def ms(value: float | None) -> str:
        return "" if value is None else f"{value:,.0f}"

    columns: list[tuple[str, Callable[[Figure], str]]] = [
        ("kind", lambda f: f.kind),
        ("name", lambda f: f.name),
        ("count", lambda f: f"{f.count:,}"),
        ("per s", lambda f: f"{f.per_s:,.1f}"),
        ("p50 ms", lambda f: ms(f.p50)),
        ("p95 ms", lambda f: ms(f.p95)),
        ("p99 ms", lambda f: ms(f.p99)),
        ("max ms", lambda f: ms(f.worst)),
        ("failed", lambda f: f"{f.failed:,}" if f.failed else ""),
    ]
    cells = [[title for title, _ in columns]] + [[of(row) for _, of in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def _sentences(by_name: Mapping[tuple[str, str], Figure], cpu_share: float | None) -> Iterable[str]:
    bid = by_name.get(("command", "bid:place"))
    if bid is not None and bid.p99 is not None:
        beaten = sum(f.count for code in OVERTAKEN if (f := by_name.get(("command", f"bid:place {code}"))))
        yield (
            f"Bids: {bid.count:,} accepted ({bid.per_s:,.0f}/s), answered within {bid.p50:,.0f} ms at the median and "
            f"{bid.p99:,.0f} ms for 99 of 100; {beaten:,} more were answered with a refusal because others were faster."
        )
    told, batches = (
        sum(f.count for (kind, _), f in by_name.items() if kind == k) for k in ("event", "batch")
    )
    batch = by_name.get(("batch", "events"))
    if batch is not None and batch.p99 is not None:
        yield (
            f"Events: {told:,} delivered in {batches:,} batches; the oldest of a batch was {batch.p50:,.0f} ms old at the "
            f"median, {batch.p99:,.0f} ms for 99 of 100."
        )
    check = by_name.get(("check", "what the protocol promises"))
    if batch is not None and check is None:
        yield "Every batch continued the one before, and every accepted chat message came back to its author."
    resume = by_name.get(("connect", "resume"))
    if resume is not None and resume.p99 is not None:
        fresh = by_name.get(("command", "room:join after, snapshot"))
        yield (
            f"After a cut: {resume.count:,} came back, {resume.p50:,.0f} ms at the median and {resume.p99:,.0f} ms for 99 of "
            f"100; {fresh.count if fresh else 0:,} of them needed a fresh snapshot."
        )
    own = by_name.get(("load", "own delay"))
    if own is not None and own.p99 is not None:
        used = "" if cpu_share is None else f"used {cpu_share:.0%} of a core and "
        yield f"The load itself {used}was up to {own.p99:,.0f} ms late (p99), which is part of all times above."
        if cpu_share is not None and cpu_share > BUSY_SHARE:
            yield "It was the bottleneck: these times say little about the server. Take fewer users, or more load processes."
