"""Writes docs/operating/reference.md from the code: commands, settings, checks, numbers. `python -m liveserver.cli.describe`

A test proves that the file is what this says. What things are for is told elsewhere; here is what they are called.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import click

from liveserver.cli.checks import CHECKS
from liveserver.cli.main import main as commands
from liveserver.cli.numbers import read_numbers
from liveserver.cli.say import EXIT_CODES
from liveserver.config import SETTINGS, Setting
from liveserver.gateway.stats import Stats
from liveserver.infra.garbage import Pauses
from liveserver.infra.telemetry import Metrics

TARGET = Path(__file__).resolve().parents[2] / "docs" / "operating" / "reference.md"


def reference() -> str:
    """The whole document."""
    parts = [
        "# Operator's reference",
        "Made from the code by `python -m liveserver.cli.describe`; a test keeps it current.",
        "## Commands",
        EXIT_CODES,
        _table(("command", "does"), _commands()),
        "## Settings",
        "Flags win over environment, environment over file (`liveserver.toml` in the working directory, or the one that "
        "`LIVESERVER_CONFIG` names), file over default. In the file a setting is called as in the environment, in small letters "
        "and without `LIVESERVER_`; lists are arrays there and separated by commas in the environment. An empty variable "
        "counts as not set. A rate of 0 means no limit.",
    ]
    for section in dict.fromkeys(about.section for about in SETTINGS.values()):
        rows = [_setting(about) for about in SETTINGS.values() if about.section == section]
        parts += [f"### {section}", _table(("name", "default", "accepts", "meaning"), rows)]
    parts += [
        "## Checks of `liveserver doctor`",
        _table(("check", "all is well when"), ((f"`{check.name}`", check.doc) for check in CHECKS)),
        "## Numbers of `/metrics`",
        "Each process tells its own: with `--workers`, a scrape of the shared port reaches any of them. What is labelled by "
        "`process` is told of the node that answers (`node`) and of the recorder process beside it (`recorder`), which every node "
        "repeats: take its maximum, not its sum.",
        _table(("name", "kind", "meaning"), _numbers()),
    ]
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterable[Sequence[str]]:
    for name, command in sorted(commands.commands.items()):
        context = click.Context(command, info_name=f"liveserver {name}")
        usage = " ".join(command.collect_usage_pieces(context)).replace("[OPTIONS]", "").strip()
        options = " ".join(
            f"[{parameter.opts[-1]}]" for parameter in command.params if isinstance(parameter, click.Option)
        )
        words = " ".join(part for part in ("liveserver", name, usage, options) if part)
        yield f"`{words}`", (command.help or "").split("\n\n")[0].replace("\n", " ")


def _setting(about: Setting) -> Sequence[str]:
    default = about.show(about.default)
    unit = f" {about.unit}" if about.unit else ""
    accepts = {"switch": "true, false", "list": "a list", "text": "a text"}.get(about.kind, "")
    return f"`{about.env}`", f"{default}{unit}" if default else "", about.bounds() or accepts, about.doc


def _numbers() -> Iterable[Sequence[str]]:
    metrics = Metrics()
    # Nothing is read: only names and sentences are asked for.
    read_numbers(metrics, Stats(), cast(Any, None), cast(Any, None), cast(Any, None), Pauses())
    for number in metrics.numbers():
        label = f"{{{number.label}}}" if number.label else ""
        yield f"`{number.name}{label}`", number.kind, number.doc
    for histogram in metrics.http_seconds.describe():
        yield f"`{histogram.name}`", histogram.type, histogram.documentation


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    click.echo(f"wrote {TARGET}")
