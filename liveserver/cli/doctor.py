"""`liveserver doctor`: runs the registry of checks and prints what each found and how to mend it. It mends nothing itself."""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click

from liveserver.cli.checks import CHECKS
from liveserver.cli.checks.model import CHECK_MAX_MS, Check, Finding, Site, fail
from liveserver.cli.say import EXIT_FAILED, progress
from liveserver.config import Loaded, read
from liveserver.infra.engines import default_data_dir
from liveserver.infra.engines.attach import reachable
from liveserver.kernel.errors import Mendable

Report = list[tuple[Check, list[Finding]]]


def run(as_json: bool) -> None:
    """Runs all checks; exits with 1 when one fails."""
    report = asyncio.run(examine(read()))
    if as_json:
        click.echo(json.dumps(as_document(report), indent=2))
    else:
        for line in lines(report):
            click.echo(line)
    if worst(report) == "fail":
        sys.exit(EXIT_FAILED)


async def examine(loaded: Loaded) -> Report:
    """All checks on this machine; engines are started for as long as it takes when no server runs them."""
    settings = loaded.settings
    data_dir = Path(settings.data_dir) if settings.data_dir else default_data_dir()
    async with AsyncExitStack() as stack:
        try:
            engines = await stack.enter_async_context(
                reachable(
                    data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
                )
            )
            site = Site(loaded, data_dir, engines)
        except Mendable as error:
            site = Site(loaded, data_dir, None, error)
        return [(check, await findings(check, site)) for check in CHECKS]


async def findings(check: Check, site: Site) -> list[Finding]:
    """One check's findings; a failure that names its cure is one of them."""
    try:
        async with asyncio.timeout(CHECK_MAX_MS / 1000):
            found = await check.run(site)
    except Mendable as error:
        found = fail(f"{error.what} ({error.where})", error.mend)
    except TimeoutError:
        found = fail(f"no answer within {CHECK_MAX_MS // 1000} s", "Look whether that service hangs")
    return [found] if isinstance(found, Finding) else list(found)


def worst(report: Report) -> str:
    """The worst status in a report: fail, warn or ok."""
    seen = {finding.status for _, found in report for finding in found}
    return "fail" if "fail" in seen else "warn" if "warn" in seen else "ok"


def as_document(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "status": worst(report),
        "checks": [
            {
                "name": check.name,
                "doc": check.doc,
                "findings": [{"status": f.status, "what": f.what, "mend": f.mend} for f in found],
            }
            for check, found in report
        ],
    }


_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


def lines(report: Report) -> list[str]:
    """The report for people."""
    out: list[str] = []
    wide = max(len(check.name) for check, _ in report)
    for check, found in report:
        for finding in found:
            mark, color = _MARKS[finding.status]
            out.append(f"{click.style(mark, fg=color, bold=True)} {check.name:<{wide}}  {finding.what}")
            if finding.mend:
                out.append(f"  {'':<{wide}}  → {finding.mend}")
    out.append(_summary(report))
    return out


def _summary(report: Report) -> str:
    def count(status: str) -> int:
        return sum(finding.status == status for _, found in report for finding in found)

    if worst(report) == "ok":
        return click.style("All is well.", fg="green")
    parts: Sequence[str] = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((count("fail"), "problem"), (count("warn"), "warning"))
        if number
    ]
    return f"{' and '.join(parts)}; what to do stands behind each arrow."
