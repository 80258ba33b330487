"""What a gate tells the agent: spooled events, and which images it would like to have scanned.

`POST /v1/events` with an EventBatchV1, `POST /v1/scans` with a WantedScansV1. And what was
admitted, for the index that the agent keeps and the gates follow: `POST`, `GET /v1/admitted`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tidegate.domain.errors import HubUnavailableError, InputError
from tidegate.domain.text import printable
from tidegate.gate.spool import Batch
from tidegate.wire.admitted_v1 import MAX_PAGE_BYTES, AdmissionsV1, AdmittedPageV1
from tidegate.wire.first_sight_v1 import WantedResultV1, WantedScansResultV1, WantedScansV1

if TYPE_CHECKING:
    import httpx2

DELIVERY_TIMEOUT_S = 10.0
"""One attempt, the agent's own call to the hub included."""

SCANS_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 64 * 1024
"""About `MAX_WANTED` images."""

_NEVER = frozenset({400, 413, 422})
"""Answers that the same bytes will get again."""


_PAGE = msgspec.json.Decoder(AdmittedPageV1)
_RESULTS = msgspec.json.Decoder(WantedScansResultV1)


class AgentDelivery:
    """The agent at `url`; the token is read at each attempt, so it may be replaced."""

    def __init__(self, url: str, token_file: Path | None) -> None:
        self._base = url.rstrip("/")
        self._url = f"{self._base}/v1/events"
        self._token_file = token_file
        self._client: httpx2.AsyncClient | None = None

    async def deliver(self, batch: Batch) -> None:
        """Hand `batch` over; on return the hub has it.

        Raises:
            InputError: the agent refuses these bytes for good.
            HubUnavailableError: the agent or the hub behind it did not take them now.
        """
        import httpx2  # noqa: PLC0415 12 MiB that a gate without an agent does not need

        client = self._connected()
        body = b'{"events":[%b],"dropped":%d}' % (b",".join(batch.lines), batch.dropped)
        try:
            response = await client.post(self._url, content=body, headers=self._headers())
        except (httpx2.HTTPError, OSError) as error:
            raise HubUnavailableError(f"agent at {self._url}: {error!r}") from error
        if response.status_code in _NEVER:
            raise InputError(f"agent at {self._url}: {response.status_code}")
        if not response.is_success:
            raise HubUnavailableError(
                f"agent at {self._url}: got {response.status_code}, want 200; see the agent's log"
            )

    async def ask_for_scans(self, wanted: WantedScansV1) -> Sequence[WantedResultV1]:
        """Return what becomes of each image asked for.

        Raises:
            HubUnavailableError: the agent or the hub behind it did not answer, or with something
                else.
        """
        import httpx2  # noqa: PLC0415 as above

        url, answer = f"{self._base}/v1/scans", bytearray()
        try:
            async with self._connected().stream(
                "POST",
                url,
                content=msgspec.json.encode(wanted),
                headers=self._headers(),
                timeout=SCANS_TIMEOUT_S,
            ) as response:
                async for chunk in response.aiter_raw():
                    answer += chunk
                    if len(answer) > MAX_ANSWER_BYTES:
                        raise HubUnavailableError(f"agent at {url}: more than {MAX_ANSWER_BYTES} B")
        except (httpx2.HTTPError, OSError) as error:
            raise HubUnavailableError(f"agent at {url}: {error!r}") from error
        if not response.is_success:
            raise HubUnavailableError(f"agent at {url}: {response.status_code}, want 200")
        try:
            results = _RESULTS.decode(answer).results
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise HubUnavailableError(f"agent at {url}: no results: {error}") from error
        if len(results) != len(wanted.images):
            raise HubUnavailableError(
                f"agent at {url}: {len(results)} results, want {len(wanted.images)}"
            )
        return results

    async def tell_admitted(self, told: AdmissionsV1) -> None:
        """Hand over what was admitted; on return the agent has it on disk.

        Raises:
            InputError: the agent refuses these bytes for good.
            HubUnavailableError: it did not take them now.
        """
        import httpx2  # noqa: PLC0415 as above

        url = f"{self._base}/v1/admitted"
        body = msgspec.json.encode(told)
        try:
            response = await self._connected().post(url, content=body, headers=self._headers())
        except (httpx2.HTTPError, OSError) as error:
            raise HubUnavailableError(f"agent at {url}: {error!r}") from error
        if response.status_code in _NEVER:
            raise InputError(f"agent at {url}: {response.status_code}")
        if not response.is_success:
            raise HubUnavailableError(f"agent at {url}: {response.status_code}, want 200")

    async def follow_admitted(self, after: str, wait_s: float) -> AdmittedPageV1:
        """Return what came into the index after a cursor, at the latest after `wait_s`.

        Raises:
            HubUnavailableError: the agent did not answer, or with something else.
        """
        import httpx2  # noqa: PLC0415 as above

        url, answer = f"{self._base}/v1/admitted", bytearray()
        try:
            async with self._connected().stream(
                "GET",
                url,
                params={"after": after, "wait": f"{wait_s:g}"},
                headers=self._headers(),
                timeout=wait_s + DELIVERY_TIMEOUT_S,
            ) as response:
                async for chunk in response.aiter_raw():
                    answer += chunk
                    if len(answer) > MAX_PAGE_BYTES:
                        raise HubUnavailableError(f"agent at {url}: more than {MAX_PAGE_BYTES} B")
        except (httpx2.HTTPError, OSError) as error:
            raise HubUnavailableError(f"agent at {url}: {error!r}") from error
        if not response.is_success:
            said = printable(answer[:300].decode(errors="replace"))
            raise HubUnavailableError(f"agent at {url}: {response.status_code}, want 200: {said}")
        try:
            return _PAGE.decode(answer)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise HubUnavailableError(f"agent at {url}: no page: {error}") from error

    async def aclose(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> "httpx2.AsyncClient":
        import httpx2  # noqa: PLC0415 as above

        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=DELIVERY_TIMEOUT_S, trust_env=False)
        return self._client

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self._token_file is not None:
            token = self._token_file.read_text("utf-8").strip()
            headers["authorization"] = f"Bearer {token}"
        return headers
