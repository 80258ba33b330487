"""What the gate counts, in Prometheus' names; the one place that lists them."""

from functools import cache

from prometheus_client import Counter, Gauge

from tidegate.gate.histogram import Histogram

REVIEWS = Counter(
    "tidegate_gate_reviews",
    "Admission reviews answered, by what was answered (pass: nothing in it is judged; malformed "
    "and fault are denials too; canary: of the agent, its answer is fixed) and who asked.",
    ["answer", "origin"],
)
REVIEW_SECONDS = Histogram(
    "tidegate_gate_review_seconds",
    "Time from the whole body to the answer.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVIDENCE = Counter(
    "tidegate_gate_evidence",
    "Platforms of images that reviews judged, by what was known (report, missing or unavailable) "
    "and where it was learnt (feed, registry, or none: nowhere).",
    ["found", "source"],
)
REPORT_AGE_SECONDS = Histogram(
    "tidegate_gate_report_age_seconds",
    "Age of the reports that reviews went by, since their newest scan; one for each platform.",
    buckets=(3600, 21600, *(day * 86400 for day in (1, 2, 7, 14, 30, 90, 180, 365))),
)
IN_FLIGHT = Gauge(
    "tidegate_gate_reviews_in_flight", "Reviews that wait for a registry or the cluster now."
)
REFUSED_REQUESTS = Counter(
    "tidegate_gate_refused_requests",
    "HTTP requests that are no reviews to answer, by reason.",
    ["reason"],
)
CUT_CONNECTIONS = Counter(
    "tidegate_gate_cut_connections",
    "Connections closed by a guard, by reason.",
    ["reason"],
)
EVENTS_RECORDED = Counter(
    "tidegate_gate_events_recorded", "Admission events written to the spool, by action.", ["action"]
)
EVENTS_DELIVERED = Counter(
    "tidegate_gate_events_delivered", "Admission events that the agent took."
)
EVENTS_DROPPED = Counter(
    "tidegate_gate_events_dropped",
    "Admission events given up, by reason: queue, spool (full), disk, build, corrupt, refused.",
    ["reason"],
)
SCANS_ASKED = Counter(
    "tidegate_gate_scans_asked",
    "Scans asked for because an image had no report, by what became of it: queued, scanned (a "
    "moment ago), refused, or unanswered.",
    ["result"],
)
ADMISSIONS_LOST = Counter(
    "tidegate_gate_admissions_lost",
    "Admissions that the agent's index was not told at once, by reason (queue, refused): pods of "
    "these workloads may not come back.",
    ["reason"],
)
REPORT_WAITS = Counter(
    "tidegate_gate_report_waits",
    "Refused reviews that waited for scans that they had queued, by what came of it: report (all "
    "are known now), in_vain, or no_place (too many waited).",
    ["result"],
)
REGISTRY_READS = Counter(
    "tidegate_gate_registry_reads",
    "Reads of registries in trust.yaml, tokens aside, by what became of them: answered, "
    "rate_limited (429), no_answer, or withheld (not sent: the registry is away, or its reads are "
    "used up).",
    ["registry", "outcome"],
)
REGISTRY_AWAY = Gauge(
    "tidegate_gate_registry_away",
    "1 while a registry that did not answer several reads in a row is only probed, else 0.",
    ["registry"],
)
REGISTRY_READS_PER_MINUTE = Gauge(
    "tidegate_gate_registry_reads_per_minute",
    "Reads a minute that a registry gets at most: readsPerMinute of trust.yaml, or what is left "
    "of it after a 429; +Inf: no limit.",
    ["registry"],
)
SPOOL_BYTES = Gauge("tidegate_gate_spool_bytes", "Bytes of events on disk.")
PROCESSES = Gauge(
    "tidegate_gate_processes", "Processes of this gate that answer (`TIDEGATE_GATE_PROCESSES`)."
)
PROCESSES.set(1)
READY = Gauge("tidegate_gate_ready", "1 while the gate can enforce, else 0.")
CERTIFICATE_EXPIRES_AT = Gauge(
    "tidegate_gate_certificate_expires_at_seconds",
    "Unix time at which the serving certificate ends.",
)
PROBLEMS = Gauge(
    "tidegate_gate_problems",
    "What is not in force as written while the last good version is, by source (policy, trust).",
    ["source"],
)
FEED_EPOCH = Gauge(
    "tidegate_gate_feed_epoch",
    "Number of the newest batch of findings held, by evidence key.",
    ["key"],
)
FEED_AGE_SECONDS = Gauge(
    "tidegate_gate_feed_age_seconds",
    "Time since the newest batch held was issued, by evidence key: a batch comes every minute.",
    ["key"],
)
FEED_OLD = Gauge(
    "tidegate_gate_feed_old",
    "1 while the feed of an evidence key is older than five minutes, else 0; no verdict changes.",
    ["key"],
)
FEED_SUBJECTS = Gauge(
    "tidegate_gate_feed_subjects",
    "Manifests that rows of the feed are held about, by evidence key.",
    ["key"],
)
FEED_REFUSED = Counter(
    "tidegate_gate_feed_refused",
    "Batches and snapshots of the feed that were refused, by reason (docs/reference/feed.md).",
    ["reason"],
)


# Series that alerts watch stand at 0 from the start: of one that begins with 1 nobody sees an
# increase.
for _origin in ("api-server", "direct", "rejudged"):
    REVIEWS.labels("fault", _origin)
for _reason in ("queue", "spool", "disk", "build", "corrupt", "refused"):
    EVENTS_DROPPED.labels(_reason)


@cache
def reviews_answered(answer: str, origin: str) -> Counter:
    """Return the counter of `REVIEWS` for these labels; looking one up costs more than counting."""
    return REVIEWS.labels(answer, origin)
