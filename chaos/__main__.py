"""`python -m chaos [NAME…]`: brings faults about, one after the other, and says what each cost. Exits with 1 when a bar was broken.

It only reads the command line and prints; what happens is `drill`'s.
"""

import signal
import sys
import time
import traceback
from collections.abc import Sequence

import click
import uvloop

from chaos import report
from chaos.drill import Outcome, drill
from chaos.faults import FAULTS
from chaos.table import Fault

BIDDERS, VIEWERS = 24, 24
"""The crowd of the long form; the short one's is smaller (`drill`)."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("names", metavar="[NAME…]", nargs=-1, type=click.Choice([fault.name for fault in FAULTS]))
@click.option("--short", is_flag=True, help="As the tests do it: seconds each, a small crowd, two nodes.")
@click.option("--seed", default=1, show_default=True, help="Moves what bidders do.")
@click.option(
    "--write", is_flag=True, help="Keep what was measured and write the tables of docs/operating/faults.md."
)
def main(names: Sequence[str], short: bool, seed: int, write: bool) -> None:
    """Kills, pauses, cuts off and empties what liveserver runs on, under bidding load, and counts what was lost.

    NAME: faults; all without one.
    """
    if short and write:
        raise click.UsageError("only the long form is written down")
    # As Ctrl-C: what runs is taken down in order.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    chosen = [fault for fault in FAULTS if not names or fault.name in names]
    broken: list[str] = []
    measured: list[Outcome] = []
    for number, fault in enumerate(chosen, 1):
        if reason := fault.missing():
            _say(f"{fault.name}: left out: {reason}")
            continue
        _say(f"{fault.name} ({number} of {len(chosen)})")
        outcome = _try(fault, short=short, seed=seed)
        if outcome is None or outcome.broken:
            broken.append(fault.name)
        if outcome is not None:
            measured.append(outcome)
            _tell(outcome)
    if write:
        report.keep(measured)
        report.write(FAULTS, report.load())
        _say(f"written: {report.PAGE}")
    if broken:
        _say(f"broken: {', '.join(broken)}")
        sys.exit(1)


def _try(fault: Fault, *, short: bool, seed: int) -> Outcome | None:
    """The outcome; None when it did not get to one, which is as bad as a broken bar."""
    began_s = time.monotonic()

    def say(text: str) -> None:
        _say(f"  {time.monotonic() - began_s:6.1f} s  {text}")

    crowd = {} if short else {"bidders": BIDDERS, "viewers": VIEWERS}
    try:
        return uvloop.run(drill(fault, short=short, seed=seed, say=say, **crowd))
    except Exception:  # noqa: BLE001 - whatever one fault brings to light, the others are tried as well
        traceback.print_exc()
        return None


def _tell(outcome: Outcome) -> None:
    findings = outcome.findings
    _say(
        f"  {'BROKEN: ' + ', '.join(outcome.broken) if outcome.broken else 'all bars held'}; "
        f"{findings.acknowledged} bids acknowledged, {findings.lost} lost; longest interruption "
        f"{outcome.interruption_ms} ms, recovery {outcome.recovery_ms} ms, all back {outcome.all_back_ms} ms"
    )
    if outcome.folder:
        _say(f"  logs and data: {outcome.folder}; seed {outcome.seed}")


def _say(text: str) -> None:
    click.echo(text, err=True)


main()
