"""The calls with which workers match images again when advisories change."""

from collections.abc import Sequence
from urllib.parse import quote

from tidegate.hubclient.transport import Transport
from tidegate.wire.hub_v1 import JobV1
from tidegate.wire.rematch_v1 import (
    AdvisoriesToldV1,
    FindingsUploadV1,
    PackageListsRequestV1,
    PackageListsV1,
    PackagePageV1,
    PageRequestV1,
    PageResultV1,
    RematchStatusV1,
    RenewalRequestV1,
    RenewalV1,
    SaidV1,
    Standing,
    StandingV1,
    StoredListV1,
)

LARGE_S = 60.0
"""Added to the time allowed for tens of megabytes."""


class RematchCalls:
    """Part of `HubClient`."""

    _http: Transport

    async def tell_advisories(self, worker: str, body: AdvisoriesToldV1) -> Standing:
        """Tell what a worker's advisories are; return whether they are the ones that count."""
        path = f"workers/{quote(worker, safe='')}/advisories"
        _, answer = await self._http.call("PUT", path, body=body, wait_s=LARGE_S)
        return self._http.decode(answer, StandingV1).standing

    async def lease_packages(self, state: str) -> PackagePageV1 | None:
        """Return packages to match by the advisories in `state`; None: there are none now."""
        status, answer = await self._http.call(
            "POST", "advisories/packages", body=PageRequestV1(state), wait_s=LARGE_S
        )
        return None if status == 204 else self._http.decode(answer, PackagePageV1)

    async def put_packages(self, lease: str, said: Sequence[SaidV1]) -> None:
        """Tell what advisories say of a page's packages. ConflictError: lease lost."""
        body = PageResultV1(lease, list(said))
        await self._http.call("PUT", "advisories/packages", body=body, wait_s=LARGE_S)

    async def get_rematch(self) -> RematchStatusV1:
        """Return how far matching by the newest advisories is."""
        return await self._http.get("advisories/rematch", RematchStatusV1)

    async def take_package_lists(self, job: JobV1) -> list[StoredListV1]:
        """Return the package lists of a job's image; none: it has to be scanned."""
        _, answer = await self._http.call(
            "POST", f"jobs/{quote(job.id, safe='')}/packages", body=PackageListsRequestV1(job.lease)
        )
        return self._http.decode(answer, PackageListsV1).lists

    async def put_findings(self, job: JobV1, body: FindingsUploadV1) -> None:
        """Tell what matching again said of one platform. ConflictError: lease lost."""
        path = f"jobs/{quote(job.id, safe='')}/findings"
        await self._http.call("PUT", path, body=body, wait_s=LARGE_S)

    async def renew_reports(self, before: str) -> RenewalV1:
        """Have reports of scans before an instant made anew; return how far that is."""
        _, answer = await self._http.call("POST", "reports/renewals", body=RenewalRequestV1(before))
        return self._http.decode(answer, RenewalV1)
