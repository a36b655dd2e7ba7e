"""`liveserver reconcile`: compares the payment provider's books with ours now, and says what differs. Mends nothing."""

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path

import click
import msgspec

from liveserver.cli.paying import paying_of
from liveserver.cli.say import EXIT_FAILED, fail, progress
from liveserver.config import load
from liveserver.infra.database import open_pool
from liveserver.infra.engines.attach import reachable
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Mendable
from liveserver.kernel.money import decimals
from liveserver.payments.port import OutcomeUnknown
from liveserver.payouts.model import Difference, Report

STATEMENT_MAX_MS = 600_000
"""The sums over all books take longer than a page may."""
_KINDS = {
    "missing_here": "missing here",
    "missing_there": "missing there",
    "differs": "other figures",
    "unknown": "unknown",
}


def run(since: dt.datetime | None, form: str) -> None:
    """Prints the report; exits with 1 when something differs. Raises Mendable when the provider can't be read."""
    since_ts = None if since is None else int(since.replace(tzinfo=dt.UTC).timestamp() * 1000)
    report = asyncio.run(_reconcile(since_ts))
    if form == "json":
        click.echo(json.dumps(msgspec.to_builtins(report), indent=2))
    else:
        print_report(report)
    if not report.clean:
        sys.exit(EXIT_FAILED)


async def _reconcile(since_ts: int | None) -> Report:
    settings = load().settings
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    async with reachable(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        pool = await open_pool(
            engines.database_url,
            application="liveserver reconcile",
            connections_max=4,
            statement_max_ms=STATEMENT_MAX_MS,
        )
        paying = paying_of(settings, pool, SystemClock())
        try:
            return await paying.money.books.reconcile(since_ts)
        except OutcomeUnknown as error:
            raise Mendable(
                f"The payment provider's books could not be read: {error}",
                settings.stripe_api_url if settings.stripe_secret_key else "the test provider",
                "Nothing was changed. Try again.",
            ) from error
        finally:
            await paying.aclose()
            await pool.close()


def print_report(report: Report) -> None:
    """The report for people."""
    span = f"{_time(report.since_ts)} to {_time(report.until_ts)}"
    counts = f"{report.transactions} lines of {report.provider}, {report.matched} agreed, {report.posted} posted from them"
    if report.clean:
        click.echo(f"{click.style('✓', fg='green', bold=True)} the books say the same, {span}")
        click.echo(f"  {counts}")
        return
    fail(f"{report.found} things differ, {span}" if report.found else f"not all was compared, {span}")
    click.echo(f"  {counts}", err=True)
    for one in report.differences:
        click.echo(f"  {_row(one)}", err=True)
    for fact in report.unsound:
        click.echo(f"  unsound        {fact}", err=True)
    shown = len(report.differences) + len(report.unsound)
    if shown < report.found:
        click.echo(f"  and {report.found - shown} more", err=True)


def _row(one: Difference) -> str:
    figures = (
        f"here {_amount(one.here, one.currency)}, there {_amount(one.there, one.currency)} {one.currency}"
    )
    return f"{_KINDS[one.kind]:<14} {one.type:<18} {one.object}  {figures}  {_time(one.ts)}"


def _amount(minor: int | None, currency: str) -> str:
    if minor is None:
        return "nothing"
    places = decimals(currency)
    whole, part = divmod(abs(minor), 10**places)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


def _time(ts: int) -> str:
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M")
