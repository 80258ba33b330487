"""Alerts, dashboard and runbooks ask for what the parts really export, in words that Prometheus takes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from support.promql import read_expressions, wrong_with_rules

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "charts" / "tidegate" / "files" / "alerts.yaml"
DASHBOARD = ROOT / "charts" / "tidegate" / "files" / "dashboard.json"
PAGE = ROOT / "docs" / "reference" / "metrics.md"
PROSE = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
FROM_PROMETHEUS = {"instance", "job", "le"}
"""Labels that a scrape or a histogram adds."""

SUFFIXES = {"counter": {"_total"}, "gauge": {""}, "histogram": {"_bucket", "_count", "_sum"}}


@cache
def exported() -> dict[str, set[str]]:
    """Return the labels of each series, by its name, as the table made from the code has them."""
    found = {}
    for line in PAGE.read_text("utf-8").splitlines():
        if row := re.match(r"\| `(tidegate_\w+)` \| (\w+) \| ([^|]*) \|", line):
            name, kind, labels = row.groups()
            for suffix in SUFFIXES[kind]:
                series = name.removesuffix("_total") + suffix
                found[series] = set(re.findall(r"`(\w+)`", labels)) | FROM_PROMETHEUS
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[dict[str, Any]]:
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        if panel["type"] != "row":
            yield panel


def expressions() -> Iterator[Any]:
    """Yield each expression with the labels that its text shows."""
    for rule in rules():
        shown = re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
        yield pytest.param(rule["expr"], shown, id=rule["alert"])
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "5m")
            shown = re.findall(r"{{(\w+)}}", target["legendFormat"])
            yield pytest.param(expression, shown, id=f"{panel['title']} {target['refId']}")


def test_the_table_of_metrics_is_read() -> None:
    assert len(exported()) > 60
    assert "pod" in exported()["tidegate_agent_canary_runs_total"]
    assert "tidegate_gate_review_seconds_bucket" in exported()


@pytest.mark.parametrize(("expression", "shown"), list(expressions()))
def test_every_series_and_label_by_name_is_exported(expression: str, shown: list[str]) -> None:
    names = set(re.findall(r"tidegate_\w+", expression))
    assert names
    assert names <= exported().keys()
    labels = set.union(*(exported()[name] for name in names))
    used = re.findall(r"(\w+)=~?\"", expression)
    used += [label for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(", ")]
    assert {*used, *shown} <= labels


@pytest.mark.parametrize(("expression", "shown"), list(expressions()))
def test_prometheus_reads_every_expression(expression: str, shown: list[str]) -> None:
    (read,) = read_expressions([expression])
    assert read.error == ""
    assert read.series
    for name, matched in read.series.items():
        assert set(matched) <= exported()[name]
    known = set.union(*(exported()[name] for name in read.series))
    assert {*read.labels, *shown} <= known


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    assert wrong_with_rules(ALERTS) == ""
    broken = tmp_path / "broken.yaml"
    broken.write_text(ALERTS.read_text().replace("$labels.instance", "$labels.instance | nothing"))
    assert "nothing" in wrong_with_rules(broken), "templates are looked at too"


def test_alerts_have_names_of_their_own_and_known_severities() -> None:
    names = [rule["alert"] for rule in rules()]
    assert sorted(names) == sorted(set(names))
    assert {rule["labels"]["severity"] for rule in rules()} <= {"critical", "warning"}


def test_what_an_alert_sees_increase_is_there_at_zero_from_the_start() -> None:
    """Of a series that begins with 1 Prometheus shows no increase: the first one would be missed."""
    code = (
        "import tidegate.gate.metrics, tidegate.agent.metrics, tidegate.scan.metrics\n"
        "from tidegate.hub.metrics import Metrics\nfrom tidegate.hub.signals import Signals\n"
        "from prometheus_client import generate_latest\n"
        "print((generate_latest() + Metrics().render(None, Signals())).decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        timeout=60,
    )
    samples = [
        sample
        for family in text_string_to_metric_families(done.stdout)
        for sample in family.samples
    ]
    watched = 0
    for rule in rules():
        for name, matched in re.findall(r"increase\((\w+)(?:{(.*?)})?\[", rule["expr"]):
            wanted = dict(re.findall(r'(\w+)="([^"]*)"', matched))
            watched += 1
            at_start = [s for s in samples if s.name == name and wanted.items() <= s.labels.items()]
            assert at_start, f"{rule['alert']}: {name}{wanted} begins with its first increase"
            assert all(sample.value == 0 for sample in at_start)
    assert watched > 8


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_metric_that_a_page_names_is_exported(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"\btidegate_(?:gate|agent|hub|scan)_[a-z_]+[a-z]", text))
    bare = {name.removesuffix(s) for name in exported() for s in ("_bucket", "_count", "_sum", "")}
    assert named <= bare | exported().keys()


def test_the_dashboard_is_what_its_table_says() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import dashboard; print(dashboard.render(), end='')"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "hack",
        timeout=60,
    )
    assert done.stdout == DASHBOARD.read_text("utf-8"), "run: make docs"


def test_panels_stand_side_by_side_and_never_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    ids = []
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        ids.append(panel["id"])
    assert len(ids) == len(set(ids))


ASKED_FOR = {
    "decisions by verdict": "tidegate_gate_reviews_total",
    "latency": "tidegate_gate_review_seconds_bucket",
    "evidence and its source": "tidegate_gate_evidence_total",
    "age of evidence": "tidegate_gate_report_age_seconds_bucket",
    "queue": "tidegate_hub_jobs",
    "spool": "tidegate_gate_spool_bytes",
    "canary": "tidegate_agent_canary_passing",
    "days of the certificate": "tidegate_gate_certificate_expires_at_seconds",
    "age of the feed": "tidegate_gate_feed_age_seconds",
    "fail-open": "tidegate_agent_failed_open_total",
    "drift of the webhook": "tidegate_agent_webhook_repairs_total",
}


@pytest.mark.parametrize("series", ASKED_FOR.values(), ids=ASKED_FOR.keys())
def test_the_dashboard_shows(series: str) -> None:
    assert any(series in target["expr"] for panel in panels() for target in panel["targets"])
