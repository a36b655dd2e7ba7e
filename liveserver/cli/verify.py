"""`liveserver verify SHOW`: says whether a show's record follows from its log, and where not. Changes nothing."""

import asyncio
import json
import sys
from pathlib import Path

import click
import msgspec

from liveserver.cli.features import FEATURES
from liveserver.cli.recompute import Report, verify
from liveserver.cli.say import EXIT_FAILED, fail, progress
from liveserver.config import load
from liveserver.infra.database import open_pool
from liveserver.infra.engines.attach import reachable

SHOWN_CHARACTERS_MAX = 600
"""Longest part of a difference that is printed for people; --json has it whole."""


def run(show: str, as_json: bool) -> None:
    """Prints the report; exits with 1 when something differs."""
    report = asyncio.run(_verify(show))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(report), indent=2))
    else:
        print_report(report)
    if not report.ok:
        sys.exit(EXIT_FAILED)


async def _verify(show: str) -> Report:
    settings = load().settings
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    async with reachable(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        pool = await open_pool(engines.database_url, application="liveserver verify", connections_max=2)
        try:
            return await verify(pool, show, FEATURES)
        finally:
            await pool.close()


def print_report(report: Report) -> None:
    """The report for people."""
    compared = (
        f"{report.entries} entries with {report.commands} commands, {report.facts} facts, "
        f"{report.snapshots} snapshots, {report.lots} lots"
    )
    if report.difference is None:
        click.echo(
            f"{click.style('✓', fg='green', bold=True)} {report.show}: the record follows from the log"
        )
        click.echo(f"  compared: {compared}, in {report.epochs} epochs of the log")
        click.echo(f"  head:     {report.head}")
        return
    found = report.difference
    fail(f"{report.show} differs at sequence number {found.seq}: {found.what}")
    click.echo(f"  recorded: {_short(found.recorded)}", err=True)
    click.echo(f"  computed: {_short(found.computed)}", err=True)
    click.echo(f"  equal before that: {compared}", err=True)


def _short(part: object) -> str:
    text = json.dumps(part, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "…"
