"""Every call of the hub's REST API that agent, worker and command line make.

All methods raise `HubUnavailableError` when the hub does not answer and an `InputError`
(`NotFoundError`, `NotPermittedError`, `ConflictError`, …) with the hub's words when it refuses.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import httpx2

from tidegate.hubclient.data import DataCalls
from tidegate.hubclient.feed import FeedCalls
from tidegate.hubclient.people import PeopleCalls
from tidegate.hubclient.rematch import RematchCalls
from tidegate.hubclient.transport import Transport
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.hub_v1 import (
    ClusterEnrolledV1,
    ClusterEnrolV1,
    ClusterPolicyV1,
    ClusterV1,
    EnrolmentV1,
    EnrolV1,
    EventBatchResultV1,
    EventBatchV1,
    GatingV1,
    HeartbeatV1,
    ImageV1,
    JobFailureV1,
    JobLeaseRequestV1,
    JobPageV1,
    JobProgressV1,
    JobRecordV1,
    JobResultV1,
    JobState,
    JobV1,
    Page,
    PlatformReportV1,
    RuleApplyResultV1,
    RuleApplyV1,
    RuleMoveV1,
    RuleRecordV1,
    RuleWriteV1,
    ScanRequestV1,
    SettingsV1,
)
from tidegate.wire.policy_v1alpha1 import PolicyObjectV1
from tidegate.wire.protection_v1 import AlarmsV1

TAIL_SILENCE_S = 40.0
"""The hub writes a comment every 15 s; more than two missed means the connection is dead."""


@dataclass(frozen=True, slots=True)
class TailedEvent:
    """An event as it was recorded, with the cursor after which to resume."""

    cursor: str
    event: AdmissionEventV1


class HubClient(DataCalls, FeedCalls, PeopleCalls, RematchCalls):
    """A connection to one hub; use it as an async context manager."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 10,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = Transport(url, token, timeout_s=timeout_s, http=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    # Rules

    async def list_rules(self, search: str = "") -> list[RuleRecordV1]:
        """Return all rules, or those that mention `search`, highest priority first."""
        return await self._http.list_all("rules", RuleRecordV1, {"search": search})

    async def get_rule(self, rule_id: str) -> RuleRecordV1:
        """Return one rule."""
        return await self._http.get(f"rules/{_part(rule_id)}", RuleRecordV1)

    async def create_rule(self, body: RuleWriteV1) -> RuleRecordV1:
        """Create a rule directly above the default rule."""
        return await self._http.post("rules", body, RuleRecordV1)

    async def replace_rule(self, rule_id: str, body: RuleWriteV1, etag: str) -> RuleRecordV1:
        """Replace a rule if it is still the one of `etag`; `*`: whatever it is."""
        _, answer = await self._http.call(
            "PUT", f"rules/{_part(rule_id)}", body=body, headers={"If-Match": etag}
        )
        return self._http.decode(answer, RuleRecordV1)

    async def delete_rule(self, rule_id: str, etag: str = "*") -> None:
        """Delete a rule if it is still the one of `etag`; `*`: whatever it is."""
        await self._http.call("DELETE", f"rules/{_part(rule_id)}", headers={"If-Match": etag})

    async def enable_rule(self, rule_id: str) -> RuleRecordV1:
        """Switch a rule on."""
        return await self._http.post(f"rules/{_part(rule_id)}/enable", None, RuleRecordV1)

    async def disable_rule(self, rule_id: str) -> RuleRecordV1:
        """Switch a rule off."""
        return await self._http.post(f"rules/{_part(rule_id)}/disable", None, RuleRecordV1)

    async def move_rule(self, rule_id: str, priority: int) -> RuleRecordV1:
        """Give a rule another place; 1 decides first."""
        return await self._http.post(
            f"rules/{_part(rule_id)}/move", RuleMoveV1(priority), RuleRecordV1
        )

    async def duplicate_rule(self, rule_id: str) -> RuleRecordV1:
        """Return a disabled copy of a rule, made directly below it."""
        return await self._http.post(f"rules/{_part(rule_id)}/duplicate", None, RuleRecordV1)

    async def apply_rules(self, body: RuleApplyV1) -> RuleApplyResultV1:
        """Create or update rules by name, all or none."""
        return await self._http.post("rules/apply", body, RuleApplyResultV1)

    async def export_rules(self) -> PolicyObjectV1:
        """Return all rules as one policy object."""
        return await self._http.get("rules/export", PolicyObjectV1, {"format": "json"})

    async def get_settings(self) -> SettingsV1:
        """Return what holds for the whole organisation."""
        return await self._http.get("settings", SettingsV1)

    async def put_settings(self, body: SettingsV1) -> SettingsV1:
        """Set what holds for the whole organisation."""
        _, answer = await self._http.call("PUT", "settings", body=body)
        return self._http.decode(answer, SettingsV1)

    # Clusters

    async def enrol_cluster(self, body: ClusterEnrolV1) -> ClusterEnrolledV1:
        """Enrol a cluster; its token is in the answer and nowhere else."""
        return await self._http.post("clusters", body, ClusterEnrolledV1)

    async def announce_cluster(self, body: ClusterEnrolV1) -> EnrolmentV1:
        """Fix what a cluster is; the answer holds the one-time token for its agent."""
        return await self._http.post("clusters/enrolments", body, EnrolmentV1)

    async def enrol(self, body: EnrolV1) -> ClusterEnrolledV1:
        """Exchange a one-time token for the cluster's own; this client needs no token for it."""
        return await self._http.post("enrol", body, ClusterEnrolledV1)

    async def acknowledge_alarms(self, name: str) -> None:
        """Take the hub's alarms about a cluster for looked into."""
        await self._http.call("DELETE", f"clusters/{_part(name)}/alarms")

    async def list_clusters(self) -> list[ClusterV1]:
        """Return all clusters by name."""
        return await self._http.list_all("clusters", ClusterV1, {})

    async def get_cluster(self, name: str) -> ClusterV1:
        """Return one cluster."""
        return await self._http.get(f"clusters/{_part(name)}", ClusterV1)

    async def list_alarms(self) -> AlarmsV1:
        """Return what is wrong with the protection of clusters."""
        return await self._http.get("alarms", AlarmsV1)

    async def delete_cluster(self, name: str) -> None:
        """Forget a cluster; its token ends with it."""
        await self._http.call("DELETE", f"clusters/{_part(name)}")

    async def set_gating(
        self, name: str, gating: Literal["On", "Off"], password: str = ""
    ) -> ClusterV1:
        """Switch gating of one cluster; Off, in a session, takes the user's password anew."""
        _, answer = await self._http.call(
            "PUT", f"clusters/{_part(name)}/gating", body=GatingV1(gating, password)
        )
        return self._http.decode(answer, ClusterV1)

    async def send_heartbeat(self, name: str, body: HeartbeatV1) -> None:
        """Tell the hub how the cluster is."""
        await self._http.call("POST", f"clusters/{_part(name)}/heartbeat", body=body)

    async def fetch_policy(
        self, name: str, generation: str = "", wait_s: float = 0
    ) -> ClusterPolicyV1 | None:
        """Return the cluster's rules once they differ from `generation`; None: same after all."""
        status, answer = await self._http.call(
            "GET",
            f"clusters/{_part(name)}/policy",
            params={"generation": generation, "wait_s": wait_s},
            wait_s=wait_s,
        )
        return None if status == 304 else self._http.decode(answer, ClusterPolicyV1)

    # Events

    async def post_events(
        self, events: Sequence[AdmissionEventV1], dropped: int = 0
    ) -> EventBatchResultV1:
        """Deliver events; the same ones again do no harm."""
        return await self._http.post(
            "events", EventBatchV1(list(events), dropped), EventBatchResultV1
        )

    async def list_events(
        self, *, cursor: str = "", limit: int = 50, **filters: str
    ) -> Page[AdmissionEventV1]:
        """Return a page of events, newest first.

        Filters: `action`, `cluster`, `namespace`, `rule`, `image`, `kind`, `user`, `reason`,
        `origin`, `since`, `until`, `search`.
        """
        return await self._http.get(
            "events", Page[AdmissionEventV1], {**filters, "cursor": cursor, "limit": limit}
        )

    async def get_event(self, event_id: str, cluster: str = "") -> AdmissionEventV1:
        """Return one event."""
        return await self._http.get(
            f"events/{_part(event_id)}", AdmissionEventV1, {"cluster": cluster}
        )

    async def tail_events(self, after: str = "", **filters: str) -> AsyncIterator[TailedEvent]:
        """Yield events as they are recorded, from `after` on, or from now; ends with the hub.

        Filters as in `list_events`, without `since` and `until`.
        """
        cursor = after
        lines = self._http.lines("events/tail", {"after": after, **filters}, {}, TAIL_SILENCE_S)
        async for line in lines:
            field, _, value = line.partition(b":")
            if field == b"id":
                cursor = value.strip().decode("ascii", "replace")
            elif field == b"data":
                yield TailedEvent(cursor, self._http.decode(value, AdmissionEventV1))

    # Images and jobs

    async def request_scan(self, body: ScanRequestV1) -> JobRecordV1:
        """Queue a scan; the one already queued for this digest where there is one."""
        return await self._http.post("images/scan", body, JobRecordV1)

    async def list_images(
        self, *, cursor: str = "", limit: int = 50, **filters: str
    ) -> Page[ImageV1]:
        """Return a page of images, last pushed first.

        Filters: `registry`, `repository`, `status`, `tag`, `search`.
        """
        return await self._http.get(
            "images", Page[ImageV1], {**filters, "cursor": cursor, "limit": limit}
        )

    async def lease_job(
        self, worker: str, wait_s: float = 0, advisories_state: str = ""
    ) -> JobV1 | None:
        """Return a job leased to `worker`; None: there is no work.

        `advisories_state`: what its advisories are; images are matched again only by current ones.
        """
        body = JobLeaseRequestV1(worker, wait_s, advisories_state)
        status, answer = await self._http.call("POST", "jobs/lease", body=body, wait_s=wait_s)
        return None if status == 204 else self._http.decode(answer, JobV1)

    async def report_progress(self, job: JobV1) -> None:
        """Extend the lease; ConflictError: it is lost, abandon the job."""
        await self._http.call(
            "POST", f"jobs/{_part(job.id)}/progress", body=JobProgressV1(job.lease)
        )

    async def complete_job(
        self, job: JobV1, reports: Sequence[PlatformReportV1], not_attached: str = ""
    ) -> None:
        """Deliver the reports; none: what was pushed is no image. ConflictError: lease lost.

        `not_attached`: why the registry did not take them, after matching again.
        """
        body = JobResultV1(job.lease, list(reports), not_attached)
        await self._http.call("POST", f"jobs/{_part(job.id)}/complete", body=body)

    async def fail_job(
        self,
        job: JobV1,
        error: str,
        *,
        retry: bool,
        rescan: bool = False,
        reports: Sequence[PlatformReportV1] = (),
    ) -> None:
        """Give the job back with what went wrong. ConflictError: lease lost.

        `reports`: of the platforms that were scanned all the same.
        """
        body = JobFailureV1(job.lease, error, retry, rescan, list(reports))
        await self._http.call("POST", f"jobs/{_part(job.id)}/fail", body=body)

    async def list_jobs(
        self, *, state: JobState | None = None, cursor: str = "", limit: int = 50
    ) -> JobPageV1:
        """Return a page of jobs, newest first, and the counts of all."""
        return await self._http.get(
            "jobs", JobPageV1, {"state": state, "cursor": cursor, "limit": limit}
        )


def _part(text: str) -> str:
    """Return `text` as one part of a path."""
    return quote(text, safe="")
