"""Writes the chart's Grafana dashboard, `charts/tidegate/files/dashboard.json`: `python hack/dashboard.py`.

A row of the tables below is a panel: what it is called, what it says, its unit and its PromQL. The
form is that of Grafana's dashboard JSON model, schema version 39 (Grafana 11); later ones take it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "charts" / "tidegate" / "files" / "dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; each query is PromQL and what its lines are called (Grafana's `{{label}}`)."""

    title: str
    text: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    bad: tuple[float, str] | None = None
    """A threshold, and `above` or `below`: what is beyond it is red."""
    width: int = 8
    height: int = 7


def rate(metric: str, by: str) -> str:
    """Return the increase a second of a counter, by a label or several."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def quantiles(histogram: str, *of: str) -> tuple[tuple[str, str], ...]:
    """Return queries for quantiles of a histogram over all processes."""
    spread = f"sum by (le) (rate({histogram}_bucket[$__rate_interval]))"
    return tuple(
        (f"histogram_quantile({each}, {spread})", f"p{100 * float(each):g}") for each in of
    )


def stat(title: str, text: str, unit: str, query: str, bad: tuple[float, str] | None) -> Panel:
    """Return a panel of one number."""
    return Panel(title, text, unit, ((query, ""),), "stat", bad, width=4, height=4)


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("Is it gating?", (
        stat("Gates ready", "Gates that can enforce.", "none", "sum(tidegate_gate_ready)", (1, "below")),
        stat("Canary", "1: the API server asks the gate, and it answers as it should.", "none",
             "min(tidegate_agent_canary_passing)", (1, "below")),
        stat("Alarms", "Alarms of the agent that stand.", "none", "sum(tidegate_agent_alarm)", (1, "above")),
        stat("Certificate ends in", "The gate's serving certificate that ends first.", "d",
             "(min(tidegate_gate_certificate_expires_at_seconds) - time()) / 86400", (7, "below")),
        stat("Failed open in a day", "Requests that were admitted without the gate.", "none",
             "sum(increase(tidegate_agent_failed_open_total[1d]))", (1, "above")),
        stat("Events given up in a day", "Records of verdicts that are lost; verdicts are not affected.",
             "none", "sum(increase(tidegate_gate_events_dropped_total[1d]))", (1, "above")),
    )),
    ("Decisions", (
        Panel("Reviews by verdict", "pass: nothing in it is judged. malformed and fault are denials too.",
              "reqps", ((rate("tidegate_gate_reviews_total", "answer"), "{{answer}}"),)),
        Panel("Latency of reviews", "From the whole body to the answer.", "s",
              quantiles("tidegate_gate_review_seconds", "0.5", "0.99", "0.999")),
        Panel("Reviews that wait", "For a registry or the cluster; requests and connections refused.", "none", (
            ("sum by (instance) (tidegate_gate_reviews_in_flight)", "waiting {{instance}}"),
            (rate("tidegate_gate_refused_requests_total", "reason"), "refused a second, {{reason}}"),
            (rate("tidegate_gate_cut_connections_total", "reason"), "cut a second, {{reason}}"),
        )),
    )),
    ("Evidence", (
        Panel("What reviews went by", "Platforms of images, by what was known and where it was learnt.", "ops",
              ((rate("tidegate_gate_evidence_total", "found, source"), "{{found}}, {{source}}"),)),
        Panel("Age of reports", "Since their newest scan.", "s",
              quantiles("tidegate_gate_report_age_seconds", "0.5", "0.9", "0.99")),
        Panel("Age of the feed", "A batch comes every minute; older than five is old. No verdict changes by it.",
              "s", (("max by (key) (tidegate_gate_feed_age_seconds)", "{{key}}"),), bad=(300, "above")),
        Panel("Reads of registries", "Away: several did not answer, and only probes are sent.", "ops", (
            (rate("tidegate_gate_registry_reads_total", "registry, outcome"), "{{registry}} {{outcome}}"),
            ("max by (registry) (tidegate_gate_registry_away)", "away: {{registry}}"),
        )),
        Panel("Scans asked for", "For images without a report, by what became of it.", "ops",
              ((rate("tidegate_gate_scans_asked_total", "result"), "{{result}}"),)),
        Panel("Not in force as written", "The last good version is, meanwhile; and what of the feed is refused.",
              "none", (
                  ("max by (source) (tidegate_gate_problems)", "{{source}}"),
                  (rate("tidegate_gate_feed_refused_total", "reason"), "feed refused a second, {{reason}}"),
              ), bad=(1, "above")),
    )),
    ("Nothing in silence", (
        Panel("Canary", "Both pods are expected to be answered as fixed.", "ops", (
            (rate("tidegate_agent_canary_runs_total", "pod, result"), "{{pod}} {{result}}"),
        )),
        Panel("Latency of the canary", "Through the API server and the gate.", "s",
              quantiles("tidegate_agent_canary_seconds", "0.5", "0.99")),
        Panel("Alarms", "By kind; the reasons of Events have the same names.", "none",
              (("max by (kind) (tidegate_agent_alarm) > 0", "{{kind}}"),), bad=(1, "above")),
        Panel("Webhook configuration", "Present, and how often somebody's change of it was put back.", "none", (
            ("min(tidegate_agent_webhook_present)", "present"),
            ("sum(increase(tidegate_agent_webhook_repairs_total[$__rate_interval]))", "put back"),
        )),
        Panel("Pods without a verdict", "That run now, by why.", "none", (
            ("max by (why) (tidegate_agent_pods_not_judged)", "{{why}}"),
            ("max(tidegate_agent_verdicts_late)", "verdicts late"),
        )),
        Panel("Failed open", "Requests admitted without the gate, by how that is known.", "none", (
            ("sum by (source) (increase(tidegate_agent_failed_open_total[$__rate_interval]))", "{{source}}"),
            ("max(tidegate_agent_audit_log_unreadable)", "audit log unreadable"),
        ), bad=(1, "above")),
    )),
    ("Events on their way", (
        Panel("Spool", "Events on the gates' disks that the hub has not taken.", "bytes",
              (("sum by (instance) (tidegate_gate_spool_bytes)", "{{instance}}"),)),
        Panel("Events", "Recorded by gates, taken by the agent, stored by the hub.", "ops", (
            ("sum(rate(tidegate_gate_events_recorded_total[$__rate_interval]))", "recorded"),
            ("sum(rate(tidegate_gate_events_delivered_total[$__rate_interval]))", "delivered"),
            (rate("tidegate_hub_events_total", "result"), "hub: {{result}}"),
        )),
        Panel("Events given up", "By reason.", "ops", (
            (rate("tidegate_gate_events_dropped_total", "reason"), "{{reason}}"),
            (rate("tidegate_agent_kube_events_total", "result"), "Kubernetes Events {{result}}"),
        )),
    )),
    ("Hub and workers", (
        Panel("Scan jobs", "By state.", "none", (
            ('max by (state) (tidegate_hub_jobs{state=~"queued|leased|failed"})', "{{state}}"),
        )),
        Panel("Jobs ended", "By kind and how.", "ops",
              ((rate("tidegate_scan_jobs_total", "kind, result"), "{{kind}} {{result}}"),)),
        Panel("Time of a job", "From its lease to its end.", "s",
              quantiles("tidegate_scan_job_seconds", "0.5", "0.99")),
        Panel("Queue of the hub's database", "Requests that wait, and that were put off.", "none", (
            ("sum by (instance) (tidegate_hub_database_queue)", "waiting {{instance}}"),
            ("sum(rate(tidegate_hub_requests_overloaded_total[$__rate_interval]))", "put off a second"),
            ("min(tidegate_hub_database_answers)", "database answers"),
        )),
        Panel("Age of advisories", "Since they were imported.", "s", (
            ("time() - min by (ecosystem) (tidegate_hub_advisories_imported_at_seconds)", "{{ecosystem}}"),
        )),
        Panel("Rows that wait for the feed", "The hub did not take them.", "none", (
            ("sum by (instance) (tidegate_scan_feed_rows_waiting)", "{{instance}}"),
        ), bad=(1, "above")),
    )),
)  # fmt: skip
"""What the dashboard shows, from top to bottom."""


def render() -> str:
    """Return `dashboard.json`."""
    variable = {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }
    body = {
        "uid": "tidegate",
        "title": "Tidegate",
        "tags": ["tidegate"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [variable]},
        "panels": list(_panels()),
    }
    return json.dumps(body, indent=1) + "\n"


def _panels() -> Iterator[Json]:
    number, y = 0, 0
    for title, panels in ROWS:
        number += 1
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place}
        y, x = y + 1, 0
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + panel.height
            number += 1
            yield _panel(number, panel, x, y)
            x += panel.width
        y += panels[-1].height


def _panel(number: int, panel: Panel, x: int, y: int) -> Json:
    defaults: Json = {"unit": panel.unit, "min": 0}
    if panel.bad is not None:
        at, side = panel.bad
        colours = ("green", "red") if side == "above" else ("red", "green")
        steps = [{"color": colours[0], "value": None}, {"color": colours[1], "value": at}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        if panel.kind == "timeseries":
            defaults["custom"] = {"thresholdsStyle": {"mode": "line"}}
    targets = [
        {"refId": chr(ord("A") + n), "expr": expr, "legendFormat": legend, "datasource": SOURCE}
        for n, (expr, legend) in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": targets,
    }


if __name__ == "__main__":
    FILE.write_text(render(), "utf-8")
