"""What the hub counts, in the Prometheus format."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from tidegate.hub.clock import parse_instant
from tidegate.hub.signals import Signals
from tidegate.wire.hub_data_v1 import AdvisorySourceV1
from tidegate.wire.hub_v1 import JobState


class Seen(NamedTuple):
    """What the database says at one look."""

    jobs: Mapping[JobState, int]
    advisories: Sequence[AdvisorySourceV1] = ()


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
        self.rejudged = Counter(
            "tidegate_hub_rejudged_images",
            "Verdicts about running images that agents told: changed, same, or unanswered (what "
            "decides could not be found out, and the verdict before stands).",
            ["result"],
            registry=registry,
        )
        self.notifications = Counter(
            "tidegate_hub_notifications",
            "Events that registries told of: queued, repeated, or ignored as no image's push.",
            ["format", "result"],
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
        self._answers = Gauge(
            "tidegate_hub_database_answers",
            "1 where the database answered for this look, else 0; what it knows is left out then.",
            registry=registry,
        )
        self._waiting = Gauge(
            "tidegate_hub_waiting", "Requests that wait for a change.", ["of"], registry=registry
        )
        self._jobs = Gauge("tidegate_hub_jobs", "Scan jobs.", ["state"], registry=registry)
        self._advisories = Gauge(
            "tidegate_hub_advisories",
            "Advisory records that scan workers judge by.",
            ["ecosystem"],
            registry=registry,
        )
        self._updated_at = Gauge(
            "tidegate_hub_advisories_updated_at_seconds",
            "Unix time of the newest of an ecosystem's advisories; of workers that differ, the "
            "oldest.",
            ["ecosystem"],
            registry=registry,
        )
        self._imported_at = Gauge(
            "tidegate_hub_advisories_imported_at_seconds",
            "Unix time at which an ecosystem's advisories were last imported; absent for the demo "
            "set.",
            ["ecosystem"],
            registry=registry,
        )

    def render(self, seen: Seen | None, signals: Signals, queue: int = 0) -> bytes:
        """Return all of them as text; `seen` None: the database did not answer."""
        self._answers.set(seen is not None)
        self._jobs.clear()  # what nobody knows now must not look as it was
        self._set_advisories(() if seen is None else seen.advisories)
        self._queue.set(queue)
        for name in ("policy", "events", "jobs"):
            self._waiting.labels(name).set(getattr(signals, name).waiting)
        for state, count in ({} if seen is None else seen.jobs).items():
            self._jobs.labels(state).set(count)
        return generate_latest(self._registry)

    def _set_advisories(self, advisories: Sequence[AdvisorySourceV1]) -> None:
        for gauge in (self._advisories, self._updated_at, self._imported_at):
            gauge.clear()  # an ecosystem that no worker has any more must not look young for ever
        for source in advisories:
            self._advisories.labels(source.ecosystem).set(source.records)
            for gauge, text in (
                (self._updated_at, source.updated_at),
                (self._imported_at, source.imported_at),
            ):
                instant = parse_instant(text)
                if instant is not None:
                    gauge.labels(source.ecosystem).set(instant.timestamp())
