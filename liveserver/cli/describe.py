"""Writes docs/operating/{reference,metrics,alarms}.md and Prometheus' alert rules from the code: `python -m liveserver.cli.describe`

Tests prove that the files are what this says. What things are for is told elsewhere; here is what they are called.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from liveserver.cli.checks import CHECKS
from liveserver.cli.main import main as commands
from liveserver.cli.numbers import Parts, read_numbers
from liveserver.cli.say import EXIT_CODES
from liveserver.cli.scrape import UP, UP_DOC
from liveserver.config import SETTINGS, Setting
from liveserver.infra.telemetry import HTTP_SECONDS, Metrics, Number
from liveserver.kernel.histogram import SECONDS
from storefront.alarms import ALARMS

_ROOT = Path(__file__).resolve().parents[2]
TARGET = _ROOT / "docs" / "operating" / "reference.md"
METRICS = _ROOT / "docs" / "operating" / "metrics.md"
ALARMS_TOLD = _ROOT / "docs" / "operating" / "alarms.md"
RULES = _ROOT / "deploy" / "prometheus" / "alerts.yml"


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


def metrics_reference() -> str:
    """The whole document of `/metrics`."""
    parts = [
        "# Metrics",
        "Made from the code by `python -m liveserver.cli.describe`; a test keeps it current.",
        "`GET /metrics` gives Prometheus' text format: with the token of `LIVESERVER_METRICS_TOKEN`, or without one on loopback "
        "only. Names, labels and meanings here are API: they change only with a line in the changelog. Counters begin at 0 when "
        "their process starts and never go back; durations are in seconds, histograms have the buckets "
        + ", ".join(f"{bound_s:g}" for bound_s in SECONDS)
        + " s. A dashboard and alarms made of them stand in `deploy/grafana` and `deploy/prometheus`; what to do about an alarm in "
        "[alarms.md](alarms.md).",
        "Every serving node is a target of its own, so that sums over targets count everything once. Workers of one `serve` share "
        "a port: whichever of them is asked collects the others, and every series carries `worker` (its number; `1-leaving` is one "
        "that is being replaced). A worker that does not answer within a second is left out of that scrape and "
        f"`{UP}` is 0 for it. The recorder process has no port: its numbers stand with those of the node that answers, labelled "
        'by `process` (`node`, `recorder`); every node repeats the recorder\'s, so take the maximum of `process="recorder"`, not '
        "the sum.",
    ]
    numbers = _numbers()
    for title in dict.fromkeys(number.part for number in numbers):
        rows = [
            (f"`{number.name}{_labels(number)}`", number.kind, number.doc)
            for number in numbers
            if number.part == title
        ]
        parts += [f"## {title}", _table(("name", "kind", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def _numbers() -> list[Number]:
    metrics = Metrics()
    # Nothing is read: only names and sentences are asked for.
    nothing = cast(Any, None)
    read_numbers(metrics, Parts(*[nothing] * len(fields(Parts))))
    more = Number(UP, "gauge", UP_DOC, ("worker",), "Nodes and processes")
    return [*metrics.numbers(), more, HTTP_SECONDS]


def metric_names() -> dict[str, Number]:
    """Every metric by its name: what dashboards and alarms may be made of."""
    return {number.name: number for number in _numbers()}


def _labels(number: Number) -> str:
    return f"{{{', '.join(number.labels)}}}" if number.labels else ""


def alarms_reference() -> str:
    """What each alarm means, as a document."""
    parts = [
        "# Alarms",
        "Made from `http/storefront/alarms.py` by `python -m liveserver.cli.describe`; a test keeps it current.",
        "The same names stand in `deploy/prometheus/alerts.yml` and on the operator's page (`/admin/live`), which finds what the "
        "registry of nodes can tell by itself and says about which node, show or engine it is. *critical*: people are hurt now, "
        "or will be within minutes. *warning*: something bears one fault less than it should. Events named here are explained in "
        "[logging.md](logging.md), metrics in [metrics.md](metrics.md).",
    ]
    for alarm in ALARMS:
        lasting = f", for {alarm.after}" if alarm.after != "0m" else ""
        parts += [
            f"## {alarm.name}",
            f"*{alarm.severity}* · `{alarm.query}`{lasting}",
            f"{alarm.means}\n\n- **People notice:** {alarm.people}\n- **What to do:** {alarm.todo}",
        ]
    return "\n\n".join(parts) + "\n"


def alert_rules() -> str:
    """The alarms as Prometheus' rules. Texts are quoted as JSON, which YAML reads as well."""
    lines = [
        "# Made from http/storefront/alarms.py by `python -m liveserver.cli.describe`; docs/operating/alarms.md explains them.",
        "groups:",
        "  - name: liveserver",
        "    rules:",
    ]
    for alarm in ALARMS:
        lines += [
            f"      - alert: {alarm.name}",
            f"        expr: {_quoted(alarm.query)}",
            f"        for: {alarm.after}",
            "        labels:",
            f"          severity: {alarm.severity}",
            "        annotations:",
            f"          summary: {_quoted(alarm.means)}",
            f"          description: {_quoted(f'People notice: {alarm.people} What to do: {alarm.todo}')}",
            f"          runbook: docs/operating/alarms.md#{alarm.name.lower()}",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])


if __name__ == "__main__":
    for target, text in (
        (TARGET, reference()),
        (METRICS, metrics_reference()),
        (ALARMS_TOLD, alarms_reference()),
        (RULES, alert_rules()),
    ):
        target.write_text(text, encoding="utf-8")
        click.echo(f"wrote {target}")
