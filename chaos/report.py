"""The generated part of docs/operating/faults.md: what was measured, and what people see.

Measurements are kept in a file beside, so that one fault can be measured again without the others. Only the long form is kept.
"""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from chaos.drill import Outcome
from chaos.table import Fault

PAGE = Path("docs/operating/faults.md")
KEPT = Path("docs/operating/faults.json")
BEGIN = "<!-- written by `make chaos`: begin -->"
END = "<!-- written by `make chaos`: end -->"


class Kept(msgspec.Struct):
    """One fault's last measurement."""

    outcome: Outcome
    day: str
    machine: str


def keep(outcomes: Sequence[Outcome]) -> None:
    """Adds the outcomes to those kept, in the place of earlier ones of the same faults."""
    kept = load()
    for outcome in outcomes:
        kept[outcome.fault] = Kept(outcome, time.strftime("%Y-%m-%d", time.gmtime()), machine())
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")


def load() -> dict[str, Kept]:
    """What is kept, by fault; empty when nothing was measured yet."""
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, Kept]) if KEPT.exists() else {}


def machine() -> str:
    """What it was measured on, as far as it matters."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def write(faults: Sequence[Fault], kept: dict[str, Kept]) -> None:
    """Puts the tables between the markers. Raises ValueError when a marker is missing."""
    page = PAGE.read_text()
    before, rest = page[: page.index(BEGIN)], page[page.index(END) :]
    PAGE.write_text(f"{before}{BEGIN}\n{tables(faults, kept)}{rest}")


def tables(faults: Sequence[Fault], kept: dict[str, Kept]) -> str:
    """Both tables: measured, and what people see."""
    return f"{_measured(faults, kept)}\n{_seen(faults)}"


def _measured(faults: Sequence[Fault], kept: dict[str, Kept]) -> str:
    measured = [(fault, kept[fault.name]) for fault in faults if fault.name in kept]
    if not measured:
        return "Not measured yet: run `make chaos`.\n"
    when = sorted({f"{one.day} on {one.machine}" for _, one in measured})
    head = (
        f"Measured {', '.join(when)}; engines, nodes, bidders and viewers all on that machine.\n\n"
        "| fault | rows | load | lasted | acknowledged | meanwhile | lost | duplicates | longest interruption | recovery | all back |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(line(fault, one.outcome) for fault, one in measured)


def line(fault: Fault, outcome: Outcome) -> str:
    """A measured fault's line of the table."""
    findings = outcome.findings
    cells = (
        f"`{fault.name}`",
        ", ".join(map(str, fault.rows)) or "–",
        outcome.load,
        _time(outcome.fault_ms),
        f"{findings.acknowledged:,}",
        f"{outcome.meanwhile:,}",
        str(findings.lost),
        str(findings.duplicates + findings.repeated),
        _time(outcome.interruption_ms),
        _time(outcome.recovery_ms),
        _time(outcome.all_back_ms),
    )
    return f"| {' | '.join(cells)} |\n"


def _seen(faults: Sequence[Fault]) -> str:
    head = "| fault | what is done | what people see |\n|---|---|---|\n"
    return head + "".join(f"| `{fault.name}` | {_what(fault)} | {fault.people_see} |\n" for fault in faults)


def _what(fault: Fault) -> str:
    words = " ".join((fault.bring.__doc__ or "").split())
    assert words, f"{fault.name}: its function says what it does"
    return words


def _time(ms: int) -> str:
    if ms < 10:
        return "–"
    return f"{ms} ms" if ms < 1_000 else f"{ms / 1000:.1f} s"


if __name__ == "__main__":  # the words, without measuring anything
    from chaos.faults import FAULTS

    write(FAULTS, load())
