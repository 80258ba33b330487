"""What a scan worker counts, in Prometheus' names; the one place that lists them."""

from prometheus_client import Counter, Gauge, Histogram

JOBS = Counter(
    "tidegate_scan_jobs",
    "Jobs that this worker ended, by kind (scan, or rematch: packages judged again without a pull) "
    "and how: completed, failed (the hub may give it out again) or abandoned (its lease was lost).",
    ["kind", "result"],
)
JOB_SECONDS = Histogram(
    "tidegate_scan_job_seconds",
    "Time of one job from its lease to its end, by kind.",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
)
JOBS_IN_WORK = Gauge("tidegate_scan_jobs_in_work", "Jobs that this worker has leased now.")
HUB_FAILURES = Counter(
    "tidegate_scan_hub_failures",
    "Times that the hub gave no answer to the question for a job, or refused it.",
)
SIGNED_AT = Gauge(
    "tidegate_scan_signed_at_seconds",
    "Unix time at which this worker last signed a report; 0: not since its start.",
)
FEED_ROWS_WAITING = Gauge(
    "tidegate_scan_feed_rows_waiting",
    "Rows of the feed that are not in the chain yet: the hub did not take them.",
)
FEED_APPENDED_AT = Gauge(
    "tidegate_scan_feed_appended_at_seconds",
    "Unix time at which this worker last saw its key's chain go on, by whichever worker; 0: not "
    "since its start, or there is no feed.",
)

# Series that alerts watch stand at 0 from the start: of one that begins with 1 nobody sees an
# increase.
for _kind in ("scan", "rematch"):
    for _result in ("completed", "failed", "abandoned"):
        JOBS.labels(_kind, _result)
