"""What the agent counts, in Prometheus' names; the one place that lists them."""

from prometheus_client import Counter, Gauge, Histogram

ALARM = Gauge(
    "tidegate_agent_alarm",
    "1 while an alarm stands, by its kind: the reasons of Events have the same names.",
    ["kind"],
)
WEBHOOK_PRESENT = Gauge(
    "tidegate_agent_webhook_present", "1 while the webhook configuration is there, else 0."
)
WEBHOOK_REPAIRS = Counter(
    "tidegate_agent_webhook_repairs", "Times that the webhook configuration was put back."
)
KUBE_EVENTS = Counter(
    "tidegate_agent_kube_events",
    "Kubernetes Events, by what became of them: written, repeated (counted with one that was "
    "written), dropped (by the rate limit) or failed.",
    ["result"],
)
CANARY_RUNS = Counter(
    "tidegate_agent_canary_runs",
    "Canary pods, by which (bad or good) and what came: expected, admitted, refused, not-reached "
    "(the API server could not ask the gate), blocked (by somebody else) or unknown (the API "
    "server did not answer).",
    ["pod", "result"],
)
CANARY_PASSING = Gauge(
    "tidegate_agent_canary_passing", "1 while both canary pods are answered as they should be."
)
CANARY_PASSED_AT = Gauge(
    "tidegate_agent_canary_passed_at_seconds", "Unix time at which the canary last passed."
)
CANARY_SECONDS = Histogram(
    "tidegate_agent_canary_seconds",
    "Time of one canary pod through the API server and the gate.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
NOT_JUDGED = Gauge(
    "tidegate_agent_pods_not_judged",
    "Pods that run without a verdict of the gate, by why.",
    ["why"],
)
FAILED_OPEN = Counter(
    "tidegate_agent_failed_open",
    "Requests that were admitted without the gate, by how that is known: audit-log or detection.",
    ["source"],
)
AUDIT_LINES_SKIPPED = Counter(
    "tidegate_agent_audit_lines_skipped",
    "Lines of the audit log that were too long or no JSON, so that nobody knows what they say.",
)
AUDIT_LOG_UNREADABLE = Gauge(
    "tidegate_agent_audit_log_unreadable",
    "1 while the audit log that the agent is to read cannot be read, else 0.",
)
VERDICTS_LATE = Gauge(
    "tidegate_agent_verdicts_late",
    "1 while verdicts reach the agent late or not at all, so that pods cannot be compared.",
)

# Series that alerts watch stand at 0 from the start: of one that begins with 1 nobody sees an
# increase.
for _source in ("audit-log", "detection"):
    FAILED_OPEN.labels(_source)
