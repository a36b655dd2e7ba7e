"""Writes deploy/grafana/liveserver.json, the dashboard for Grafana, from the table below: `python scripts/write_dashboard.py`

A test proves that the file is what this says and that every metric in it exists. Import it in Grafana (Dashboards, New, Import)
and choose the Prometheus that scrapes the nodes.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "deploy" / "grafana" / "liveserver.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
COLUMNS = 24
"""Grafana's grid."""


@dataclass(frozen=True)
class Panel:
    """One picture; `queries` are PromQL and the legend of each."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    help: str
    kind: str = "timeseries"
    width: int = 8
    height: int = 7
    stacked: bool = False


def quantiles(histogram: str, by: str = "") -> tuple[tuple[str, str], ...]:
    """Median, p95 and p99 of a histogram."""
    group = f"le, {by}" if by else "le"
    return tuple(
        (f"histogram_quantile({q}, sum by ({group}) (rate({histogram}_bucket{{job=~\"$job\"}}[$__rate_interval])))", name)
        for q, name in (("0.5", "median"), ("0.95", "p95"), ("0.99", "p99"))
    )  # fmt: skip


def rate(metric: str, by: str = "", more: str = "") -> str:
    """A counter's pace over all nodes."""
    group = f" by ({by})" if by else ""
    return f'sum{group} (rate({metric}{{job=~"$job"{more}}}[$__rate_interval]))'


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Now",
        (
            Panel("Viewers", "short", (('sum(liveserver_viewers{job=~"$job"})', ""),), "In rooms of all nodes.", "stat", 4, 4),
            Panel("Connections", "short", (('sum(liveserver_connections{job=~"$job"})', ""),), "WebSockets open now.", "stat", 4, 4),
            Panel("Accepted bids", "ops", ((rate("liveserver_outcomes_total", more=',kind="bid:place",outcome="accepted"'), ""),), "A second, over all shows.", "stat", 4, 4),
            Panel("Nodes", "short", (('max(liveserver_nodes{job=~"$job",kind="serving"})', "serving"), ('max(liveserver_nodes{job=~"$job",kind="recorder"})', "recorders")), "Living, by the registry.", "stat", 4, 4),
            Panel("Oldest unrecorded", "ms", (('max(liveserver_recorder_lag_ms{job=~"$job"})', ""),), "Sales are final when this is near 0.", "stat", 4, 4),
            Panel("Halted rooms", "short", (('sum(liveserver_rooms_halted{job=~"$job"})', ""),), "Anything but 0 is an alarm.", "stat", 4, 4),
        ),
    ),
    (
        "Bids and chat",
        (
            Panel("Bids by outcome", "ops", ((rate("liveserver_outcomes_total", "outcome", ',kind="bid:place"'), "{{outcome}}"),), "`accepted`, or the refusal's code.", stacked=True),
            Panel("Chat by outcome", "ops", ((rate("liveserver_outcomes_total", "outcome", ',kind="chat:send"'), "{{outcome}}"),), "`accepted`, or the refusal's code.", stacked=True),
            Panel("Way into the log", "s", quantiles("liveserver_append_seconds"), "A batch of commands, fsync included; each command waits this long for its answer, at most."),
            Panel("From the log to this node", "s", quantiles("liveserver_apply_lag_seconds"), "Entry's time to applied, on every node that follows the show."),
            Panel("Flush to viewers", "s", quantiles("liveserver_flush_seconds"), "One batch of events to all viewers of a room on a node."),
            Panel("Appends refused or unknown", "ops", ((rate("liveserver_appends_refused_total", "code"), "{{code}}"), (rate("liveserver_appends_unknown_total"), "unknown")), "FENCED and NOLOG: Redis restarted or lost the log. Unknown ones are repeated and count once."),
        ),
    ),
    (
        "Viewers",
        (
            Panel("Connections by node", "short", (('sum by (instance, worker) (liveserver_connections{job=~"$job"})', "{{instance}} {{worker}}"),), "", stacked=True),
            Panel("Joins", "ops", ((rate("liveserver_joins_total"), "joins"), (rate("liveserver_resumes_total"), "of them resumed")), "Who could not resume took a snapshot."),
            Panel("Closed by the server", "ops", ((rate("liveserver_closes_total", "cause"), "{{cause}}"),), "By cause; see close codes in docs/PROTOCOL.md.", stacked=True),
            Panel("Frames sent", "ops", ((rate("liveserver_frames_sent_total", "instance, worker"), "{{instance}} {{worker}}"),), ""),
            Panel("Gaps and refills", "ops", ((rate("liveserver_gaps_total"), "gaps"), (rate("liveserver_refilled_commands_total"), "commands fetched")), "Messages lost between Redis and a node; nobody misses anything."),
            Panel("Rebuilds and epochs", "short", (('sum(increase(liveserver_rebuilds_total{job=~"$job"}[$__rate_interval]))', "rebuilds"), ('sum(increase(liveserver_epochs_total{job=~"$job"}[$__rate_interval]))', "new epochs")), "Rooms at odds with their log; logs opened anew."),
        ),
    ),
    (
        "Record and engines",
        (
            Panel("Waiting to be recorded", "short", (('max by (process) (liveserver_recorder_lag_commands{job=~"$job"})', "{{process}}"),), "Commands of the show furthest behind."),
            Panel("Recorded", "ops", (('max(rate(liveserver_recorded_commands_total{job=~"$job",process="recorder"}[$__rate_interval]))', "recorder"), (rate("liveserver_recorded_commands_total", more=',process="node"'), "nodes")), "Commands a second; every node repeats the recorder's number."),
            Panel("Recording: share of time", "percentunit", (('max(rate(liveserver_recorder_busy_seconds_total{job=~"$job",process="recorder"}[$__rate_interval]))', "recorder"),), "Near 1 it cannot go faster."),
            Panel("Engines that do not answer", "short", (('sum by (engine) (1 - liveserver_engine_up{job=~"$job"})', "{{engine}}"),), "Processes that miss it."),
            Panel("Engines' answers", "s", (('max by (engine) (liveserver_engine_answer_seconds{job=~"$job"})', "{{engine}}"),), "The slowest process's trivial question."),
            Panel("Clocks ahead", "s", (('max by (engine) (liveserver_engine_clock_ahead_seconds{job=~"$job"})', "{{engine}} most"), ('min by (engine) (liveserver_engine_clock_ahead_seconds{job=~"$job"})', "{{engine}} least")), "At one second the log refuses a node."),
        ),
    ),
    (
        "Processes",
        (
            Panel("CPU", "percentunit", (('liveserver_cpu_share{job=~"$job"}', "{{instance}} {{worker}}"),), "Share of one core."),
            Panel("Memory", "bytes", (('liveserver_memory_bytes{job=~"$job"}', "{{instance}} {{worker}}"),), "Resident."),
            Panel("Loop late", "s", (('liveserver_loop_late_seconds{job=~"$job"}', "{{instance}} {{worker}}"),), "Whoever's turn came waited as long."),
            Panel("HTTP requests", "reqps", ((rate("liveserver_http_request_seconds_count", "status"), "{{status}}"),), "", stacked=True),
            Panel("HTTP time by route, p95", "s", (('histogram_quantile(0.95, sum by (le, route) (rate(liveserver_http_request_seconds_bucket{job=~"$job"}[$__rate_interval])))', "{{route}}"),), ""),
            Panel("Garbage collection", "percentunit", (('rate(liveserver_gc_seconds_total{job=~"$job"}[$__rate_interval])', "{{instance}} {{worker}}"),), "Share of time."),
        ),
    ),
)  # fmt: skip


def dashboard() -> str:
    """The file's text."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS:
        panels.append(
            {"type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}, "panels": []}
        )
        y += 1
        x, height = 0, 0
        for panel in row:
            if x + panel.width > COLUMNS:
                x, y = 0, y + height
            height = panel.height
            panels.append(_panel(panel) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}})
            x += panel.width
        y += height
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    document = {
        "uid": "liveserver",
        "title": "liveserver",
        "tags": ["liveserver"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "5s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "source",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                    "current": {},
                },
                {
                    "name": "job",
                    "label": "Job",
                    "type": "query",
                    "datasource": SOURCE,
                    "query": "label_values(liveserver_connections, job)",
                    "refresh": 2,
                    "includeAll": True,
                    "allValue": ".+",
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": panels,
    }
    return json.dumps(document, indent=1) + "\n"


def _panel(panel: Panel) -> dict[str, Any]:
    custom = (
        {
            "fillOpacity": 18,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none"},
        }
        if panel.kind == "timeseries"
        else {}
    )
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "custom": custom}, "overrides": []}
        if "ahead" not in panel.title
        else {"defaults": {"unit": panel.unit, "custom": custom}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "expr": query, "legendFormat": legend, "datasource": SOURCE}
            for at, (query, legend) in enumerate(panel.queries)
        ],
    }


if __name__ == "__main__":
    TARGET.write_text(dashboard(), encoding="utf-8")
    print(f"wrote {TARGET}")
