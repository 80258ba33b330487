"""The calls about what the hub shows of events and images, and the uploads behind them."""

from collections.abc import Sequence
from urllib.parse import quote

from tidegate.hubclient.transport import Params, Transport
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.first_sight_v1 import WantedScansResultV1, WantedScansV1
from tidegate.wire.hub_data_v1 import (
    AdvisorySourceV1,
    DetailUploadV1,
    EventGroupV1,
    EvidenceKeyV1,
    FindingDetailV1,
    ImageDetailV1,
    InventoryV1,
    OverviewV1,
    PackageV1,
    RegistryV1,
    RejudgementsV1,
    RenewalsV1,
    RepositoryV1,
    RunningImageV1,
    WorkerHeartbeatV1,
    WorkerV1,
)
from tidegate.wire.hub_v1 import EventBatchResultV1, JobRecordV1, Page
from tidegate.wire.registries_v1 import (
    ObservedResultV1,
    ObservedV1,
    RegistryRecordV1,
    RegistryWriteV1,
    SealingKeyV1,
    TurnEndV1,
    TurnRequestV1,
    TurnV1,
    WorkerRegistriesV1,
)

UPLOAD_S = 60.0
"""Added to the time allowed for an upload of tens of megabytes."""


class DataCalls:
    """Part of `HubClient`."""

    _http: Transport

    async def get_overview(self, hours: int = 24) -> OverviewV1:
        """Return what happened lately and what needs attention."""
        return await self._http.get("overview", OverviewV1, {"hours": hours})

    async def list_event_groups(
        self, *, cursor: str = "", limit: int = 50, **filters: str
    ) -> Page[EventGroupV1]:
        """Return a page of events, retries as one item; filters as in `list_events`."""
        params: Params = {**filters, "grouped": "true", "cursor": cursor, "limit": limit}
        return await self._http.get("events", Page[EventGroupV1], params)

    async def list_registries(self, *, cursor: str = "", limit: int = 50) -> Page[RegistryV1]:
        """Return a page of registries by host."""
        params: Params = {"cursor": cursor, "limit": limit}
        return await self._http.get("registries", Page[RegistryV1], params)

    async def list_repositories(
        self, registry: str = "", search: str = "", *, cursor: str = "", limit: int = 50
    ) -> Page[RepositoryV1]:
        """Return a page of repositories by registry and name."""
        params: Params = {"registry": registry, "search": search, "cursor": cursor, "limit": limit}
        return await self._http.get("repositories", Page[RepositoryV1], params)

    async def get_image(self, registry: str, repository: str, digest: str) -> ImageDetailV1:
        """Return one image, or one platform of an index."""
        params = {"registry": registry, "repository": repository, "digest": digest}
        return await self._http.get("images/lookup", ImageDetailV1, params)

    async def list_findings(
        self, registry: str, repository: str, digest: str, *, cursor: str = "", **filters: str
    ) -> Page[FindingDetailV1]:
        """Return a page of an image's findings.

        Filters: `platform`, `search`, `severity`, `fixed`, `sort`, `limit`.
        """
        image = {"registry": registry, "repository": repository, "digest": digest}
        params = {**image, **filters, "cursor": cursor}
        return await self._http.get("images/findings", Page[FindingDetailV1], params)

    async def list_packages(
        self, registry: str, repository: str, digest: str, *, cursor: str = "", **filters: str
    ) -> Page[PackageV1]:
        """Return a page of an image's packages; filters: `platform`, `search`, `limit`."""
        image = {"registry": registry, "repository": repository, "digest": digest}
        params = {**image, **filters, "cursor": cursor}
        return await self._http.get("images/packages", Page[PackageV1], params)

    async def get_statement(
        self, registry: str, repository: str, digest: str, platform: str = ""
    ) -> bytes:
        """Return an image's in-toto statement as it was signed."""
        image = {"registry": registry, "repository": repository, "digest": digest}
        _, body = await self._http.call(
            "GET", "images/statement", params={**image, "platform": platform}
        )
        return body

    async def get_job(self, job_id: str) -> JobRecordV1:
        """Return a scan job."""
        return await self._http.get(f"jobs/{quote(job_id, safe='')}", JobRecordV1)

    async def put_detail(self, job_id: str, body: DetailUploadV1) -> None:
        """Tell what a scan saw of one manifest. ConflictError: lease lost."""
        path = f"jobs/{quote(job_id, safe='')}/detail"
        await self._http.call("PUT", path, body=body, wait_s=UPLOAD_S)

    async def put_worker(self, name: str, body: WorkerHeartbeatV1) -> None:
        """Tell how a scan worker is."""
        await self._http.call("PUT", f"workers/{quote(name, safe='')}", body=body)

    async def list_workers(self) -> list[WorkerV1]:
        """Return the scan workers and when each was last heard of, by name."""
        return (await self._http.get("workers", Page[WorkerV1])).items

    async def send_inventory(self, name: str, images: Sequence[RunningImageV1]) -> None:
        """Tell which images run in a cluster, all of them."""
        path = f"clusters/{quote(name, safe='')}/inventory"
        await self._http.call("POST", path, body=InventoryV1(list(images)), wait_s=UPLOAD_S)

    async def ask_for_scans(self, body: WantedScansV1) -> WantedScansResultV1:
        """Ask for scans of images that workloads of the caller's cluster name."""
        return await self._http.post("scans", body, WantedScansResultV1)

    # Registries

    async def get_registry(self, host: str) -> RegistryRecordV1:
        """Return a registry that is configured in the hub."""
        return await self._http.get(_configured(host), RegistryRecordV1)

    async def put_registry(self, host: str, body: RegistryWriteV1) -> RegistryRecordV1:
        """Configure a registry; a worker tests it at once."""
        _, answer = await self._http.call("PUT", _configured(host), body=body)
        return self._http.decode(answer, RegistryRecordV1)

    async def delete_registry(self, host: str) -> None:
        """Forget a registry with its credentials."""
        await self._http.call("DELETE", _configured(host))

    async def test_registry(self, host: str) -> RegistryRecordV1:
        """Ask the workers to test a registry again."""
        return await self._http.post(f"{_configured(host)}/test", None, RegistryRecordV1)

    async def list_sealing_keys(self) -> list[SealingKeyV1]:
        """Return the keys that credentials are sealed by, one of each worker."""
        return (await self._http.get("sealing-keys", Page[SealingKeyV1])).items

    async def fetch_registries(self, generation: str = "") -> WorkerRegistriesV1 | None:
        """Return the registries that workers may contact; None: `generation` is the newest."""
        params = {"generation": generation}
        status, body = await self._http.call("GET", "workers/registries", params=params)
        return None if status == 304 else self._http.decode(body, WorkerRegistriesV1)

    async def lease_turn(self, worker: str, hosts: Sequence[str], generation: str) -> TurnV1 | None:
        """Lease a registry to test or look through; None: none is due, or `generation` is old.

        Raises:
            ConflictError: registry access is off.
        """
        body = TurnRequestV1(worker, list(hosts), generation)
        status, answer = await self._http.call("POST", "registries/turns", body=body)
        return None if status == 204 else self._http.decode(answer, TurnV1)

    async def tell_observed(self, host: str, body: ObservedV1) -> int:
        """Tell what tags name; return how many are new. ConflictError: lease lost."""
        path = f"registries/turns/{quote(host, safe='')}/observed"
        return (await self._http.post(path, body, ObservedResultV1)).queued

    async def end_turn(self, host: str, body: TurnEndV1) -> None:
        """End a lease of a registry. ConflictError: it is lost."""
        path = f"registries/turns/{quote(host, safe='')}/end"
        await self._http.call("POST", path, body=body)

    async def fetch_renewals(self, name: str, after: int, wait_s: float = 0) -> RenewalsV1:
        """Return which images have new reports since the cursor `after`; -1: there is none."""
        path = f"clusters/{quote(name, safe='')}/renewals"
        _, answer = await self._http.call(
            "GET", path, params={"after": after, "wait_s": wait_s}, wait_s=wait_s
        )
        return self._http.decode(answer, RenewalsV1)

    async def send_rejudgements(
        self, name: str, verdicts: Sequence[AdmissionEventV1]
    ) -> EventBatchResultV1:
        """Tell what would be decided now; `stored`: how many events came of it."""
        path = f"clusters/{quote(name, safe='')}/rejudgements"
        body = RejudgementsV1(list(verdicts))
        _, answer = await self._http.call("POST", path, body=body, wait_s=UPLOAD_S)
        return self._http.decode(answer, EventBatchResultV1)

    async def list_advisories(self) -> list[AdvisorySourceV1]:
        """Return the advisories that workers judge by, by ecosystem."""
        return (await self._http.get("advisories", Page[AdvisorySourceV1])).items

    async def list_keys(self) -> list[EvidenceKeyV1]:
        """Return the evidence keys that workers sign with."""
        return (await self._http.get("keys", Page[EvidenceKeyV1])).items


def _configured(host: str) -> str:
    return f"registries/configured/{quote(host, safe='')}"
