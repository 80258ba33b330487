"""Hands spooled events to the agent: `POST /v1/events` with an EventBatchV1."""

from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.domain.errors import HubUnavailableError, InputError
from tidegate.gate.spool import Batch

if TYPE_CHECKING:
    import httpx2

DELIVERY_TIMEOUT_S = 10.0
"""One attempt, the agent's own call to the hub included."""

_NEVER = frozenset({400, 413, 422})
"""Answers that the same bytes will get again."""


class AgentDelivery:
    """The agent at `url`; the token is read at each attempt, so it may be replaced."""

    def __init__(self, url: str, token_file: Path | None) -> None:
        self._url = f"{url.rstrip('/')}/v1/events"
        self._token_file = token_file
        self._client: httpx2.AsyncClient | None = None

    async def deliver(self, batch: Batch) -> None:
        """Hand `batch` over; on return the hub has it.

        Raises:
            InputError: the agent refuses these bytes for good.
            HubUnavailableError: the agent or the hub behind it did not take them now.
        """
        import httpx2  # noqa: PLC0415 12 MiB that a gate without an agent does not need

        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=DELIVERY_TIMEOUT_S, trust_env=False)
        body = b'{"events":[%b],"dropped":%d}' % (b",".join(batch.lines), batch.dropped)
        try:
            response = await self._client.post(self._url, content=body, headers=self._headers())
        except (httpx2.HTTPError, OSError) as error:
            raise HubUnavailableError(f"agent at {self._url}: {error!r}") from error
        if response.status_code in _NEVER:
            raise InputError(f"agent at {self._url}: {response.status_code}")
        if not response.is_success:
            raise HubUnavailableError(
                f"agent at {self._url}: got {response.status_code}, want 200; see the agent's log"
            )

    async def aclose(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self._token_file is not None:
            token = self._token_file.read_text("utf-8").strip()
            headers["authorization"] = f"Bearer {token}"
        return headers
