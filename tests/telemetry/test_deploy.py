"""Dashboard, alarms and scrape configuration speak only of what /metrics gives, and are what the code says."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from liveserver.cli.describe import ALARMS_TOLD, RULES, alarms_reference, alert_rules, metric_names
from storefront.alarms import ALARMS
from storefront.operating import alarms_of

ROOT = Path(__file__).resolve().parents[2]
WRITER = ROOT / "scripts" / "write_dashboard.py"
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
OF_PROMETHEUS = {"job", "instance", "le", "worker"}
"""Labels that Prometheus, a histogram or a shared port adds."""


def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_dashboard", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dashboard() -> dict[str, Any]:
    return json.loads((ROOT / "deploy" / "grafana" / "liveserver.json").read_text())


def queries() -> list[str]:
    shown = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return shown + [alarm.query for alarm in ALARMS]


def asked(query: str) -> list[tuple[str, set[str]]]:
    """The metrics of ours in a query, and the labels each is narrowed by."""
    return [
        (name, set(re.findall(r"(\w+)\s*[=!]", narrowed)))
        for name, narrowed in re.findall(r"\b(liveserver_\w+)(?:\{([^}]*)\})?", query)
    ]


def test_each_metric_that_is_shown_or_alarms_exists_with_these_labels():
    known = metric_names()
    wrong: list[str] = []
    for query in queries():
        for name, labels in asked(query):
            found = known.get(name) or known.get(re.sub(r"_(?:bucket|count|sum)$", "", name))
            if found is None or labels - set(found.labels) - OF_PROMETHEUS:
                wrong.append(query)
            elif name.endswith("_bucket") != (found.kind == "histogram" and not name.endswith("_count")):
                wrong.append(f"{name} is a {found.kind}: {query}")
    assert wrong == []


def test_what_is_grouped_by_is_a_label_of_what_is_asked():
    known = metric_names()
    for query in queries():
        labels = set(OF_PROMETHEUS)
        for name, _ in asked(query):
            found = known.get(name) or known[re.sub(r"_(?:bucket|count|sum)$", "", name)]
            labels |= set(found.labels)
        grouped = {
            word for group in re.findall(r"by \(([^)]*)\)", query) for word in re.split(r",\s*", group)
        }
        assert grouped <= labels, query


def test_counters_are_shown_as_rates():
    known = metric_names()
    for query in queries():
        for name, _ in asked(query):
            if name in known and known[name].kind == "counter":
                assert re.search(rf"(?:rate|increase)\({name}", query), query


def test_the_test_would_notice_a_metric_that_is_gone():
    assert asked('sum by (a) (rate(liveserver_gone_total{job="x",kind!~"y"}[1m]))') == [
        ("liveserver_gone_total", {"job", "kind"})
    ]
    assert "liveserver_gone_total" not in metric_names()


def test_the_dashboard_is_what_its_script_says():
    assert (ROOT / "deploy" / "grafana" / "liveserver.json").read_text() == writer().dashboard(), (
        "run: python scripts/write_dashboard.py"
    )


def test_panels_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells


@pytest.mark.parametrize(("file", "made"), [(ALARMS_TOLD, alarms_reference), (RULES, alert_rules)])
def test_documents_of_alarms_are_current(file, made):
    assert file.read_text(encoding="utf-8") == made(), "run: python -m liveserver.cli.describe"


def test_rules_are_yaml_and_say_all():
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [alarm.name for alarm in ALARMS]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert re.fullmatch(r"\d+[sm]", rule["for"])
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_prometheus_loads_the_rules_and_asks_under_the_name_that_they_use():
    config = yaml.safe_load(PROMETHEUS.read_text())
    for file in config["rule_files"]:
        assert (PROMETHEUS.parent / file).is_file()
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    named = {job for alarm in ALARMS for job in re.findall(r'job="(\w+)"', alarm.query)}
    assert named <= jobs


def test_what_the_page_raises_is_in_the_table():
    source = Path(alarms_of.__code__.co_filename).read_text()
    raised = set(re.findall(r'raised\(\s*"(\w+)"', source))
    assert len(raised) >= 9
    assert raised <= {alarm.name for alarm in ALARMS}
