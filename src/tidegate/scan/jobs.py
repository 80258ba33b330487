"""The hub's scan jobs, as a worker takes and answers them."""

from types import TracebackType
from typing import Self

import httpx2
import msgspec

from tidegate.domain.errors import HubUnavailableError, InputError
from tidegate.wire.hub_v1 import (
    JobFailureV1,
    JobLeaseRequestV1,
    JobProgressV1,
    JobResultV1,
    JobV1,
    PlatformReportV1,
    ProblemV1,
)

MAX_BODY_BYTES = 2**20
"""Largest answer read; a job is below 10 KiB, its tags included."""

TIMEOUT_S = 10.0
"""Silence of the hub that ends a request, beyond the time it was asked to wait."""

_MAX_ERROR_CHARS = 2000


class LeaseLostError(InputError):
    """The job is no longer ours: its lease ran out, or it was taken away."""


class JobBoard:
    """Jobs of one hub; an async context manager."""

    def __init__(self, hub_url: str, token: str) -> None:
        self._client = httpx2.AsyncClient(
            base_url=hub_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            follow_redirects=False,  # the token goes to the hub and nowhere else
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def lease(self, worker: str, wait_s: float) -> JobV1 | None:
        """Take a job, waiting up to `wait_s` for one; None: there is none.

        Raises:
            HubUnavailableError: no answer, or none that says.
        """
        request = JobLeaseRequestV1(worker=worker, wait_s=wait_s)
        body = await self._post("/api/v1/jobs/lease", request, TIMEOUT_S + wait_s)
        if not body:
            return None
        try:
            return msgspec.json.decode(body, type=JobV1)
        except msgspec.MsgspecError as error:
            raise HubUnavailableError(
                f"leasing a job: the hub's answer is none: {error}"
            ) from error

    async def extend(self, job: JobV1) -> None:
        """Say that the job is being worked on, which extends its lease.

        Raises:
            LeaseLostError: it is no longer ours.
            HubUnavailableError: no answer, or none that says.
        """
        await self._post(f"/api/v1/jobs/{job.id}/progress", JobProgressV1(job.lease))

    async def complete(self, job: JobV1, reports: list[PlatformReportV1]) -> None:
        """Hand in the job's result; raises as `extend`."""
        await self._post(f"/api/v1/jobs/{job.id}/complete", JobResultV1(job.lease, reports))

    async def fail(self, job: JobV1, error: str, *, retry: bool) -> None:
        """Give the job back as failed; raises as `extend`."""
        failure = JobFailureV1(job.lease, error[:_MAX_ERROR_CHARS], retry)
        await self._post(f"/api/v1/jobs/{job.id}/fail", failure)

    async def _post(self, path: str, body: msgspec.Struct, timeout_s: float = TIMEOUT_S) -> bytes:
        request = self._client.build_request(
            "POST",
            path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
            timeout=timeout_s,
        )
        try:
            response = await self._client.send(request, stream=True)
            try:
                answer = await _read(response)
            finally:
                await response.aclose()
        except httpx2.HTTPError as error:
            raise HubUnavailableError(f"POST {path}: {type(error).__name__}") from error
        if response.status_code in (200, 201, 202, 204):
            return answer
        problem = f"POST {path}: HTTP {response.status_code}{_detail(answer)}"
        if response.status_code in (404, 409, 410):
            raise LeaseLostError(problem)
        raise HubUnavailableError(problem)


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HubUnavailableError(f"the hub's answer is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _detail(body: bytes) -> str:
    try:
        return f": {msgspec.json.decode(body, type=ProblemV1).detail[:300]}"
    except msgspec.MsgspecError:
        return ""  # not in the hub's own words, so there is nothing to quote
