"""What the hub counts, in the Prometheus format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from tidegate.hub.signals import Signals
from tidegate.wire.hub_v1 import JobState


class Metrics:
    """The counters of one hub."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.events = Counter(
            "tidegate_hub_events", "Admission events received.", ["result"], registry=registry
        )
        self.dropped = Counter(
            "tidegate_hub_events_dropped",
            "Admission events that gates or agents dropped for want of space.",
            ["cluster"],
            registry=registry,
        )
        self.refused = Counter(
            "tidegate_hub_requests_refused",
            "Requests without a token (401) or with one of another role (403).",
            ["status"],
            registry=registry,
        )
        self.cut = Counter(
            "tidegate_hub_cut_connections",
            "Connections closed because they took too long or too much, by reason.",
            ["reason"],
            registry=registry,
        )
        self.overloaded = Counter(
            "tidegate_hub_requests_overloaded",
            "Requests answered 503 because too many waited for the database.",
            registry=registry,
        )
        self._queue = Gauge(
            "tidegate_hub_database_queue",
            "Requests that wait for a connection to the database.",
            registry=registry,
        )
        self._waiting = Gauge(
            "tidegate_hub_waiting", "Requests that wait for a change.", ["of"], registry=registry
        )
        self._jobs = Gauge("tidegate_hub_jobs", "Scan jobs.", ["state"], registry=registry)

    def render(self, job_counts: dict[JobState, int], signals: Signals, queue: int = 0) -> bytes:
        """Return all of them as text."""
        self._queue.set(queue)
        for name in ("policy", "events", "jobs"):
            self._waiting.labels(name).set(getattr(signals, name).waiting)
        for state, count in job_counts.items():
            self._jobs.labels(state).set(count)
        return generate_latest(self._registry)
